"""Sees work in a lock that is held on a file while a job runs.

The kernel's list of locks is read instead of trying to take it: a worker that tries at the same moment would be refused.
The list names files by device and inode as the kernel knows them, which on an overlay (every container) is not what stat says;
so the file is opened for its name only, and the kernel is asked which mount and inode that is.
"""

from __future__ import annotations

import os

from supervisor.core.probing import Busy, Idle, Sample, Unknown


class Lock:
    def __init__(self, path: str) -> None:
        self._path = path

    def look(self) -> Sample:
        try:
            name = _kernel_name(self._path)
            with open("/proc/locks", encoding="ascii") as lines:
                # NB: who only waits for a lock has a line of its own, marked by an arrow.
                held = [line.split() for line in lines if "->" not in line]
        except (FileNotFoundError, NotADirectoryError):
            # What is not there can be locked by nobody.
            return Idle() if not os.path.exists(self._path) else Unknown("this kernel shows no list of locks")
        except OSError as error:
            return Unknown(f"{self._path}: {error.strerror or error}")
        # number: kind ADVISORY READ|WRITE pid device:inode begin end (proc(5))
        owners = [words[4] for words in held if len(words) > 5 and words[5] == name]
        return Busy(f"{self._path} (process {owners[0]})") if owners else Idle()


def _kernel_name(path: str) -> str:
    """Return the file's name in the list of locks: device numbers in hexadecimal digits, then the inode."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as lines:
            about = dict(line.split(":", 1) for line in lines if ":" in line)
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    # Linux before 5.14 does not say the inode.
    inode = about.get("ino", str(status.st_ino)).strip()
    mount = about["mnt_id"].strip()
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        device = next((words[2] for line in mounts if (words := line.split())[0] == mount), None)
    if device is None:
        device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    major, minor = (int(number) for number in device.split(":"))
    return f"{major:02x}:{minor:02x}:{inode}"
