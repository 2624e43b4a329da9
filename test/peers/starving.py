"""Ways to give a program less than it asks for: calls that fail (test/interpose/starve.c), limits, a memory cgroup."""
import glob
import mmap
import os
import struct
import subprocess
import threading

from world import TOP, Failed, expect

KINDS = ("memory", "thread", "socket", "accept", "open", "event")
FIELDS = ("first", "run", "odds", "calls", "failed")

_building = threading.Lock()


def library(world):
    """The interposer, built anew for this run of the tests."""
    path = os.path.join(os.path.dirname(world.root), "starve.so")
    with _building:
        if not os.path.exists(path):
            done = subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", path,
                                   os.path.join(TOP, "test", "interpose", "starve.c")], capture_output=True, text=True)
            expect(done.returncode == 0, f"starve.c does not compile: {done.stderr}")
    return path


class Starvation:
    """Which calls of one program fail. Nothing does before `begin`."""

    def __init__(self, world, name, seed):
        path = os.path.join(world.root, f"starve-{name}")
        size = 8 * (2 + len(FIELDS) * len(KINDS))
        with open(path, "w+b") as f:
            f.truncate(size)
            self._map = mmap.mmap(f.fileno(), size)
        struct.pack_into("QQ", self._map, 0, 0, seed)
        self.env = {"LD_PRELOAD": library(world), "STARVE": path}

    def _offset(self, kind, field):
        return 8 * (2 + len(FIELDS) * KINDS.index(kind) + FIELDS.index(field))

    def fail(self, kind, first=0, run=1, odds=0):
        """Of the calls of this kind from now on those from the `first` on, `run` of them, and one in `odds`."""
        for field, value in (("calls", 0), ("first", first), ("run", run), ("odds", odds)):
            struct.pack_into("Q", self._map, self._offset(kind, field), value)
        return self

    def begin(self):
        struct.pack_into("Q", self._map, 0, 1)

    def end(self):
        struct.pack_into("Q", self._map, 0, 0)

    def count(self, kind, field="failed"):
        return struct.unpack_from("Q", self._map, self._offset(kind, field))[0]


def limited(**limits):
    """What stands before a command so that it runs with these limits of prlimit(1), soft and hard."""
    return ["prlimit", *[f"--{name}={value}:{value}" for name, value in limits.items()]]


class MemoryCgroup:
    """A memory cgroup (version 1) of `limit` bytes; None where the machine has none. `before` puts a command into it."""
    ROOT = "/sys/fs/cgroup/memory"

    @classmethod
    def make(cls, world, name, limit):
        if not os.path.exists(os.path.join(cls.ROOT, "memory.limit_in_bytes")):
            return None
        return cls(world, name, limit)

    def __init__(self, world, name, limit):
        self.path = os.path.join(self.ROOT, f"torrent-test-{os.getpid()}-{world.number}-{name}")
        for old in glob.glob(os.path.join(self.ROOT, f"torrent-test-*-{name}")):
            try:
                os.rmdir(old)  # of a run that was killed
            except OSError:
                pass
        os.mkdir(self.path)
        with open(os.path.join(self.path, "memory.limit_in_bytes"), "w") as f:
            f.write(str(limit))
        self.before = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', self.path]

    def read(self, name):
        with open(os.path.join(self.path, name)) as f:
            return f.read()

    def remove(self):
        os.rmdir(self.path)


def status(program, field):
    """A field of /proc/PID/status: a count, or bytes."""
    try:
        with open(f"/proc/{program.pid}/status") as f:
            for line in f:
                if line.startswith(field + ":"):
                    words = line.split()
                    return int(words[1]) * (1024 if words[-1] == "kB" else 1)
    except FileNotFoundError:
        pass
    raise Failed(f"{program.name} has no {field} any more")


def cpu_seconds(program):
    with open(f"/proc/{program.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(program):
    return len(os.listdir(f"/proc/{program.pid}/fd"))
