"""What is downloaded, and from whom: a payload and a swarm of test/bench/seeder with manners (its keys)."""
from collections import namedtuple

KIB, MIB = 1 << 10, 1 << 20

# `size` in MiB, unless --size says another; `files`: as many as the payload is cut into; `mode`: download, seed or
# verify.
Scenario = namedtuple("Scenario", "name size piece files seeders mode", defaults=["download"])


def swarm(*groups):
    """[(count, manners)...] as [(address, manners)...]: each seeder has an address of its own."""
    manners = [keys for count, keys in groups for _ in range(count)]
    return [(f"10.79.{1 + i // 200}.{1 + i % 200}:7001", keys) for i, keys in enumerate(manners)]


_ROUGH = swarm(
    (8, {"rate": 5 * MIB, "latency": 40}),
    (16, {"rate": 20 * KIB, "latency": 200}),
    (8, {"mute": 40}),
    (8, {"choke": 1}),
    (4, {"leave": 20}),
    (2, {"lie": 9, "rate": MIB}),
)

ALL = {s.name: s for s in [
    Scenario("raw1", 256, MIB, 1, swarm((1, {}))),
    Scenario("raw8", 256, MIB, 1, swarm((8, {}))),
    Scenario("small-pieces", 128, 32 * KIB, 1, swarm((1, {}))),
    Scenario("big-pieces", 256, 16 * MIB, 1, swarm((4, {}))),
    Scenario("files", 128, 256 * KIB, 1250, swarm((1, {}))),
    Scenario("latency", 128, 256 * KIB, 1, swarm((4, {"latency": 100}))),
    Scenario("paced32", 128, 512 * KIB, 1, swarm((32, {"rate": 2 * MIB}))),
    Scenario("peers200", 128, 256 * KIB, 1, swarm((200, {"rate": 256 * KIB}))),
    Scenario("rough", 128, 512 * KIB, 1, _ROUGH),
    Scenario("seed", 256, MIB, 1, [], "seed"),
    Scenario("verify", 256, MIB, 1, [], "verify"),
]}
DEFAULT = ["raw1", "raw8", "files", "paced32"]


def honest(seeders):
    """Those that the floor leans on: the ones with no fault but to be slow; of them, the fast."""
    able = [(address, keys) for address, keys in seeders if not keys.keys() - {"rate", "latency"}]
    best = max((keys.get("rate", 0) for _, keys in able), default=0)
    return [address for address, keys in able if keys.get("rate", 0) == best]


def words(scenario, size):
    """The scenario in a few words."""
    cut = f"in {scenario.files} files" if scenario.files > 1 else "in one file"
    piece = f"{scenario.piece // MIB} MiB" if scenario.piece >= MIB else f"{scenario.piece // KIB} KiB"
    text = f"{size} MiB {cut}, pieces of {piece}"
    if scenario.mode != "download":
        return text + {"seed": ", to one leecher", "verify": ", is it all there?"}[scenario.mode]
    kinds = []
    for _, keys in scenario.seeders:
        if keys not in kinds:
            kinds.append(keys)
    count = len(scenario.seeders)
    text += f", {count} seeder{'s' if count > 1 else ''}"
    if len(kinds) > 1:
        return text + ": fast, slow, mute, choking, leaving and lying ones"
    if rate := kinds[0].get("rate"):
        text += f" of {rate // MIB} MiB/s" if rate >= MIB else f" of {rate // KIB} KiB/s"
    if latency := kinds[0].get("latency"):
        text += f", {latency} ms away"
    return text
