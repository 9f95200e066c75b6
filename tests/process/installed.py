"""An installed supervisor: an environment as pip would make it, without the time that pip takes."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "supervisor/entry/ecs-supervisor"
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"


class Installation:
    """Its packages are links to those of the tests, ours to the checkout."""

    def __init__(self, prefix: Path) -> None:
        self.bin = prefix / "bin"
        self.packages = prefix / "lib" / VERSION / "site-packages"
        self.command = self.bin / "ecs-supervisor"
        self.bin.mkdir(parents=True)
        self.packages.mkdir(parents=True)
        shutil.copy(SCRIPT, self.command)
        for name in ("python3", VERSION):
            (self.bin / name).symlink_to(Path(sys.executable).resolve())
        for package in Path(sysconfig.get_path("purelib")).iterdir():
            if package.suffix != ".pth" and "supervisor" not in package.name:
                (self.packages / package.name).symlink_to(package)
        (self.packages / "supervisor").symlink_to(ROOT / "supervisor")
