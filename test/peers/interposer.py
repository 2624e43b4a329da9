"""The library of test/interpose that a program is started with (LD_PRELOAD), to log its writes or make them fail."""
import os
import subprocess
import threading

from world import TOP

SOURCES = os.path.join(TOP, "test", "interpose")
RULE_BYTES = 4096

_lock = threading.Lock()
_built = {}


def library(world):
    """Its path; built once a run, beside the scenarios' folders, of the sources that are about disks."""
    folder = os.path.dirname(world.root)
    with _lock:
        if folder not in _built:
            path = os.path.join(folder, "interpose.so")
            subprocess.run(["cc", "-D_GNU_SOURCE", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
                            "-pthread", "-o", path,
                            *[os.path.join(SOURCES, name) for name in sorted(os.listdir(SOURCES))
                              if name.startswith("disk") and name.endswith(".c")]], check=True)
            _built[folder] = path
        return _built[folder]


class Faults:
    """Rules of what shall go wrong ("ACTION CALL PATTERN [COUNT]", see test/interpose/disk.h); they may change while the
    program runs that was started with `env`."""

    def __init__(self, world, *rules):
        self.path = os.path.join(world.root, f"faults-{id(self)}")
        self.set(*rules)
        self.env = {"LD_PRELOAD": library(world), "DISK_FAULTS": self.path}

    def set(self, *rules):
        text = "".join(rule + "\n" for rule in rules).encode()
        # In one write, and never shorter: the program has it mapped.
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT)
        os.pwrite(fd, text.ljust(RULE_BYTES, b"\0"), 0)
        os.close(fd)


def log_env(world, path):
    """Environment of a program whose writes go to the log `path`."""
    return {"LD_PRELOAD": library(world), "DISK_LOG": path}
