#!/usr/bin/python3
"""Runs the scenarios of this folder; scripts/test-peers calls it inside namespaces of its own.

run.py [--list] [--jobs N] [--root FOLDER] [PATTERN...]: of those scenarios whose names match one of the patterns.
Prints `ok NAME (seconds)` or `FAILED NAME (seconds): why` for each, and ends with `N passed, N failed`.
"""
import argparse
import fnmatch
import os
import signal
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import clients
import real_peers  # noqa: F401  the modules put their scenarios on the list
import own_swarm  # noqa: F401
import bad_trackers  # noqa: F401
import discovery  # noqa: F401
import disk  # noqa: F401
import hostile  # noqa: F401
import disk_faults  # noqa: F401
import killed  # noqa: F401
import magnets  # noqa: F401
import power_cut  # noqa: F401
import sandbox  # noqa: F401
import shell  # noqa: F401
import starved  # noqa: F401
import stops  # noqa: F401
import clocks  # noqa: F401
from scenarios import ALL
from world import TORRENT, Failed, World


class Report:
    """Counts and prints results, whole lines at a time."""

    def __init__(self):
        self._lock = threading.Lock()
        self.passed = 0
        self.failed = 0

    def add(self, name, seconds, why=None, words=""):
        """With `why` a failure. `words` are what is known of it, or what a scenario that passed has measured."""
        with self._lock:
            if why is None:
                self.passed += 1
                print(f"ok {name} ({seconds:.1f} s)" + (f": {words}" if words else ""), flush=True)
            else:
                self.failed += 1
                print(f"FAILED {name} ({seconds:.1f} s): {why}\n{words}", flush=True)


def play(scenario, number, root, report):
    started = time.monotonic()
    why, words = None, ""
    try:
        with World(number, os.path.join(root, scenario.name)) as world:
            try:
                words = scenario.play(world) or ""
            except Failed as failure:
                why, words = str(failure), world.last_words()
            except Exception:  # pylint: disable=broad-except  one scenario's accident is not the next one's
                why, words = "an error of the test itself", traceback.format_exc() + world.last_words()
    except Exception:  # pylint: disable=broad-except
        why, words = "its hosts could not be set up or removed", traceback.format_exc()
    report.add(scenario.name, time.monotonic() - started, why, words)


def main():
    # This is the first process of its namespace: all others end with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os._exit(128 + number))
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--list", action="store_true")
    arguments.add_argument("--jobs", type=int, default=3)
    arguments.add_argument("--root", default="/tmp")
    arguments.add_argument("patterns", nargs="*")
    given = arguments.parse_args()
    chosen = [s for s in ALL if not given.patterns or any(fnmatch.fnmatchcase(s.name, p) for p in given.patterns)]
    if given.list:
        print(*[s.name for s in chosen], sep="\n")
        return 0
    report = Report()
    if not chosen:
        report.add("scenarios", 0, f"none is named {' or '.join(given.patterns)}")
    if packages := clients.missing():
        report.add("real-peers-present", 0, f"missing: {' '.join(packages)} -- `scripts/setup --test` installs them")
    if not os.access(TORRENT, os.X_OK):
        report.add("program-present", 0, f"{TORRENT} is not there -- `make` builds it")
        chosen = []
    numbered = list(enumerate(chosen, 1))
    with ThreadPoolExecutor(given.jobs) as working, ThreadPoolExecutor(4 * given.jobs) as waiting:
        for number, scenario in numbered:
            if not scenario.alone:
                (waiting if scenario.waits else working).submit(play, scenario, number, given.root, report)
    for number, scenario in numbered:
        if scenario.alone:
            play(scenario, number, given.root, report)
    print(f"{report.passed} passed, {report.failed} failed", flush=True)
    return 1 if report.failed else 0


sys.exit(main())
