"""Certificates made on the spot by openssl: a good one, and one of each kind that proves nothing."""
import os
import subprocess
from typing import NamedTuple

from world import Failed

CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
crlnumber = {folder}/crlnumber
default_md = sha256
default_crl_days = 1
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = nobody
prompt = no
[nobody]
"""


class Certificate(NamedTuple):
    chain: str  # PEM, its issuers behind it
    key: str


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"openssl {' '.join(map(str, arguments))[:200]}: {done.stderr.strip()[-300:]}")


class Certificates:
    """Everything in `folder`. `trusted` is a file with what a client is to trust."""

    def __init__(self, folder):
        self.folder = folder
        for name, content in {"index": "", "serial": "1000", "crlnumber": "01",
                              "config": CONFIG.format(folder=folder)}.items():
            with open(os.path.join(folder, name), "w") as f:
                f.write(content)
        self.good = self._authority("good")
        self.trusted = self.good.chain

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _authority(self, name, common_name="Authority"):
        """Signed by itself."""
        chain, key = self._path(name + ".pem"), self._path(name + ".key")
        _openssl("req", "-x509", "-config", self._path("config"), "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={common_name}", "-days", 2, "-keyout", key, "-out",
                 chain, "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign,cRLSign")
        return Certificate(chain, key)

    def make(self, name, *extensions, issuer=None, start="20200101000000Z", end="20600101000000Z",
             key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), digest="sha256"):
        """Signed by `issuer` (the good authority), whose chain but for the authority goes along."""
        issuer = issuer or self.good
        request, leaf, path = self._path(name + ".csr"), self._path(name + ".leaf"), self._path(name + ".key")
        _openssl("req", "-new", "-config", self._path("config"), "-newkey", *key, "-nodes", "-subj", f"/CN={name}",
                 "-keyout", path, "-out", request)
        with open(self._path(name + ".ext"), "w") as f:
            f.write("\n".join(extensions) + "\n")
        _openssl("ca", "-batch", "-notext", "-config", self._path("config"), "-cert", issuer.chain, "-keyfile",
                 issuer.key, "-md", digest, "-startdate", start, "-enddate", end, "-extfile", self._path(name + ".ext"),
                 "-in", request, "-out", leaf)
        chain = self._path(name + ".pem")
        with open(chain, "w") as out:
            for part in [leaf] + ([issuer.chain] if issuer is not self.good else []):
                with open(part) as f:
                    out.write(f.read())
        return Certificate(chain, path)

    def revoke(self, certificate):
        """The good authority takes it back; from now on `trusted` has the list of that, too."""
        signer = ["-config", self._path("config"), "-cert", self.good.chain, "-keyfile", self.good.key]
        _openssl("ca", *signer, "-revoke", certificate.chain)
        _openssl("ca", *signer, "-gencrl", "-out", self._path("revoked.pem"))
        self.trusted = self._path("trusted.pem")
        with open(self.trusted, "w") as out:
            for part in (self.good.chain, self._path("revoked.pem")):
                with open(part) as f:
                    out.write(f.read())

    def kinds(self, domain):
        """{name: certificate}: of "good.`domain`", which is good, and of others that prove nothing, each for the host
        NAME.`domain`."""
        authority = "basicConstraints=critical,CA:TRUE"
        signs = "keyUsage=critical,keyCertSign,cRLSign"

        def server(name):
            return f"subjectAltName=DNS:{name}.{domain}"

        elsewhere = self._authority("elsewhere", "Somebody else")
        impostor = self._authority("impostor")  # calls itself as the good one does
        no_authority = self.make("no-authority", "basicConstraints=critical,CA:FALSE", server("middle"))
        narrow = self.make("narrow", authority, signs, "nameConstraints=critical,permitted;DNS:other.example")
        withdrawn = self.make("withdrawn", authority, signs)
        self_signed = self._path("self-signed.pem"), self._path("self-signed.key")
        _openssl("req", "-x509", "-config", self._path("config"), "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN=self-signed.{domain}", "-days", 2, "-addext",
                 server("self-signed"), "-keyout", self_signed[1], "-out", self_signed[0])
        kinds = {
            "good": self.make("good-server", server("good")),
            "expired": self.make("expired", server("expired"), end="20210101000000Z"),
            "not-yet-valid": self.make("not-yet-valid", server("not-yet-valid"), start="20590101000000Z"),
            "self-signed": Certificate(*self_signed),
            "wrong-host": self.make("wrong-host", server("another-host")),
            "no-name": self.make(f"no-name.{domain}", "keyUsage=digitalSignature"),
            "unknown-authority": self.make("unknown-authority", server("unknown-authority"), issuer=elsewhere),
            "impostor": self.make("of-impostor", server("impostor"), issuer=impostor),
            "signed-by-a-server": self.make("signed-by-a-server", server("signed-by-a-server"), issuer=no_authority),
            "outside-its-names": self.make("outside-its-names", server("outside-its-names"), issuer=narrow),
            "revoked-issuer": self.make("revoked-issuer", server("revoked-issuer"), issuer=withdrawn),
            "short-key": self.make("short-key", server("short-key"), key=("rsa:1024",)),
            "weak-digest": self.make("weak-digest", server("weak-digest"), digest="sha1"),
            "for-clients": self.make("for-clients", server("for-clients"), "extendedKeyUsage=clientAuth"),
        }
        self.revoke(withdrawn)
        return kinds
