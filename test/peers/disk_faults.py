"""Our program and a disk that fails while it runs: it says why, waits, touches nothing else, and goes on by itself.

Hazards 110 to 114. On real file systems where those behave in ways of their own, otherwise by faults that the interposer
makes of system calls.
"""
import errno
import fcntl
import itertools
import os
import signal
import struct
import subprocess

from clients import (NOWHERE, PORT, exits, make_torrent, our_command, ours_create, ours_download, ours_seed, pair)
from interposer import Faults
from payload import MIB, make_file, make_odd_tree, same
from scenarios import scenario
from world import expect, wait_until

SIZE = 16 * MIB
RATE = "512K"  # of the peer until the disk is well again: half a minute for all, so that every fault comes in between
SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN of ext4 and xfs: from then on each call is an I/O error


class Disk:
    """A real file system in a file, on a loop device of its own."""

    def __init__(self, world, kind, megabytes):
        self.kind = kind
        self.image = os.path.join(world.root, f"{kind}.img")
        self.point = world.folder(f"{kind}-mounted")
        with open(self.image, "wb") as f:
            f.truncate(megabytes * MIB)
        subprocess.run([f"mkfs.{kind}", "-q", self.image], check=True, stdin=subprocess.DEVNULL)
        self.device = subprocess.run(["losetup", "--find", "--show", self.image], check=True, capture_output=True,
                                     text=True).stdout.strip()
        world.at_end(lambda: subprocess.run(["losetup", "--detach", self.device], check=False))
        self.mount()
        world.at_end(self.unmount)

    def mount(self):
        subprocess.run(["mount", "-t", self.kind, self.device, self.point], check=True)

    def unmount(self):
        subprocess.run(["umount", "--lazy", self.point], check=False, stderr=subprocess.DEVNULL)

    def released(self):
        """Whether nobody holds anything on it. Before, a mount would bring back the same file system, dead as it is."""
        try:
            os.close(os.open(self.device, os.O_RDONLY | os.O_EXCL))
            return True
        except OSError:
            return False

    def shut_down(self):
        fd = os.open(self.point, os.O_RDONLY)
        fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", 2))  # what is in the journal is not written either
        os.close(fd)

    def fill(self):
        """Leaves a MiB at most; answers the file that takes the rest."""
        filler = os.path.join(self.point, "filler")
        with open(filler, "wb") as f:
            for i in itertools.count():
                try:
                    os.posix_fallocate(f.fileno(), i * MIB, MIB)
                except OSError as e:
                    expect(e.errno == errno.ENOSPC, str(e))
                    return filler


def _trouble(world, out, breaks, mends, says, env=None):
    """A download into `out` that meets what `breaks()` does, says so in one line with `says`, and ends well by itself
    after `mends()`."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    path = make_file(os.path.join(seeder.folder("data"), "payload.bin"), SIZE)
    file = make_torrent(seeder, path, os.path.join(world.root, "payload.torrent"), NOWHERE)
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT, "--upload-limit", RATE)
    ours = ours_download(leecher, file, out, "--port", PORT, "--peer", f"{seeder.address}:{PORT}", env=env or {})
    wait_until(lambda: ours.progress("done") >= MIB, 30, "1 MiB")
    breaks()

    def told():
        expect(ours.running, f"it ended with exit status {ours.process.poll()} instead of waiting")
        return [e["message"] for e in ours.events("disk") if not e["ok"] and says in e["message"]]
    message = wait_until(told, 60, f"a word with {says!r}")[0]
    expect("\n" not in message and message in ours.log(), "the cause is not said in one line to who has no JSON")
    mends()
    wait_until(lambda: ours.progress("state") != "waiting for disk", 60, "going on by itself")
    quick = world.host("quick")
    os.symlink(seeder.folder("data"), os.path.join(quick.home, "data"))
    ours_seed(quick, file, os.path.join(quick.home, "data"), "--peer", f"{leecher.address}:{PORT}")
    ours.finish(90)
    same(path, os.path.join(out, "payload.bin"))
    expect(ours.latest("done", "bytes") == SIZE and ours.events("error") == [], "it did not end well")
    # A second run finds everything, and asks nobody.
    again = ours_download(leecher, file, out, name="ours-again")
    again.finish(20)
    expect(again.latest("done", "downloaded") == 0, "the record does not know what is there")


def _mounted(kind, megabytes):
    """The folder is unmounted and comes back: nothing appears in the mount point meanwhile (hazard 112)."""
    def play(world):
        disk = Disk(world, kind, megabytes)

        def mends():
            expect(os.listdir(disk.point) == [], f"in the mount point are {os.listdir(disk.point)}")
            disk.mount()
        _trouble(world, os.path.join(disk.point, "down", "loads"), disk.unmount, mends, "is its disk mounted?")
    return play


def _dead(kind, megabytes):
    """The disk dies with every call, is unmounted, and comes back with what was on it."""
    def play(world):
        disk = Disk(world, kind, megabytes)

        def mends():
            disk.unmount()
            wait_until(disk.released, 20, "that nothing is held open on the dead disk")
            disk.mount()
        _trouble(world, os.path.join(disk.point, "out"), disk.shut_down, mends, disk.point)
    return play


def _full(kind, megabytes):
    """Full, with the file system named; room comes, and it goes on (hazard 110)."""
    def play(world):
        disk = Disk(world, kind, megabytes)
        filler = []
        _trouble(world, os.path.join(disk.point, "out"), lambda: filler.append(disk.fill()),
                 lambda: os.remove(filler[0]), disk.device)
    return play


for _kind, _megabytes in (("ext4", 32), ("xfs", 320), ("btrfs", 128)):
    scenario(f"unmounted-and-back-{_kind}", waits=True)(_mounted(_kind, _megabytes))
    scenario(f"disk-full-{_kind}", waits=True)(_full(_kind, _megabytes))
for _kind, _megabytes in (("ext4", 32), ("xfs", 320)):
    scenario(f"dead-and-back-{_kind}", waits=True)(_dead(_kind, _megabytes))


def _faulty(says, *rules):
    """Calls fail by `rules` for a while."""
    def play(world):
        faults = Faults(world)
        _trouble(world, world.folder("leecher", "out"), lambda: faults.set(*rules), faults.set, says, env=faults.env)
    return play


for _name, _says, *_rules in (
        ("write-io-error", "Input/output error", "EIO write payload.bin"),
        ("sync-io-error", "Input/output error", "EIO sync payload.bin"),
        ("read-only", "Read-only file system", "EROFS write payload.bin", "EROFS create out"),
        ("no-permission", "Permission denied", "EACCES write payload.bin", "EACCES open payload.bin"),
        ("over-quota", "Disk quota exceeded", "EDQUOT write payload.bin"),
        ("record-io-error", ".resume", "EIO write .resume"),
        ("record-read-only", ".resume", "EROFS create .resume")):
    scenario(f"disk-fault-{_name}", waits=True)(_faulty(_says, *_rules))


@scenario("disk-fault-short-calls", waits=True)
def _(world):
    """Half of what was asked is written and read, each time: nobody notices."""
    file, path, leecher, peer = pair(world, 6 * MIB)
    faults = Faults(world, "short any payload.bin", "short any .resume")
    out = leecher.folder("out")
    ours = ours_download(leecher, file, out, "--select", "1", *peer, env=faults.env)
    ours.finish(30)
    same(path, os.path.join(out, "payload.bin"))
    os.utime(os.path.join(out, "payload.bin"), (1, 1))  # so that all of it is read again
    again = ours_download(leecher, file, out, name="ours-again", env=faults.env)
    again.finish(30)
    expect(again.latest("done", "downloaded") == 0, "the record does not know what is there")


def _in_the_way(changes, says="payload.bin", clears=True):
    """Somebody does this to the file while it is written (hazard 113). What is put in its place stays as it is."""
    def play(world):
        out = world.folder("leecher", "out")
        path, outside = os.path.join(out, "payload.bin"), os.path.join(world.root, "outside")
        make_file(outside, 1000)

        def breaks():
            changes(path, outside)

        def mends():
            if not clears:
                return
            kept = os.path.join(out, "kept")
            os.rename(path, kept)
            if os.path.isfile(kept) and not os.path.islink(kept):
                same(outside, kept)
            os.rmdir(kept) if os.path.isdir(kept) and not os.path.islink(kept) else os.remove(kept)
        _trouble(world, out, breaks, mends, says)
        same(make_file(os.path.join(world.root, "copy", "outside"), 1000), outside)
        expect(os.listdir(out) == ["payload.bin"], f"in the folder are {os.listdir(out)}")
    return play


def _replace(path, put):
    os.rename(path, path + ".away")
    put()
    os.remove(path + ".away")


for _name, _changes, *_clears in (
        ("deleted", lambda path, outside: os.remove(path), False),
        ("truncated", lambda path, outside: os.truncate(path, MIB // 2), False),
        ("emptied", lambda path, outside: os.truncate(path, 0), False),
        ("replaced-by-folder", lambda path, outside: _replace(path, lambda: os.mkdir(path))),
        ("replaced-by-link", lambda path, outside: _replace(path, lambda: os.symlink(outside, path))),
        ("replaced-by-fifo", lambda path, outside: _replace(path, lambda: os.mkfifo(path))),
        ("replaced-by-file", lambda path, outside: _replace(path, lambda: subprocess.run(["cp", outside, path],
                                                                                         check=True)))):
    scenario(f"file-{_name}", waits=True)(_in_the_way(_changes, clears=not _clears))


@scenario("folder-moved-away", waits=True)
def _(world):
    """The same without any mount."""
    out = world.folder("leecher", "out")
    _trouble(world, out, lambda: os.rename(out, out + ".away"), lambda: os.rename(out + ".away", out),
             "is not there any more")


@scenario("stopped-while-waiting", waits=True)
def _(world):
    """SIGTERM while the disk is gone ends it soon; the same command continues when the disk is there."""
    file, path, leecher, peer = pair(world, SIZE, RATE)
    out = leecher.folder("out")
    ours = ours_download(leecher, file, out, *peer)
    wait_until(lambda: ours.progress("done") >= MIB, 30, "1 MiB")
    os.rename(out, out + ".away")
    wait_until(lambda: ours.progress("state") == "waiting for disk" or not ours.running, 30, "waiting for the disk")
    ours.signal(signal.SIGTERM)
    expect(ours.wait(6) == 128 + signal.SIGTERM, f"it ended with exit status {ours.wait(0)}")
    os.rename(out + ".away", out)
    ours_download(leecher, file, out, *peer, name="ours-again").finish(60)
    same(path, os.path.join(out, "payload.bin"))


@scenario("exit-5-disk-faults")
def _(world):
    """What does not pass by itself, and what is wrong at the start, ends the run with one line."""
    file, _, leecher, peer = pair(world, 3 * MIB)
    out = leecher.folder("limited")
    program = leecher.run("ours", ["prlimit", f"--fsize={MIB}", "--", *our_command(file, "-o", out, *peer)], split=True)
    expect(program.wait(0) == 5, f"a file too large: exit status {program.wait(0)}")
    expect(program.log().count("File too large") == 1, "a file too large is not said in one line")
    # Read-only, EACCES, EIO: at the start.
    for says, rule in (("Permission denied", "EACCES create payload.bin"), ("Input/output error", "EIO write payload.bin"),
                       ("Read-only file system", "EROFS create .resume")):
        faults = Faults(world, rule)
        program = leecher.run("ours", our_command(file, "-o", leecher.folder(rule.split()[0]), "--no-wait", *peer), split=True,
                              env=faults.env)
        expect(program.wait(0) == 5, f"{rule}: exit status {program.wait(0)}")
        expect(program.log().count(says) == 1, f"{rule}: {says!r} is not said in one line")
    nowhere = os.path.join(leecher.home, "file")
    make_file(nowhere, 10)
    exits(leecher, 5, file, "-o", os.path.join(nowhere, "below"), *peer, says="Not a directory")


@scenario("read-only-medium")
def _(world):
    """A complete payload is seeded from a read-only file system; what is not there cannot be fetched to it (hazard 114)."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    disk = Disk(world, "ext4", 32)
    path = make_file(os.path.join(disk.point, "payload.bin"), 4 * MIB)
    file = make_torrent(seeder, path, os.path.join(world.root, "payload.torrent"), NOWHERE)
    subprocess.run(["mount", "-o", "remount,ro", disk.point], check=True)
    ours_seed(seeder, file, disk.point, "--port", PORT)
    out = leecher.folder("out")
    peer = ["--peer", f"{seeder.address}:{PORT}"]
    ours_download(leecher, file, out, *peer).finish(30)
    same(path, os.path.join(out, "payload.bin"))
    tree = make_odd_tree(seeder.folder("data", "odd"), bulk=MIB)
    other = make_torrent(seeder, tree, os.path.join(world.root, "odd.torrent"), NOWHERE, piece_bits=15)
    exits(leecher, 5, other, "-o", disk.point, "--no-wait", *peer, says="Read-only file system")


@scenario("long-names")
def _(world):
    """The longest names that we make (kMaxPathElementBytes), and a path of over 1000 bytes."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    tree = seeder.folder("data", "t" * 240)
    make_file(os.path.join(tree, *["ü" * 120] * 4, "f" * 240), 100_000)
    make_file(os.path.join(tree, "☃" * 80), 100_000)
    file = ours_create(seeder, tree, os.path.join(world.root, "long.torrent"))
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT)
    ours_download(leecher, file, leecher.folder("out"), "--peer", f"{seeder.address}:{PORT}").finish(30)
    same(tree, os.path.join(leecher.home, "out", "t" * 240))
