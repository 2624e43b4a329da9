"""Where clients run: a payload, its swarm and its tracker in this process's network namespace, and one client at a
time.

The addresses lie on the loopback device of a namespace that scripts/bench has made without any way out. They are none
of 127.0.0.0/8, because several clients refuse such peers."""
import os
import re
import shutil
import signal
import subprocess
import time

from clients import PORT
from payload import MIB, TRACKER, Payload
from tracker import Tracker


def machine():
    """The machine in a few words."""
    with open("/proc/cpuinfo", encoding="utf8") as f:
        model = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.MULTILINE)
    kernel = re.match(r"\d+\.\d+", os.uname().release)
    return f"{os.cpu_count()} cores, {model.group(1) if model else os.uname().machine}, Linux {kernel.group()}"


def memory_available():
    with open("/proc/meminfo", encoding="utf8") as f:
        return int(re.search(r"MemAvailable:\s*(\d+)", f.read()).group(1)) << 10


def cpu_seconds(pid):
    """User and system time of a process that runs; 0 of one that does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf8") as f:
            ticks = f.read().rsplit(")", 1)[1].split()[11:13]
    except FileNotFoundError:
        return 0
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def peak(pid):
    """The most MiB that a process that runs had resident."""
    with open(f"/proc/{pid}/status", encoding="utf8") as f:
        return int(re.search(r"VmHWM:\s*(\d+)", f.read()).group(1)) / 1024


def failed(why, wall):
    return {"wall": wall, "cpu": 0, "resident": 0, "wrong": why}


def end(process):
    """Ends a process, and what it has started."""
    for stop in (lambda: os.killpg(process.pid, signal.SIGKILL), process.kill):
        try:
            stop()
        except ProcessLookupError:
            pass
    process.wait()


class Arena:
    """Stands while it is open: `with Arena(...) as arena`. Everything lies below `root`."""

    def __init__(self, root, scenario, size, timeout):
        self.root = root
        self.scenario = scenario
        self.timeout = timeout
        self.folder = os.path.join(root, scenario.name)
        os.mkdir(self.folder)
        self.payload = Payload(self.folder, size * MIB, scenario.piece, scenario.files)
        self.seeders = scenario.seeders
        self._processes = []
        self._tracker = None

    def __enter__(self):
        for address in {TRACKER, *(address.split(":")[0] for address, _ in self.seeders)}:
            subprocess.run(["ip", "addr", "replace", f"{address}/16", "dev", "lo"], check=True)
        if self.seeders:
            self._start_seeders()
        self._tracker = Tracker([address for address, _ in self.seeders])
        self._tracker.__enter__()
        self._touch_memory()
        return self

    def __exit__(self, *exception):
        self._tracker.__exit__(*exception)
        for process in self._processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def _start_seeders(self):
        specs = [",".join([address, *(f"{key}={value}" for key, value in manners.items())])
                 for address, manners in self.seeders]
        seeder = subprocess.Popen([os.path.join(self.root, "seeder"), self.payload.whole, self.payload.infohash,
                                   str(self.payload.piece_length), *specs], stdout=subprocess.PIPE)
        self._processes.append(seeder)
        if seeder.stdout.readline() != b"ready\n":
            raise SystemExit("bench: the seeders did not start")

    def _touch_memory(self):
        """A virtual machine pays for each page of memory when it is used first: let no client pay for that."""
        path = os.path.join(self.folder, "touch")
        with open(path, "wb") as f:
            for _ in range(2 * self.payload.size // MIB + 256):
                f.write(bytes(MIB))
        os.remove(path)

    def run(self, client):
        """A run of `client`: its numbers, and what is `wrong` with it. None if it cannot be told to do this."""
        home = os.path.join(self.folder, "home")
        files = os.path.join(self.folder, "files")
        for folder in (home, files):
            os.mkdir(folder)
        try:
            if self.scenario.mode != "download":
                self.payload.lay_out(files)
            command = client.command(self.scenario, self.payload, files, home)
            if command is None:
                return None
            do = self._seed if self.scenario.mode == "seed" else self._complete
            run = do(command, home)
            if run["wrong"] is None:
                run["wrong"] = self.payload.wrong(files)
            if run["wrong"] is not None:
                with open(os.path.join(home, "log"), errors="replace", encoding="utf8") as log:
                    said = log.read().strip().splitlines()[-1:]
                run["wrong"] += f" [{said[0][:200]}]" if said else ""
            return run
        finally:
            shutil.rmtree(home)
            shutil.rmtree(files)

    def _complete(self, command, home):
        """Runs a client until it ends."""
        report = os.path.join(home, "report")
        process = self._start([os.path.join(self.root, "measure"), report, *command], home)
        try:
            process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            return failed(f"not complete after {self.timeout:g} s", self.timeout)
        finally:
            end(process)
        with open(report, encoding="utf8") as f:
            wall, cpu, resident, status = f.read().split()
        # Some clients end only when told to, so their exit status says little: the files do. With `verify` it is all.
        wrong = f"exit status {status}" if self.scenario.mode == "verify" and status != "0" else None
        return {"wall": float(wall), "cpu": float(cpu), "resident": int(resident) / 1024, "wrong": wrong}

    def _seed(self, command, home):
        """Runs a client that seeds until a leecher has had everything; measures from the unchoke to the last block."""
        process = self._start(command, home)
        leecher = subprocess.Popen(["timeout", str(self.timeout), os.path.join(self.root, "drain"), self.payload.whole,
                                    self.payload.infohash, str(self.payload.piece_length), f"{TRACKER}:{PORT}"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            said = leecher.stdout.readline().strip()
            cpu, started = cpu_seconds(process.pid), time.monotonic()
            if said == "begun":
                said = leecher.stdout.readline().strip()
            wall = time.monotonic() - started
            if said != "done":
                return failed(said or f"not drained after {self.timeout:g} s", wall)
            return {"wall": wall, "cpu": cpu_seconds(process.pid) - cpu, "resident": peak(process.pid), "wrong": None}
        finally:
            end(process)
            end(leecher)

    def _start(self, command, home):
        with open(os.path.join(home, "log"), "wb") as log:
            return subprocess.Popen(command, cwd=home, env=self._environment(home), stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log, start_new_session=True)

    @staticmethod
    def _environment(home):
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH")}
        return {**kept, "HOME": home, "LC_ALL": "C.UTF-8", "TERM": "xterm"}
