#!/usr/bin/python3
"""A long run; scripts/soak calls it inside namespaces of its own.  soak.py ROOT MINUTES FOLDER

Three of our programs stay: a seeder, a downloader of a torrent that nobody has whole (it goes on asking and finding),
and a tracker. Around them downloaders come one after the other and end by being complete, by SIGTERM or by SIGKILL;
some of those go on later where they were. A tracker that is announced to beside ours goes away, comes back, and hangs.

Flat is: from the end of the warm-up (a third of the run, at most 10 minutes) on, the median of the last quarter is not
above that of the first quarter by more than 1 MiB + 2 % (resident memory), 4 (threads) or 4 (descriptors), and the
slope of the line fitted through them, over an hour, not above 12 MiB, 24 and 24 where the run is long enough for a
slope to be more than noise (20 minutes of it).
"""
import os
import random
import shutil
import signal
import socket
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from clients import PORT, Ours, make_torrent, ours_seed, ours_tracker
from payload import MIB, make_file, make_odd_tree, same
from starving import descriptors, status
from world import Failed, World, expect

SEED = os.environ.get("SOAK_SEED", "1")
WALKERS = 4
# What is drawn and judged: name, unit, how it is read, how much higher the end may be than the beginning (and of it, a
# share), how much an hour.
FIGURES = (("resident memory", "MiB", lambda p: status(p, "VmRSS") / MIB, 1.0, 0.02, 12.0),
           ("threads", "", lambda p: status(p, "Threads"), 4, 0, 24),
           ("descriptors", "", descriptors, 4, 0, 24))
LONG = 1200  # seconds of judged time from which on slopes count


class FailingTracker(threading.Thread):
    """A port that for some seconds refuses, for some takes connections and is silent, for some resets them."""

    def __init__(self, address, rng, end):
        super().__init__(daemon=True)
        self.address, self.rng, self.end = address, rng, end

    def run(self):
        while time.monotonic() < self.end:
            time.sleep(self.rng.uniform(1, 8))
            with socket.create_server(self.address) as server:
                server.settimeout(self.rng.uniform(2, 15))
                held = []
                try:
                    while True:
                        held.append(server.accept()[0])
                        if self.rng.random() < 0.5:
                            held.pop().close()
                except OSError:
                    pass
                for s in held:
                    s.close()


class Soak:
    def __init__(self, world, minutes):
        self.world = world
        self.end = time.monotonic() + 60 * minutes
        self.rng = random.Random(SEED)
        self.counts = dict.fromkeys(("complete", "stopped", "killed", "continued"), 0)
        self.lock = threading.Lock()
        self.failure = None
        seeder, stayer = world.host("seeder"), world.host("stayer")
        self.tracker = ours_tracker(world.host("tracker"))
        FailingTracker((world.address, 7000), random.Random(f"{SEED} tracker"), self.end).start()
        trackers = (f"http://{world.address}:7000/announce", self.tracker.url)
        self.tree = make_odd_tree(seeder.folder("data", "odd"), bulk=24 * MIB)
        self.file = make_torrent(seeder, self.tree, os.path.join(world.root, "odd.torrent"), *trackers, piece_bits=16)
        nobodys = make_file(os.path.join(world.folder("nobody"), "nobodys.bin"), 8 * MIB)
        self.nobodys = make_torrent(seeder, nobodys, os.path.join(world.root, "nobodys.torrent"), *trackers)
        self.stay = {
            "seeder": ours_seed(seeder, self.file, seeder.folder("data"), "--port", PORT, "--upload-limit", "16M"),
            "waiting": Ours(stayer, self.file, self.nobodys, "-o", stayer.folder("out"), "--seed", "--port", PORT),
            "tracker": self.tracker.program,
        }
        self.samples = {name: [] for name in self.stay}  # of each: (seconds, figure, ...)

    def walk(self, number):
        """Downloaders one after the other on one host."""
        rng = random.Random(f"{SEED} walker {number}")
        host = self.hosts[number]
        try:
            for turn in range(1 << 30):
                if time.monotonic() > self.end:
                    return
                self._one(host, rng, turn)
        except Failed as failure:
            self.failure = f"walker {number}: {failure}"

    def _one(self, host, rng, turn):
        out, state = host.folder(f"out{turn}"), host.folder(f"state{turn}")
        while True:
            ours = Ours(host, self.file, "-o", out, "--state", state, "--port", PORT, name=f"walker-{host.name}")
            how = rng.choice(("complete", "complete", "stopped", "killed"))
            deadline = time.monotonic() + (90 if how == "complete" else rng.uniform(0.2, 6))
            while ours.running and time.monotonic() < deadline:
                time.sleep(0.1)
            if not ours.running:
                how = "complete"
            if how == "complete":
                expect(ours.wait(60) == 0, f"exit status {ours.process.poll()}")
                same(self.tree, os.path.join(out, "odd"))
            elif how == "stopped":
                ours.signal(signal.SIGTERM)
                code = ours.wait(10)
                expect(code in (0, 143), f"exit status {code} after SIGTERM")
            else:
                ours.kill()
            with self.lock:
                self.counts[how] += 1
            self._forget(ours)
            if how == "complete" or rng.random() < 0.3:
                break
            self.counts["continued"] += 1
        for folder in (out, state):
            shutil.rmtree(folder)

    def _forget(self, program):
        """Its output would fill the memory file system in the end."""
        with self.lock:
            self.world.programs.remove(program)
        for path in {program.log_path, program.out_path}:
            os.remove(path)

    def run(self):
        self.hosts = [self.world.host(f"walker{number}") for number in range(WALKERS)]
        walkers = [threading.Thread(target=self.walk, args=(number,), daemon=True) for number in range(WALKERS)]
        for walker in walkers:
            walker.start()
        started = time.monotonic()
        while time.monotonic() < self.end and self.failure is None:
            for name, program in self.stay.items():
                expect(program.running, f"{name} ended with exit status {program.process.poll()}")
                self.samples[name].append((time.monotonic() - started, *[f[2](program) for f in FIGURES]))
            time.sleep(1)
        expect(self.failure is None, self.failure)
        for walker in walkers:
            walker.join(160)
            expect(not walker.is_alive(), "a walker does not end")
        expect(self.failure is None, self.failure)
        for name, program in self.stay.items():
            program.signal(signal.SIGTERM)
            expect(program.wait(6) == 143, f"{name} does not stop in order")


def slope(points):
    """Of the line through (x, y) by least squares."""
    mean_x, mean_y = (statistics.fmean(p[i] for p in points) for i in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0


def judge(samples):
    """Lines about each figure of each program, and how many of them are not flat."""
    lines, bad = [], 0
    for name, rows in samples.items():
        warm = min(rows[-1][0] / 3, 600)
        rows = [row for row in rows if row[0] >= warm]
        quarter = max(1, len(rows) // 4)
        for i, (figure, unit, _, rise, share, hourly) in enumerate(FIGURES, 1):
            first, last = (statistics.median(row[i] for row in part) for part in (rows[:quarter], rows[-quarter:]))
            hour = 3600 * slope([(row[0], row[i]) for row in rows])
            flat = last - first <= rise + share * first and (rows[-1][0] - rows[0][0] < LONG or hour <= hourly)
            bad += not flat
            lines.append(f"{'flat ' if flat else 'RISES'}  {name:<8} {figure:<15} {first:8.2f} -> {last:8.2f} "
                         f"{unit:<3} at most {max(row[i] for row in rows):8.2f}, {hour:+8.2f} an hour")
    return lines, bad


def draw(samples, title):
    """An SVG: a panel a figure, a line a program."""
    width, height, left, top, gap = 760, 170, 60, 40, 60
    colours = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700")
    total = max(rows[-1][0] for rows in samples.values()) or 1
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + left + 140}" '
             f'height="{top + len(FIGURES) * (height + gap)}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>',
             f'<text x="{left}" y="18" font-size="14">{title}</text>']
    for i, (figure, unit, *_) in enumerate(FIGURES, 1):
        base = top + (i - 1) * (height + gap)
        most = max(row[i] for rows in samples.values() for row in rows) * 1.1 or 1
        parts.append(f'<text x="{left}" y="{base + 12}">{figure}{f", {unit}" if unit else ""}</text>')
        for k in range(5):
            y = base + 20 + height * k / 4
            parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                         f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{most * (4 - k) / 4:.4g}</text>')
        for k in range(6):
            parts.append(f'<text x="{left + width * k / 5:.0f}" y="{base + 36 + height}" text-anchor="middle">'
                         f'{total * k / 300:.3g} min</text>')
        for (name, rows), colour in zip(samples.items(), colours):
            step = max(1, len(rows) // 1500)
            points = " ".join(f"{left + width * row[0] / total:.1f},{base + 20 + height * (1 - row[i] / most):.1f}"
                              for row in rows[::step])
            parts.append(f'<polyline fill="none" stroke="{colour}" points="{points}"/>')
            y = base + 20 + height * (1 - rows[-1][i] / most)
            parts.append(f'<text x="{left + width + 6}" y="{y + 4:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main():
    root, minutes, folder = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    why = None
    with World(1, os.path.join(root, "soak")) as world:
        soak = Soak(world, minutes)
        try:
            soak.run()
        except Failed as failure:
            why = str(failure)
            print(world.last_words())
    if not all(len(rows) > 10 for rows in soak.samples.values()):
        print(f"FAILED soak: {why or 'it was too short for a verdict'}")
        return 1
    counts = ", ".join(f"{count} {how}" for how, count in soak.counts.items())
    with open(os.path.join(folder, "soak.svg"), "w") as f:
        f.write(draw(soak.samples, f"{minutes:g} minutes, downloads: {counts}"))
    with open(os.path.join(folder, "soak.csv"), "w") as f:
        print("program,seconds," + ",".join(figure[0] for figure in FIGURES), file=f)
        for name, rows in soak.samples.items():
            for row in rows:
                print(name, *[f"{value:.2f}" for value in row], sep=",", file=f)
    lines, bad = judge(soak.samples)
    print(*lines, f"{minutes:g} minutes; downloads: {counts}; seed {SEED}; drawn in {folder}/soak.svg", sep="\n")
    if why:
        print(f"FAILED soak: {why}")
    elif bad:
        print(f"FAILED soak: {bad} figures rise")
    return 1 if why or bad else 0


if __name__ == "__main__":
    sys.exit(main())
