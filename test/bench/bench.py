#!/usr/bin/python3
"""The benchmark: our program beside other clients and beside a floor. `scripts/bench` calls it in namespaces of its
own; README.md in this folder says what is measured, and how."""
import argparse
import datetime
import json
import os
import signal
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import chart
import clients
import scenarios
from arena import Arena, machine, memory_available
from payload import MIB

NUMBERS = ("wall", "cpu", "resident")
RUNS, ENOUGH = 3, 8


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs ./torrent beside whichever of libtorrent, rtorrent, aria2 and Transmission is installed,\n"
        "and beside a floor: a loop that receives, hashes and writes each byte once.",
        epilog="scenarios:\n" + "".join(f"  {s.name:13s}{scenarios.words(s, s.size)}\n"
                                        for s in scenarios.ALL.values()))
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"default: {' '.join(scenarios.DEFAULT)}")
    parser.add_argument("--size", type=int, metavar="MIB", help="of the payload, instead of the scenario's own")
    parser.add_argument("--runs", type=int, metavar="N", help="of each client; the median is shown "
                        f"({RUNS}, fewer of a client that has had {ENOUGH} s)")
    parser.add_argument("--svg", metavar="FILE", help="draw the result")
    parser.add_argument("--json", metavar="FILE", help="write every run's numbers")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS", help="for a run (120)")
    parser.add_argument("--root", default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := [name for name in given.scenarios if name not in scenarios.ALL]:
        parser.error(f"no scenario {unknown[0]}; there are {', '.join(scenarios.ALL)}")
    if (given.runs is not None and given.runs < 1) or (given.size is not None and given.size < 1):
        parser.error("--runs and --size are at least 1")
    if given.root is None:
        sys.exit("bench: run scripts/bench, which makes a network for this")
    return given


def present():
    """The clients that are here; of each other one a line that names its package."""
    here = []
    for client in clients.ALL:
        if client.present():
            here.append(client)
        elif client.package is None:
            sys.exit(f"bench: {client.program} is not there; `make` builds it")
        else:
            print(f"bench: {client.name} is left out; the package {client.package} has it", flush=True)
    return here


def build(folder):
    """Our own peers, and what measures."""
    for name in ("seeder", "floor", "drain", "measure"):
        source = os.path.join(clients.BENCH, name + ".cc")
        subprocess.run([*os.environ.get("CXX", "g++").split(), "-std=c++20", "-O2", "-pthread", f"-I{clients.TOP}",
                        "-o", os.path.join(folder, name), source, "-lcrypto"], check=True)


def spread(values, digits):
    """The median, and in how far a run was off it."""
    middle, low, high = (f"{f(values):.{digits}f}" for f in (statistics.median, min, max))
    return f"{middle} ({low}–{high})" if len(values) > 1 else middle


def table(result):
    print(f"\n{result['name']}: {result['words']}")
    rows = [("", "s", "MiB/s", "CPU s/GiB", "MiB resident", "runs right")]
    for entry in result["clients"]:
        good = [run for run in entry["runs"] if run["wrong"] is None]
        right = f"{len(good)} of {len(entry['runs'])}"
        if good:
            wall, cpu, resident = ([run[number] for run in good] for number in NUMBERS)
            rows.append((f"{entry['name']} {entry['version']}", spread(wall, 2),
                         f"{result['size'] / statistics.median(wall):.0f}",
                         spread([seconds * 1024 / result["size"] for seconds in cpu], 2), spread(resident, 0), right))
        else:
            rows.append((f"{entry['name']} {entry['version']}", "-", "-", "-", "-", right))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0]), *(word.rjust(width) for word, width in zip(row[1:], widths[1:]))]))
    sys.stdout.flush()


def play(scenario, given, versions, root):
    """Every client's runs in one scenario, in turns, so that what changes on the machine meanwhile meets them all."""
    size = given.size or scenario.size
    result = {"name": scenario.name, "words": scenarios.words(scenario, size), "size": size, "mode": scenario.mode,
              "clients": []}
    with Arena(root, scenario, size, given.timeout) as arena:
        entries = {}
        for turn in range(given.runs or RUNS):
            for client, version in versions.items():
                had = sum(run["wall"] for run in entries[client]["runs"]) if client in entries else 0
                if given.runs is None and had > ENOUGH:
                    continue  # it waits for something: that would not be over sooner
                run = arena.run(client)
                if run is None:
                    continue  # no command for this
                entries.setdefault(client, {"name": client.name, "version": version, "runs": []})["runs"].append(run)
                print(f"  {scenario.name} {turn + 1}/{given.runs or RUNS}  {client.name:13s}{run['wall']:8.2f} s"
                      f"{run['cpu']:8.2f} s CPU{run['resident']:8.1f} MiB"
                      f"{'' if run['wrong'] is None else '  WRONG: ' + run['wrong']}", file=sys.stderr, flush=True)
        result["clients"] = list(entries.values())
    return result


def write(path, text):
    with open(path, "w", encoding="utf8") as f:
        f.write(text)
    if "SUDO_UID" in os.environ:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))


def main():
    # This is the first process of its namespace: all others end with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    given = arguments()
    chosen = [scenarios.ALL[name] for name in given.scenarios or scenarios.DEFAULT]
    needed = 3 * max(given.size or scenario.size for scenario in chosen) + 512
    if memory_available() < needed * MIB:
        sys.exit(f"bench: about {needed} MiB of free memory are needed, where the files lie; --size makes it less")
    versions = {client: client.version() for client in present()}
    build(given.root)
    versions[clients.Floor(given.root)] = ""
    report = {"date": datetime.date.today().isoformat(), "machine": machine(), "runs": given.runs or RUNS,
              "scenarios": []}
    for scenario in chosen:
        report["scenarios"].append(play(scenario, given, versions, given.root))
        table(report["scenarios"][-1])
    print(f"\n{chart.caption(report)}")
    if given.json:
        write(given.json, json.dumps(report, indent=1) + "\n")
    if given.svg:
        write(given.svg, chart.draw(report))
    bad = any(run["wrong"] for result in report["scenarios"] for entry in result["clients"]
              for run in entry["runs"] if entry["name"] == "torrent")
    return 1 if bad else 0


sys.exit(main())
