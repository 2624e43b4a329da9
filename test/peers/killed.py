"""Our program killed at any moment: what its record claims is on the disk, little is fetched again, the end is right.

Hazard 106. ROUNDS (20) is the number of kills, SEED where their moments come from.
"""
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

from clients import NOWHERE, PORT, make_torrent, ours_download, ours_seed
from interposer import Faults
from payload import MIB, make_odd_tree, same
from records import Torrent, check_claims, read_records
from scenarios import scenario
from world import expect

ROUNDS = int(os.environ.get("ROUNDS", "20"))
SEED = os.environ.get("SEED", "1")
SIDE_BY_SIDE = 7     # downloads; most of each one's time is the record's five seconds
RATE = 2 * MIB       # of each
SIZE = 40 * MIB
MOST_SECONDS = 5     # of work that a kill may cost, or
MOST_BYTES = 16 * MIB
# Between two progress events a second goes by; a checkpoint takes its time, and so does a loaded machine.
LATE = 2.5


class Victim:
    """One download that is killed several times."""

    def __init__(self, world, number, file, original, peer):
        self.file, self.original, self.peer = file, original, peer
        self.random = random.Random(f"{SEED} {number}")
        self.host = world.host(f"victim{number}")
        self.faults = Faults(world)
        self.torrent = Torrent(file, self.host.folder("out"))
        self.claimed = 0       # bytes, in the record that counts
        self.fresh = 0         # times that it began anew, because all was there
        self.kills = 0
        self.in_record = 0     # kills that came while the record was replaced
        self.lost = 0          # the most bytes of one kill

    def run(self, kills):
        while self.kills < kills:
            self.live_and_die()
        self.faults.set()
        ours = self.start("last", limit=())
        ours.finish(60)
        same(self.original, os.path.join(self.host.home, "out", os.path.basename(self.original)))

    def start(self, name, limit=("--download-limit", RATE)):
        return ours_download(self.host, self.file, self.host.folder("out"), *limit, *self.peer,
                             name=f"ours-{self.host.name}-{name}", env=self.faults.env)

    def live_and_die(self):
        # Each second kill is at one of the calls that load or replace the record: it is loaded by two and replaced by
        # five each time, for the first time by nine.
        aimed = self.random.random() < 0.5
        self.faults.set(*([f"kill any .resume {self.random.randrange(1, 18)}"] if aimed else []))
        ours = self.start(self.kills + self.fresh)
        deadline = time.monotonic() + (11 if aimed else self.random.uniform(0.1, 9))
        history = []  # (when, bytes done) since the start
        while time.monotonic() < deadline and ours.running:
            history.append((time.monotonic(), ours.progress("done")))
            time.sleep(0.05)
        if ours.running:
            ours.kill()
        elif ours.wait(0) == 0:
            self.begin_anew()
            return
        else:
            expect(aimed and ours.wait(0) == 128 + 9, f"{ours.name} ended with exit status {ours.wait(0)}")
            self.in_record += 1
        self.kills += 1
        self.check(ours.name, history, time.monotonic())

    def check(self, name, history, killed):
        records = read_records(self.host.folder("state"), self.torrent)
        check_claims(records, self.torrent, Torrent(self.file, os.path.dirname(self.original)))
        if not records:
            expect(self.claimed == 0, f"{name}: no copy of the record is left")
            return
        claimed = records[0].bytes(self.torrent)
        expect(claimed >= self.claimed, f"{name}: the record claims {claimed} bytes, and claimed {self.claimed} before")
        self.claimed = claimed
        had = max([done for when, done in history], default=0)
        due = max([done for when, done in history if when < killed - MOST_SECONDS - LATE], default=0)
        self.lost = max(self.lost, had - claimed)
        expect(claimed >= due or had - claimed <= MOST_BYTES,
               f"{name}: {had} bytes were done when it was killed, {due} of them {MOST_SECONDS} s before, and the record "
               f"claims {claimed}")

    def begin_anew(self):
        same(self.original, os.path.join(self.host.home, "out", os.path.basename(self.original)))
        for folder in ("out", "state"):
            os.rename(self.host.folder(folder), os.path.join(self.host.home, f"{folder}-{self.fresh}"))
        self.host.folder("out")
        self.fresh += 1
        self.claimed = 0


@scenario("killed-at-any-moment", waits=True)
def _(world):
    """SIGKILL at random moments and within the record's replacing: no piece is falsely claimed, at most five seconds of
    work or 16 MiB are lost a kill, and every byte is right in the end."""
    seeder = world.host("seeder")
    tree = make_odd_tree(seeder.folder("data", "odd"), bulk=SIZE)
    file = make_torrent(seeder, tree, os.path.join(world.root, "odd.torrent"), NOWHERE, piece_bits=17)
    ours_seed(seeder, file, seeder.folder("data"), "--port", PORT)
    victims = [Victim(world, i, file, tree, ["--peer", f"{seeder.address}:{PORT}"]) for i in range(SIDE_BY_SIDE)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        shares = [len(range(i, ROUNDS, SIDE_BY_SIDE)) for i in range(SIDE_BY_SIDE)]
        for ended in [pool.submit(victim.run, share) for victim, share in zip(victims, shares)]:
            ended.result()
    return (f"{ROUNDS} kills (SEED={SEED}), {sum(victim.in_record for victim in victims)} of them while the record was "
            f"replaced; 0 pieces falsely claimed, at most {max(victim.lost for victim in victims) / MIB:.1f} MiB lost")
