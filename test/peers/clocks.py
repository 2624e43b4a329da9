"""Clocks that jump (row 118) and a process that stands still: the transfer goes on.

The wall clock is that of one program, by Debian's libfaketime; the machine's is never set. CLOCKS_PAUSE is for how many
seconds a program is stopped (3).
"""
import glob
import os
import signal
import time

from clients import ours_download, ours_tracker, make_torrent, pair
from payload import MIB, same
from scenarios import scenario
from world import expect, wait_until

TEN_YEARS = 10 * 365 * 86400
PAUSE = float(os.environ.get("CLOCKS_PAUSE", "3"))


class WallClock:
    """A wall clock of its own for the programs started with `env`; set(SECONDS) moves it, off the machine's."""

    def __init__(self, world, name, offset):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        expect(libraries, "libfaketime is missing -- `scripts/setup --test` installs it")
        self.path = os.path.join(world.root, f"clock-{name}")
        self.set(offset)
        self.env = {"LD_PRELOAD": libraries[0], "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
                    # As a jump is: the monotonic clock knows nothing of it, and files have the machine's times.
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}

    def set(self, offset):
        with open(self.path + ".new", "w") as f:
            f.write(f"{offset:+d}\n")
        os.rename(self.path + ".new", self.path)


@scenario("wall-clock-jumps")
def _(world):
    """Ten years off at the start, either way; jumps of twenty years during the run; and the next run, stopped halfway,
    begins in another decade. All as fast as the rate of the seeder lets it, with trackers told as ever."""
    _, path, leecher, peer = pair(world, 12 * MIB, "4M")
    tracker = ours_tracker(world.host("tracker"))
    file = make_torrent(leecher, path, os.path.join(world.root, "tracked.torrent"), tracker.url)
    for name, start in (("ahead", TEN_YEARS), ("behind", -TEN_YEARS)):
        clock = WallClock(world, name, start)
        out, state = leecher.folder(f"out-{name}"), leecher.folder(f"state-{name}")
        began = time.monotonic()

        def run(out=out, state=state, clock=clock):
            return ours_download(leecher, file, out, *peer, "--state", state, env=clock.env)
        ours = run()
        wait_until(lambda ours=ours: ours.progress("done") > MIB or not ours.running, 20, "1 MiB")
        clock.set(-start)
        wait_until(lambda ours=ours: ours.progress("done") > 4 * MIB or not ours.running, 20, "4 MiB after the jump")
        clock.set(start)
        ours.signal(signal.SIGTERM)
        expect(ours.wait(6) == 143, f"{name}: it does not stop in order")
        had = ours.progress("done")
        expect([e for e in ours.events("tracker") if e["ok"]], f"{name}: no tracker answered")
        clock.set(-start)
        again = run()
        begun = again.start_of_swarm()
        expect(begun["done"] >= had, f"{name}: went on with {begun['done']} bytes after a stop with {had}")
        again.finish(30)
        same(path, os.path.join(out, "payload.bin"))
        expect(time.monotonic() - began < 30, f"{name}: {time.monotonic() - began:.1f} s for what takes 4")
        shown = [e for e in ours.events("progress") + again.events("progress")
                 if not 0 <= e["download_rate"] < 100e6 or (e["eta"] is not None and not 0 <= e["eta"] < 1e6)]
        expect(not shown, f"{name}: nonsense is shown: {shown[:1]}")


@scenario("stands-still-and-goes-on")
def _(world):
    """SIGSTOP for a time, then SIGCONT, to the one that downloads and to the one that seeds."""
    file, path, leecher, peer = pair(world, 12 * MIB, "3M")
    seeder = world.programs[-1]
    ours = ours_download(leecher, file, leecher.folder("out"), *peer)
    for stopped, done in ((ours, MIB), (seeder, 5 * MIB)):
        wait_until(lambda done=done: ours.progress("done") > done or not ours.running, 40, f"{done} bytes")
        expect(ours.running, "it ended before it was stopped")
        stopped.signal(signal.SIGSTOP)
        time.sleep(PAUSE)
        stopped.signal(signal.SIGCONT)
    ours.finish(60)
    same(path, os.path.join(leecher.home, "out", "payload.bin"))
    return f"{PAUSE:g} s each"
