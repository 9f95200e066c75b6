"""The command's own file: shell above, Python below, and nothing of either may reach the worker."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from supervisor import __version__

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "supervisor/entry/ecs-supervisor"
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"

# Where the shell and what it calls are found.
SYSTEM_PATH = "/usr/bin:/bin"

SAYS_HELLO = f"ecs-supervisor {__version__} "


class Installation:
    """An environment as pip would make it; its packages are links to those of the tests."""

    def __init__(self, prefix: Path) -> None:
        self.bin = prefix / "bin"
        self.packages = prefix / "lib" / VERSION / "site-packages"
        self.command = self.bin / "ecs-supervisor"
        self.bin.mkdir(parents=True)
        self.packages.mkdir(parents=True)
        shutil.copy(SCRIPT, self.command)
        (self.bin / "python3").symlink_to(Path(sys.executable).resolve())
        for package in Path(sysconfig.get_path("purelib")).iterdir():
            if package.suffix != ".pth" and "supervisor" not in package.name:
                (self.packages / package.name).symlink_to(package)
        (self.packages / "supervisor").symlink_to(ROOT / "supervisor")


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "an environment")


def output(*command: str | Path, cwd: Path | None = None, environ: dict[str, str] | None = None) -> str:
    ran = subprocess.run(
        command, env={"PATH": SYSTEM_PATH} | (environ or {}), cwd=cwd, capture_output=True, check=True
    )
    return ran.stdout.decode()


def test_the_interpreter_beside_the_script_is_used(installed: Installation) -> None:
    """Also where the path has blanks, and whatever is in PATH."""
    assert output(installed.command, "--version").startswith(SAYS_HELLO)
    assert output(installed.command, "--version", environ={"PATH": "/nowhere"}).startswith(SAYS_HELLO)


def test_a_link_leads_to_its_own_environment(installed: Installation, tmp_path: Path) -> None:
    """As pipx and uv make it; the interpreter beside the link is another one."""
    links = tmp_path / "links"
    links.mkdir()
    (links / "ecs-supervisor").symlink_to(installed.command)
    (links / "python3").symlink_to("/bin/false")
    assert output(links / "ecs-supervisor", "--version").startswith(SAYS_HELLO)
    assert output("ecs-supervisor", "--version", environ={"PATH": f"{links}:{SYSTEM_PATH}"}).startswith(
        SAYS_HELLO
    )


def test_the_script_is_found_without_a_slash(installed: Installation) -> None:
    """A shell that is told to read the file passes its name on as it is."""
    assert output("sh", "ecs-supervisor", "--version", cwd=installed.bin).startswith(SAYS_HELLO)


def test_the_interpreter_is_of_the_version_that_has_the_package(
    installed: Installation, tmp_path: Path
) -> None:
    """There may be several in one directory; with `pip install --user` it is not beside the script but in PATH."""
    python = Path(sys.executable).resolve()
    (installed.bin / "python3").unlink()
    (installed.bin / "python3").symlink_to("/bin/false")
    (installed.bin / VERSION).symlink_to(python)
    assert output(installed.command, "--version", environ={"PATH": "/nowhere"}).startswith(SAYS_HELLO)
    (installed.bin / VERSION).rename(tmp_path / VERSION)
    (installed.bin / "python3").unlink()
    assert output(installed.command, "--version", environ={"PATH": str(tmp_path)}).startswith(SAYS_HELLO)


def test_a_missing_interpreter_is_told(installed: Installation) -> None:
    """With the status of a shell that finds no command."""
    (installed.bin / "python3").unlink()
    ran = subprocess.run(
        [installed.command, "--version"], env={"PATH": "/nowhere"}, capture_output=True, check=False
    )
    assert ran.returncode == 127
    assert ran.stderr.startswith(b"ecs-supervisor: there is no python3 beside ")


def test_an_editable_installation_works(installed: Installation) -> None:
    """There the package is elsewhere, and a .pth file says where; so that one case needs the site module."""
    (installed.packages / "supervisor").unlink()
    (installed.packages / "editable.pth").write_text(f"{ROOT}\n")
    (installed.bin.parent / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    assert output(installed.command, "--version").startswith(SAYS_HELLO)


def test_nothing_of_the_worker_enters_the_supervisor(installed: Installation, tmp_path: Path) -> None:
    """Neither PYTHONPATH, as tracing agents set it, nor other people's .pth files, nor the working directory."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    tell = f"open({str(tmp_path / 'told')!r}, 'a').write(__name__)\n"
    for module in ("sitecustomize", "usercustomize", "json", "supervisor"):
        (theirs / f"{module}.py").write_text(tell)
    (installed.packages / "tracing.pth").write_text(f"import sys; {tell}")
    environ = {"PYTHONPATH": str(theirs), "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": str(theirs / "json.py")}
    run = (installed.command, "run", "--socket", "none", "--", "printenv", "PYTHONPATH")
    assert output(*run, cwd=theirs, environ=environ) == f"{theirs}\n"
    assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("start", ["script", "module"])
def test_the_worker_has_the_environment_of_the_container(installed: Installation, start: str) -> None:
    """Names that are none to a shell are kept, and only we add something: where the hooks find us, or that they do not."""
    environ = {b"spring.datasource.url": b"jdbc:x", b"A-B": b"1", b"BYTES": b"\xff\n\xfe=", b"EMPTY": b""}
    command = [installed.command] if start == "script" else [sys.executable, "-I", "-c", _AS_MODULE]
    ran = subprocess.run(
        [*command, "run", "--socket", "none", "--api", "none", "--", "/usr/bin/env", "-0"],
        env=environ,
        capture_output=True,
        check=True,
    )
    entries = [entry.partition(b"=") for entry in ran.stdout.split(b"\0") if entry]
    assert {name: value for name, _, value in entries} == environ | {b"ECS_SUPERVISOR_SOCKET": b"none"}


# `python -I -m supervisor` of an environment that does not have it installed.
_AS_MODULE = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_module('supervisor', run_name='__main__')"


def test_without_base64_the_worker_has_what_the_shell_kept(installed: Installation, tmp_path: Path) -> None:
    """An image may lack the program that copies the environment; our own variable does not stay behind even then."""
    script = installed.command.read_text()
    installed.command.write_text(script.replace("base64", "no-such-program"))
    assert script.count("-p base64") == 1
    run = (installed.command, "run", "--socket", "none", "--api", "none", "--", "/usr/bin/env")
    told = output(*run, cwd=tmp_path, environ={"ORDINARY": "1"})
    assert set(told.splitlines()) - {f"PWD={tmp_path}", "SHLVL=0", "SHLVL=1"} - {"_=/usr/bin/env"} == {
        f"PATH={SYSTEM_PATH}",
        "ORDINARY=1",
        "ECS_SUPERVISOR_SOCKET=none",
    }


def test_a_huge_environment_is_no_obstacle(installed: Installation) -> None:
    """The copy is left out where it would not fit into one variable (execve(2))."""
    huge = {f"PART_{number}": "x" * 30_000 for number in range(6)}
    run = (installed.command, "run", "--socket", "none", "--", "/usr/bin/env")
    assert set(output(*run, environ=huge).splitlines()) >= {f"{name}={value}" for name, value in huge.items()}


def test_the_workers_arguments_are_not_touched(installed: Installation) -> None:
    """Not by the shell, and not by Python: blanks, quotes, stars, bytes that are no UTF-8, and nothing at all."""
    words = [b"a b", b"*", b"$HOME", b"'\"`", b"\xff\xfe", b"", b"--help", b"\n"]
    run = (installed.command, "run", "--socket", "none", "--", "printf", "%s|")
    told = subprocess.run([*run, *words], env={"PATH": SYSTEM_PATH}, capture_output=True, check=True).stdout
    assert told == b"".join(word + b"|" for word in words)


@pytest.mark.parametrize("path", [SCRIPT, ROOT / "supervisor/__main__.py"], ids=lambda path: path.name)
def test_blocking_signals_comes_first(path: Path) -> None:
    """Before anything is imported that could take time; process 1 would lose a signal that comes meanwhile."""
    docstring, imported, blocked, *_ = ast.parse(path.read_text()).body
    assert isinstance(docstring, ast.Expr)
    assert ast.unparse(imported) == "import _signal"
    assert ast.unparse(blocked) == "_signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())"


def test_a_signal_during_the_start_is_not_lost(installed: Installation) -> None:
    """It waits, blocked, until the supervisor can decide: here the worker is never started or is told at once."""
    blocked = subprocess.Popen(
        [installed.command, "run", "--socket", "none", "--", "sleep", "60"],
        env={"PATH": SYSTEM_PATH},
        stderr=subprocess.DEVNULL,
        preexec_fn=_block_term,
    )
    os.kill(blocked.pid, 15)
    assert blocked.wait(timeout=15) == 143


def _block_term() -> None:
    # As `env --block-signal=TERM` would: what happens before the first statement of Python is not ours to change.
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
