"""The sandbox that our program puts itself into: what it keeps out, and that all that is needed still works."""
import http.server
import os
import shutil
import ssl
import subprocess
import threading

from clients import NOWHERE, PORT, compact, make_torrent, our_command, ours_download, ours_seed, pair
from payload import MIB, make_file, same
from scenarios import scenario
from world import expect, wait_until

NAME = "tracker.example"


def _certificate(world):
    """An authority, and what it says of NAME: paths of (authority, certificate, key)."""
    folder = world.folder("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", *key[:-2], "-keyout", "host.key", "-out", "host.csr", "-subj", f"/CN={NAME}")
    with open(os.path.join(folder, "names"), "w") as f:
        f.write(f"subjectAltName=DNS:{NAME}\n")
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1",
            "-extfile", "names", "-out", "host.pem")
    return [os.path.join(folder, name) for name in ("ca.pem", "host.pem", "host.key")]


def _https_tracker(world, certificate, key, peer):
    """A tracker over HTTPS in this process, which names one peer. Answers its port and the list of requests."""
    requests = []
    peers = compact(peer)
    body = b"d8:intervali1800e5:peers%d:%se" % (len(peers), peers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802  the library's name for it
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer((world.address, 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    world.at_end(server.server_close)
    world.at_end(server.shutdown)
    return server.server_port, requests


def _shut_in(program):
    """How many threads a running program has, all of them shut in."""
    threads = os.listdir(f"/proc/{program.pid}/task")
    for thread in threads:
        with open(f"/proc/{program.pid}/task/{thread}/status") as f:
            status = f.read()
        expect("\nNoNewPrivs:\t1\n" in status and "\nSeccomp:\t2\n" in status,
               f"a thread of {program.name} is not shut in: {status.split()[1]}")
    return len(threads)


@scenario("sandbox-https-tracker-by-name")
def _(world):
    """A tracker that is found by /etc/hosts, trusted by an authority that SSL_CERT_FILE names, or that lies among those
    of the system, and that alone knows where the seeder is; without that authority nobody is asked."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    path = make_file(os.path.join(seeder.folder("data"), "payload.bin"), 4 * MIB)
    authority, certificate, key = _certificate(world)
    port, requests = _https_tracker(world, certificate, key, f"{seeder.address}:{PORT}")
    url = f"https://{NAME}:{port}/announce"
    file = make_torrent(seeder, path, os.path.join(world.root, "payload.torrent"), url)
    other = make_torrent(seeder, path, os.path.join(world.root, "same.torrent"), NOWHERE)
    ours_seed(seeder, other, seeder.folder("data"), "--port", PORT)
    hosts = os.path.join(world.root, "hosts")
    with open(hosts, "w") as f:
        f.write(f"127.0.0.1 localhost\n{world.address} {NAME}\n")

    def download(folder, *mounts, **options):
        """In a mount namespace of its own, where other files lie at some paths."""
        binds = "".join(f"mount --bind {what} {where}; " for what, where in ((hosts, "/etc/hosts"), *mounts))
        return leecher.start(f"ours-{folder}", [
            "unshare", "--mount", "sh", "-c", f'{binds} exec "$@"', "sh",
            *our_command(file, "-v", "-o", leecher.folder(folder), "--port", "0")], **options)

    untrusting = download("untrusting")
    wait_until(lambda: "certificate" in untrusting.log() or not untrusting.running, 20, "a word on the certificate")
    expect(not requests, "an authority that nobody named was trusted")
    untrusting.kill()
    download("by-file", env={"SSL_CERT_FILE": authority}).finish(30)
    expect(len(requests) > 0, "the tracker was not asked")
    same(path, os.path.join(leecher.home, "by-file", "payload.bin"))
    # Where OpenSSL looks: in files that are named by a hash.
    digest = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", authority], check=True, capture_output=True,
                            text=True).stdout.strip()
    authorities = world.folder("authorities")
    shutil.copy(authority, os.path.join(authorities, f"{digest}.0"))
    by_system = download("by-system", (authorities, "/etc/ssl/certs"))
    by_system.finish(30)
    same(path, os.path.join(leecher.home, "by-system", "payload.bin"))
    expect("sandbox: files: by Landlock" in by_system.log() and "system calls: by seccomp" in by_system.log(),
           "it was not shut in")


PROBE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
static int try(const char* path, int flags) {
  int fd = open(path, flags, 0644);
  int error = fd < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  return error;
}
/* What the program calls once it is shut in, and before it does anything else. */
int signalfd(int fd, const sigset_t* mask, int flags) {
  int (*real)(int, const sigset_t*, int) = (int (*)(int, const sigset_t*, int))dlsym(RTLD_NEXT, "signalfd");
  char* list = strdup(getenv("PROBE"));
  for (char* path = strtok(list, ":"); path != NULL; path = strtok(NULL, ":")) {
    dprintf(2, "probe %s %d %d\n", path, try(path, O_RDONLY), try(path, O_WRONLY | O_CREAT));
  }
  char* argv[] = {"/bin/true", NULL};
  execv(argv[0], argv);
  dprintf(2, "probe exec %d\n", errno);
  return real(fd, mask, flags);
}
"""


@scenario("sandbox-keeps-the-program-in")
def _(world):
    """Code that runs in the program, by a library put before the others: it opens what the program needs, and nothing
    else. With --no-sandbox it opens all."""
    file, path, leecher, peer = pair(world, 8 * MIB, "2M")
    source, probe = os.path.join(world.root, "probe.c"), os.path.join(world.root, "probe.so")
    with open(source, "w") as f:
        f.write(PROBE)
    subprocess.run(["g++", "-xc", "-w", "-shared", "-fPIC", "-o", probe, source], check=True)
    out = leecher.folder("links")
    os.symlink(leecher.folder("real-out"), os.path.join(out, "out"))
    secret = make_file(os.path.join(leecher.folder("documents"), "secret"), 10)
    places = {
        # path: whether it may be read, and written
        os.path.join(out, "out", "new"): (True, True),
        os.path.join(leecher.home, "state", "torrent", "new"): (True, True),
        file: (True, False),
        "/etc/passwd": (True, False),
        secret: (False, False),
        path: (False, False),
        "/var/lib/dpkg/status": (False, False),
        "/proc/1/environ": (False, False),
    }

    def probed(paths, *arguments):
        ours = ours_download(leecher, file, os.path.join(out, "out"), *peer, *arguments,
                             env={"LD_PRELOAD": probe, "PROBE": ":".join(paths)})
        wait_until(lambda: "probe exec" in ours.log() or not ours.running, 20, "the probe")
        lines = [line.split() for line in ours.log().splitlines() if line.startswith("probe ")]
        return ours, {line[1]: [int(error) for error in line[2:]] for line in lines}

    ours, found = probed(places)
    expect(found.pop("exec", None) == [1], "it could start another program")
    for place, (readable, writable) in places.items():
        read_error, write_error = found[place]
        expect((read_error == 13) != readable, f"reading {place}: error {read_error}")
        expect((write_error == 13) != writable, f"writing {place}: error {write_error}")
    wait_until(lambda: ours.progress("done") > MIB, 20, "1 MiB")
    expect(_shut_in(ours) > 3, "it has no more threads than that")
    ours.finish(30)
    same(path, os.path.join(leecher.home, "real-out", "payload.bin"))
    free, found = probed([secret], "--no-sandbox")
    expect(free.wait(5) == 0 and not free.events(), "with --no-sandbox the probe could start no other program")
    expect(found[secret] == [0, 0], f"with --no-sandbox the secret cannot be opened: errors {found[secret]}")


@scenario("sandbox-mount-inside-the-folder")
def _(world):
    """A file system that is mounted below the download folder while the program runs belongs to it."""
    seeder, leecher = world.host("seeder"), world.host("leecher")
    path = make_file(os.path.join(seeder.folder("data", "album"), "song.bin"), 2 * MIB)
    file = make_torrent(seeder, os.path.dirname(path), os.path.join(world.root, "album.torrent"), NOWHERE)
    ours = ours_download(leecher, file, leecher.folder("out"), "--port", PORT)
    ours.start_of_swarm()
    mounted = world.tmpfs(os.path.join("leecher", "out", "album"), "20m")
    ours_seed(seeder, file, seeder.folder("data"), "--peer", f"{leecher.address}:{PORT}")
    ours.finish(30)
    same(path, os.path.join(mounted, "song.bin"))
