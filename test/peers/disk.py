"""Our program and the disk: full ones, files that are there already, files that are not wanted, resuming."""
import os
import subprocess
import time

from clients import NOWHERE, PORT, exits, make_torrent, our_command, ours_download, ours_seed, pair
from payload import MIB, make_file, make_odd_tree, same
from scenarios import scenario
from world import expect, wait_until


@scenario("exit-5-disk-full")
def _(world):
    """With --no-wait a full disk ends the run, and what was written stays for the next."""
    file, path, leecher, peer = pair(world, 12 * MIB)
    out = world.tmpfs("small", "5m")
    program = exits(leecher, 5, file, "-o", out, "--no-wait", *peer)
    expect(out in program.log(), "the full file system is not named")
    expect("no space" in program.log().lower() or "full" in program.log().lower(), "the cause is not named")
    subprocess.run(["mount", "-o", "remount,size=40m", out], check=True)
    before = leecher.traffic()[0]
    exits(leecher, 0, file, "-o", out, *peer)
    same(path, os.path.join(out, "payload.bin"))
    again = leecher.traffic()[0] - before
    expect(again < 11 * MIB, f"{again} bytes were fetched again: nothing was kept of what had room")


@scenario("disk-full-waits")
def _(world):
    """Without --no-wait it waits, and goes on by itself when there is room."""
    file, path, leecher, peer = pair(world, 12 * MIB)
    out = world.tmpfs("small", "5m")
    ours = ours_download(leecher, file, out, *peer)
    wait_until(lambda: out in ours.log() or not ours.running, 20, "a word that the file system is full")
    expect(ours.running, "it ended instead of waiting")
    time.sleep(1)
    subprocess.run(["mount", "-o", "remount,size=40m", out], check=True)
    ours.finish(30)
    same(path, os.path.join(out, "payload.bin"))
    received = leecher.traffic()[0]
    expect(received < 18 * MIB, f"{received} bytes received for {12 * MIB}: what was held was not kept")


@scenario("second-process-is-refused")
def _(world):
    file, path, leecher, peer = pair(world, 12 * MIB, "2M")
    ours = ours_download(leecher, file, leecher.folder("out"), *peer)
    wait_until(lambda: ours.progress("done") > MIB, 20, "1 MiB")
    second = leecher.run("ours-second", our_command(file, "-o", leecher.folder("out"), *peer), timeout=5, split=True)
    expect(second.wait(0) != 0, "a second process on the same download was let in")
    expect(second.wait(0) < 128, f"the second process ended with exit status {second.wait(0)}")
    ours.finish(30)
    same(path, os.path.join(leecher.home, "out", "payload.bin"))


@scenario("not-overwritten-unless-told")
def _(world):
    """A file with the payload's name and other content stays as it is until --overwrite says otherwise."""
    file, path, leecher, peer = pair(world, 2 * MIB)
    other = make_file(os.path.join(leecher.folder("out"), "payload.bin"), MIB, seed=2)
    kept = make_file(os.path.join(leecher.folder("kept"), "payload.bin"), MIB, seed=2)
    exits(leecher, 5, file, "-o", leecher.folder("out"), *peer, says="--overwrite")
    same(kept, other)
    exits(leecher, 0, file, "-o", leecher.folder("out"), *peer, "--overwrite")
    same(path, other)


@scenario("selected-files-only")
def _(world):
    """Unwanted files do not appear, though pieces are shared with them; the rest comes later."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    tree = make_odd_tree(seeder.folder("data", "odd"), bulk=4 * MIB)
    file = make_torrent(seeder, tree, os.path.join(world.root, "odd.torrent"), NOWHERE, piece_bits=18)
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT)
    peer = ["--peer", f"{seeder.address}:{PORT}"]
    exits(leecher, 0, file, "-o", leecher.folder("out"), "--select", "*/piece+1", *peer)
    found = [os.path.relpath(os.path.join(folder, name), leecher.folder("out"))
             for folder, _, names in os.walk(leecher.folder("out")) for name in names]
    expect(found == ["odd/a/piece+1"], f"one file was selected, and these are there: {found}")
    same(os.path.join(tree, "a", "piece+1"), os.path.join(leecher.folder("out"), "odd", "a", "piece+1"))
    exits(leecher, 0, file, "-o", leecher.folder("out"), *peer)
    same(tree, os.path.join(leecher.folder("out"), "odd"))


@scenario("missing-file-costs-its-pieces")
def _(world):
    """A file that went away after the download is fetched again, and no other."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    tree = make_odd_tree(seeder.folder("data", "odd"), bulk=8 * MIB)
    file = make_torrent(seeder, tree, os.path.join(world.root, "odd.torrent"), NOWHERE, piece_bits=15)
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT)
    peer = ["--peer", f"{seeder.address}:{PORT}"]
    exits(leecher, 0, file, "-o", leecher.folder("out"), *peer)
    before = leecher.traffic()[0]
    os.remove(os.path.join(leecher.home, "out", "odd", "a", "piece"))
    exits(leecher, 0, file, "-o", leecher.folder("out"), *peer)
    same(tree, os.path.join(leecher.home, "out", "odd"))
    again = leecher.traffic()[0] - before
    expect(again < MIB, f"{again} bytes were fetched for a missing file of one piece")


@scenario("allocate")
def _(world):
    """--allocate reserves all space at the start; without it a file takes what it holds."""
    file, path, leecher, peer = pair(world, 24 * MIB, "2M")
    for arguments, reserved in (([], False), (["--allocate"], True)):
        out = leecher.folder("reserved" if reserved else "sparse")
        ours = ours_download(leecher, file, out, *peer, *arguments)
        wait_until(lambda ours=ours: ours.progress("done") > 0, 20, "a first piece")
        taken = os.stat(os.path.join(out, "payload.bin")).st_blocks * 512
        ours.kill()
        expect((taken >= os.path.getsize(path)) == reserved, f"{arguments}: {taken} bytes are taken at the start")
