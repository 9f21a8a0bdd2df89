"""A real time-stamp authority on this machine, made with openssl, and every way it can misbehave."""

import atexit
import contextlib
import hashlib
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from archiver.evidence.stamps import der
from archiver.evidence.stamps.request import SHA256

QC_STATEMENTS = "1.3.6.1.5.5.7.1.3"
QUALIFIED = "0.4.0.19422.1.1"
POLICY = "1.2.3.4.1"

_LONG_AGO, _ONCE = "20200101000000Z", "20210101000000Z"
_LATER = "20491231235959Z"

_CA = """
[ca]
default_ca = this
[this]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/ca.serial
certificate = {folder}/{issuer}.pem
private_key = {folder}/{issuer}.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
_TSA = """
[tsa]
default_tsa = this
[this]
serial = {folder}/tsa.serial
signer_cert = {folder}/{signer}.pem
signer_key = {folder}/{signer}.key
certs = {folder}/chain.pem
signer_digest = sha256
default_policy = {policy}
digests = sha256
accuracy = secs:1, millisecs:500
ess_cert_id_alg = sha256
tsa_name = yes
"""
_ROOT = ("basicConstraints=critical,CA:true", "keyUsage=critical,keyCertSign")
_SIGNER = ("basicConstraints=critical,CA:false", "keyUsage=critical,digitalSignature")
_STAMPS = "extendedKeyUsage=critical,timeStamping"


def missing() -> str:
    """Say why there is no authority to test with, or nothing."""
    if shutil.which("openssl") is None:
        return "the command openssl is not installed"
    return ""


def openssl(*arguments: object, data: bytes = b"") -> bytes:
    """Run openssl, which must succeed, and return what it prints."""
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input=data, capture_output=True, check=False
    )
    assert done.returncode == 0, (arguments, done.stderr.decode(errors="replace"))
    return done.stdout


@dataclass(frozen=True)
class Served:
    """What the server answers."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/timestamp-reply"}
    )


Behaviour = Callable[[bytes], Served | None]
"""Makes an answer to a request; None: it never answers."""


class LocalAuthority:
    """Two roots, an intermediate, signers of several kinds, and what they sign."""

    def __init__(self, folder: Path) -> None:
        """Make all keys and certificates in FOLDER."""
        self.folder = folder
        (folder / "index.txt").touch()
        (folder / "ca.serial").write_text("1000\n")
        (folder / "tsa.serial").write_text("01\n")
        for root in ("root", "other"):
            self._root(root)
        self._certify("middle", issuer="root", extensions=_ROOT)
        chain = b"".join((folder / f"{name}.pem").read_bytes() for name in ("middle", "root"))
        (folder / "chain.pem").write_bytes(chain)
        self._certify("rsa", rsa=True)
        self._certify("ec")
        self._certify("expired", start=_LONG_AGO, end=_ONCE)
        self._certify("foreign", issuer="other")
        self._certify("usage", extensions=(*_SIGNER, "extendedKeyUsage=critical,codeSigning"))
        self._certify("lax", extensions=(*_SIGNER, "extendedKeyUsage=timeStamping"))
        both = "extendedKeyUsage=critical,timeStamping,codeSigning"
        self._certify("both", extensions=(*_SIGNER, both))

    def pem(self, name: str = "root") -> bytes:
        """Return a certificate."""
        return (self.folder / f"{name}.pem").read_bytes()

    def reply(self, request: bytes, signer: str = "rsa") -> bytes:
        """Answer REQUEST as openssl does."""
        config = self.folder / f"{signer}.tsa"
        config.write_text(_TSA.format(folder=self.folder, signer=signer, policy=POLICY))
        with _temporary(self.folder, request) as query:
            answer = self.folder / f"{query.name}.tsr"
            openssl("ts", "-reply", "-config", config, "-queryfile", query, "-out", answer)
            data = answer.read_bytes()
            answer.unlink()
        return data

    def craft(
        self,
        request: bytes,
        *,
        signer: str = "ec",
        time: datetime | None = None,
        nonce: int | None = None,
        imprint_of: bytes | None = None,
        qualified: bool = False,
        status: int = 0,
        fraction: str = "",
        name: bytes = b"",
        cades: bool = True,
    ) -> bytes:
        """Answer REQUEST with anything: what openssl would not answer by itself."""
        fields = der.parse(request).children()
        imprint = fields[1].whole
        if imprint_of is not None:
            algorithm = der.element(der.SEQUENCE, der.oid(SHA256), der.element(der.NULL))
            digest = hashlib.sha256(imprint_of).digest()
            imprint = der.element(der.SEQUENCE, algorithm, der.element(der.OCTET_STRING, digest))
        moment = (time or datetime.now(UTC)).strftime("%Y%m%d%H%M%S") + fraction + "Z"
        statement = der.element(der.SEQUENCE, der.oid(QUALIFIED))
        extension = der.element(
            der.SEQUENCE,
            der.oid(QC_STATEMENTS),
            der.element(der.OCTET_STRING, der.element(der.SEQUENCE, statement)),
        )
        info = der.element(
            der.SEQUENCE,
            der.integer(1),
            der.oid(POLICY),
            imprint,
            der.integer(7),
            der.element(der.GENERALIZED_TIME, moment.encode()),
            fields[2].whole if nonce is None else der.integer(nonce),
            *((der.element(0xA0, name),) if name else ()),
            *((der.element(0xA1, extension),) if qualified else ()),
        )
        said = der.element(der.SEQUENCE, der.integer(status))
        return der.element(der.SEQUENCE, said, self._sign(info, signer, cades=cades))

    def reject(self, _request: bytes) -> bytes:
        """Answer with a rejection, as openssl does for a request that it cannot read."""
        text = der.element(der.SEQUENCE, der.element(der.UTF8_STRING, b"Come back tomorrow"))
        failure = der.element(der.BIT_STRING, bytes((5, 0b00100000)))  # badRequest
        return der.element(der.SEQUENCE, der.element(der.SEQUENCE, der.integer(2), text, failure))

    @contextlib.contextmanager
    def serving(self, behaviour: Behaviour | None = None) -> Iterator["Service"]:
        """Serve BEHAVIOUR, or honest answers, over HTTP for a while."""
        service = Service(behaviour or self.honest)
        thread = threading.Thread(target=service.server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield service
        finally:
            service.ended.set()
            service.server.shutdown()
            thread.join()
            service.server.server_close()

    def honest(self, request: bytes) -> Served:
        """Answer as one should."""
        return Served(self.reply(request))

    def _root(self, name: str) -> None:
        """Make a certificate that signs itself."""
        self._certify(name, issuer=name, extensions=_ROOT, rsa=True)

    def _key(self, name: str, *, rsa: bool) -> None:
        path = self.folder / f"{name}.key"
        if rsa:
            openssl("genrsa", "-out", path, "2048")
        else:
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)

    def _certify(
        self,
        name: str,
        *,
        issuer: str = "middle",
        extensions: tuple[str, ...] = (*_SIGNER, _STAMPS),
        start: str = _LONG_AGO,
        end: str = _LATER,
        rsa: bool = False,
    ) -> None:
        folder = self.folder
        self._key(name, rsa=rsa)
        asked, added, config = (folder / f"{name}.{kind}" for kind in ("csr", "ext", "ca"))
        subject = f"/CN=Test {name}"
        openssl("req", "-new", "-key", folder / f"{name}.key", "-subj", subject, "-out", asked)
        added.write_text("\n".join((*extensions, "")))
        config.write_text(_CA.format(folder=folder, issuer=issuer))
        openssl(
            *("ca", "-batch", "-notext", "-config", config, "-in", asked, "-extfile", added),
            *(("-selfsign", "-keyfile", folder / f"{name}.key") if issuer == name else ()),
            *("-startdate", start, "-enddate", end, "-out", folder / f"{name}.pem"),
        )

    def _sign(self, info: bytes, signer: str, *, cades: bool) -> bytes:
        return openssl(
            *("cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", "sha256"),
            *("-nosmimecap", *(("-cades",) if cades else ())),
            *("-econtent_type", "1.2.840.113549.1.9.16.1.4"),
            *("-signer", self.folder / f"{signer}.pem", "-inkey", self.folder / f"{signer}.key"),
            *("-certfile", self.folder / "chain.pem"),
            data=info,
        )


def unsorted(response: bytes) -> bytes:
    """Put the certificates of RESPONSE in the order that DER does not want."""
    status, token = der.parse(response).children()
    kind, content = token.children()
    fields = list(der.parse(content.value).children())
    place = next(place for place, each in enumerate(fields) if each.tag == 0xA0)
    certificates = sorted((each.whole for each in fields[place].children()), reverse=True)
    signed = [each.whole for each in fields]
    signed[place] = der.element(0xA0, *certificates)
    content_info = der.element(0xA0, der.element(der.SEQUENCE, *signed))
    return der.element(
        der.SEQUENCE, status.whole, der.element(der.SEQUENCE, kind.whole, content_info)
    )


def without_certificates(response: bytes) -> bytes:
    """Take all certificates out of RESPONSE."""
    status, token = der.parse(response).children()
    kind, content = token.children()
    signed = [each.whole for each in der.parse(content.value).children() if each.tag != 0xA0]
    content_info = der.element(0xA0, der.element(der.SEQUENCE, *signed))
    return der.element(
        der.SEQUENCE, status.whole, der.element(der.SEQUENCE, kind.whole, content_info)
    )


def openssl_accepts(
    folder: Path, response: bytes, *, data: bytes, request: bytes, root: bytes, at: datetime
) -> bool:
    """Ask ``openssl ts -verify`` for its verdict, as of AT, against the request and the data."""
    files = {"data": data, "tsq": request, "tsr": response, "pem": root}
    for name, content in files.items():
        (folder / f"case.{name}").write_bytes(content)
    verdicts = []
    for about in (("-queryfile", "case.tsq"), ("-data", "case.data")):
        command = ("openssl", "ts", "-verify", "-in", "case.tsr", *about)
        as_of = ("-CAfile", "case.pem", "-attime", str(int(at.timestamp())))
        done = subprocess.run((*command, *as_of), cwd=folder, capture_output=True, check=False)
        verdicts.append(done.returncode == 0 and b"Verification: OK" in done.stdout)
    return all(verdicts)


class Service:
    """The authority's web server, and what it was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self.types: list[str] = []
        self.ended = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                service.requests.append(request)
                service.types.append(self.headers["Content-Type"])
                served = service.behaviour(request)
                if served is None:
                    service.ended.wait(30)
                    return
                self.send_response(served.status)
                for name, value in served.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(served.body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # the client has read enough
                    self.wfile.write(served.body)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.server_port}/tsa"


@contextlib.contextmanager
def _temporary(folder: Path, data: bytes) -> Iterator[Path]:
    path = folder / f"query-{threading.get_ident()}.tsq"
    path.write_bytes(data)
    try:
        yield path
    finally:
        path.unlink()


@cache
def local_authority() -> LocalAuthority:
    """Make the authority of this test run, once, or skip by name."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="archiver-tests-authority-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return LocalAuthority(folder)


LONG_AGO = datetime(2020, 6, 1, 12, 0, tzinfo=UTC)
"""When the certificate of the signer ``expired`` was valid."""
