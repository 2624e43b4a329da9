"""What a scenario plays in: hosts with addresses of their own, folders, and the programs that run there.

A host is a network namespace on a bridge. The bridge lies in the namespace of this process, which scripts/test-peers
has made without any way out, so this process reaches every host and nothing reaches the network outside. One host a
peer: many clients refuse a peer with their own address, or on 127.0.0.0/8, or a second one from the same address.

Everything belongs to a World and ends with it: `with World(...) as world`. What is left by a run that is killed goes
with the process and mount namespaces around it (see scripts/test-peers).
"""
import itertools
import json
import os
import shutil
import signal
import subprocess
import time

PEERS = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(PEERS))
TORRENT = os.environ.get("TORRENT", os.path.join(TOP, "torrent"))

_numbers = itertools.count(1)


class Failed(Exception):
    """A promise that was not kept, in one line."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


def wait_until(condition, seconds, what):
    """Waits for `condition()` to be true and answers it; `what` names it when it does not come."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)
    return value


class Host:
    """A machine with one address of each family and a home folder."""

    def __init__(self, world, number, name):
        self.world = world
        self.name = name
        self.namespace = f"w{world.number}h{number}"
        self.address = f"10.78.{world.number}.{number}"
        self.address6 = f"fd00:78:{world.number:x}::{number:x}"
        self.home = world.folder(name)
        _ip("netns", "add", self.namespace)
        _ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        _ip("link", "set", self.port, "master", world.bridge, "up")
        for command in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                        ["addr", "add", self.address + "/24", "dev", "eth0"],
                        ["addr", "add", self.address6 + "/64", "dev", "eth0", "nodad"],
                        ["route", "add", "default", "dev", "eth0"]):
            _ip("-n", self.namespace, *command)

    def folder(self, *names):
        """A folder in this host's home, made if need be."""
        path = os.path.join(self.home, *names)
        os.makedirs(path, exist_ok=True)
        return path

    @property
    def port(self):
        """The bridge's port at this host's interface."""
        return self.namespace.replace("h", "p")

    def is_connected_to(self, host):
        """Whether a TCP connection stands between it and `host`."""
        text = subprocess.run(["ss", "-N", self.namespace, "-Htn", "state", "established", "dst", host.address],
                              check=True, capture_output=True).stdout
        return bool(text.strip())

    def datagrams_sent(self):
        """How many UDP datagrams its programs have sent, to whatever address and whether or not they arrived."""
        def count(name, field):
            text = subprocess.run(["ip", "netns", "exec", self.namespace, "cat", f"/proc/net/{name}"],
                                  check=True, capture_output=True, text=True).stdout
            lines = [line.split() for line in text.splitlines()]
            if name == "snmp":
                names, values = [line for line in lines if line[0] == "Udp:"]
                return int(values[names.index(field)])
            return next(int(line[1]) for line in lines if line[0] == field)
        return count("snmp", "OutDatagrams") + count("snmp6", "Udp6OutDatagrams")

    def more_addresses(self, count):
        """Gives it `count` more addresses of the network, and answers them."""
        addresses = [f"10.78.{self.world.number}.{100 + i}" for i in range(count)]
        for address in addresses:
            _ip("-n", self.namespace, "addr", "add", address + "/24", "dev", "eth0")
        return addresses

    def own(self, *addresses):
        """Gives it these addresses as well, whatever network they belong to: the other hosts find them here."""
        for address in addresses:
            _ip("-n", self.namespace, "addr", "add", address + "/32", "dev", "eth0")

    def traffic(self):
        """Bytes that TCP carried (in to, out of) this host so far: what no client can be wrong about. Off the
        interface's count goes a header of each packet: 14 bytes of Ethernet, 20 of IPv4, 32 of TCP with timestamps."""
        text = subprocess.run(["ip", "-n", self.namespace, "-s", "-j", "link", "show", "eth0"],
                              check=True, capture_output=True).stdout
        stats = json.loads(text)[0]["stats64"]
        return tuple(stats[way]["bytes"] - 66 * stats[way]["packets"] for way in ("rx", "tx"))

    def start(self, name, argv, **options):
        return Program(self, name, argv, **options)

    def run(self, name, argv, timeout=30, **options):
        """Starts a program and waits for its end. Answers the program."""
        program = self.start(name, argv, **options)
        program.wait(timeout)
        return program


class Program:
    """A running program, its output in files. `out` is its stdout, `log` its stderr (both in `log` unless `split`)."""

    def __init__(self, host, name, argv, split=False, env=None, terminal=None, stdin=None, keep=(), hosts=None):
        """With `hosts` ({name: address}) it sees these names, and localhost."""
        self.name = name
        self.argv = argv
        number = next(_numbers)
        self.log_path = os.path.join(host.world.root, f"{number:03d}-{name}.log")
        self.out_path = self.log_path[:-4] + ".out" if split else self.log_path
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        environment.update(HOME=host.home, XDG_STATE_HOME=host.folder("state"), XDG_CONFIG_HOME=host.folder("config"),
                           LC_ALL="C.UTF-8", TERM="xterm")
        environment.update(env or {})
        if hosts:
            path = self.log_path[:-4] + ".hosts"
            with open(path, "w") as f:
                f.writelines(f"{address} {known}\n" for known, address in {"localhost": "127.0.0.1", **hosts}.items())
            argv = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", path,
                    *argv]
        with open(self.log_path, "wb") as log, open(self.out_path, "ab") as out:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{host.namespace}", "--", *argv], cwd=host.home, env=environment,
                stdin=next((file for file in (terminal, stdin) if file is not None), subprocess.DEVNULL),
                stdout=terminal if terminal is not None else out,
                stderr=terminal if terminal is not None else log, start_new_session=True, pass_fds=keep)
        host.world.programs.append(self)

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process.poll() is None

    def wait(self, seconds):
        """Waits for the end; answers the exit status as a shell has it (128 + signal)."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} still runs after {seconds:g} s") from None
        return code if code >= 0 else 128 - code

    def finish(self, seconds):
        """Waits for the end, which must be a good one."""
        code = self.wait(seconds)
        expect(code == 0, f"{self.name} ended with exit status {code}")

    def signal(self, number):
        if self.running:
            os.kill(self.pid, number)

    def kill(self):
        """SIGKILL, for it and for what it started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def out(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()


class World:
    """The stage of one scenario; `number` (1 to 250) sets its addresses apart from others that run beside it."""

    def __init__(self, number, root):
        self.number = number
        self.root = root
        self.bridge = f"w{number}"
        self.address = f"10.78.{number}.254"  # of this process, as the hosts see it
        self.programs = []
        self.hosts = []
        self._closing = []

    def __enter__(self):
        os.makedirs(self.root)
        os.chmod(self.root, 0o755)
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("link", "set", self.bridge, "up")
        _ip("addr", "add", self.address + "/24", "dev", self.bridge)
        _ip("addr", "add", f"fd00:78:{self.number:x}::fe/64", "dev", self.bridge, "nodad")
        return self

    def __exit__(self, *exception):
        for close in reversed(self._closing):
            close()
        for program in self.programs:
            program.kill()
        for host in self.hosts:
            _ip("netns", "del", host.namespace)
        _ip("link", "del", self.bridge)
        shutil.rmtree(self.root, ignore_errors=True)

    def host(self, name):
        host = Host(self, len(self.hosts) + 1, name)
        self.hosts.append(host)
        return host

    def folder(self, *names):
        path = os.path.join(self.root, *names)
        os.makedirs(path, exist_ok=True)
        return path

    def tmpfs(self, name, size):
        """A folder on a file system of its own, of `size` as mount has it ("5m")."""
        folder = self.folder(name)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
        self.at_end(lambda: subprocess.run(["umount", "-l", folder], check=True))
        return folder

    def at_end(self, action):
        """`action()` is done when this world ends, before its programs are killed."""
        self._closing.append(action)

    def last_words(self, lines=12):
        """The last lines of each program's output, for a failure's report."""
        words = []
        for program in self.programs:
            code = program.process.poll()
            state = "running" if code is None else f"exit status {code}"
            words.append(f"--- {program.name} ({state}): {' '.join(map(str, program.argv))[:300]}")
            for path in dict.fromkeys((program.out_path, program.log_path)):
                with open(path, errors="replace") as f:
                    text = [line[:300] for line in f.read().replace("\r", "\n").splitlines() if line.strip()]
                # Of the figures of each second the last ones are enough; they would hide what happened.
                figures = [line for line in text if '"event":"progress"' in line][-2:]
                text = [line for line in text if '"event":"progress"' not in line and '"event":"piece"' not in line]
                words += ["    " + line for line in text[-lines:] + figures]
        return "\n".join(words)


def _ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
