"""A real Dovecot on loopback for the tests, as root or as an ordinary user."""

import os
import re
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from archiver.accounts import Account, Security
from archiver.mailbox.server import mutf7

PASSWORD = "correct-horse"
_TEMPLATE = Path(__file__).parent / "fixtures" / "dovecot" / "dovecot.conf.in"
_MAILDIR_FLAGS = {"D", "F", "P", "R", "S", "T"}
_PATIENCE = 10.0


@cache
def missing() -> str:
    """Say why no Dovecot can be started here; empty when one can."""
    program = executable()
    if program is None:
        return "dovecot is not installed (Debian package dovecot-imapd)"
    if shutil.which("openssl") is None:
        return "openssl is not installed: Dovecot needs a certificate"
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    if not re.match(r"2\.3\.", version.stdout):
        return f"Dovecot {version.stdout.split()[:1]} is installed; the fixture is for 2.3"
    return ""


def executable() -> str | None:
    """Find the server, which stands in sbin where an ordinary user does not look."""
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True, slots=True)
class _People:
    """Whom Dovecot runs as: its own users when root starts it, else everything as ourselves."""

    internal: str
    internal_group: str
    owner: str
    owner_group: str

    @classmethod
    def here(cls) -> "_People":
        import grp  # absent on Windows, where this module is imported all the same
        import pwd

        if os.geteuid() != 0:
            me = pwd.getpwuid(os.geteuid()).pw_name
            group = grp.getgrgid(os.getegid()).gr_name
            return cls(me, group, me, group)
        nobody = pwd.getpwnam("nobody")
        group = grp.getgrgid(nobody.pw_gid).gr_name
        return cls("dovecot", "dovecot", "nobody", group)


class DovecotServer:
    """A context manager: ``with DovecotServer() as server`` starts it, the end stops it.

    Every user name is taken, with PASSWORD; a user's Maildir comes into being with ``add``.
    EXTRA is configuration that comes last, so that it overrides; ``{run}`` in it stands for the
    server's own folder.
    """

    def __init__(self, extra: str = "") -> None:
        self._extra = extra
        self.run = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.run.chmod(0o755)  # other users of the server must get at their sockets
        self.mail = self.run / "mail"
        self.port, self.tls_port = _free_ports(2)
        self.ca_file = self.run / "certificate.pem"
        self.password = PASSWORD
        self.users: set[str] = set()
        self._people = _People.here()
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.mail.mkdir()
        self._own(self.mail)
        (self.run / "state").mkdir()
        self._make_certificate()
        self._write_config()
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.run, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it greets."""
        program = executable()
        assert program is not None
        self._process = subprocess.Popen(
            [program, "-F", "-c", str(self.run / "dovecot.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + _PATIENCE
        while not _greets(self.port):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Dovecot did not start: {self.log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server with all its connections."""
        if self._process is not None:
            group = self._process.pid
            self._process.terminate()
            self._process.wait(_PATIENCE)
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)  # sessions outlive the master for a while
            self._process = None

    def restart(self) -> None:
        """Stop and start again on the same ports; open connections are cut."""
        self.stop()
        self.start()

    def log(self) -> str:
        """Return what the server logged."""
        path = self.run / "dovecot.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def account(
        self, user: str, *, security: Security = "plain", host: str = "127.0.0.1"
    ) -> Account:
        """Return the settings of an account for USER."""
        return Account(
            name=user,
            host=host,
            port=self.tls_port if security == "tls" else self.port,
            user=user,
            security=security,
            keep="everything",
        )

    def folder(self, user: str, folder: str = "INBOX") -> Path:
        """Return the Maildir of USER's FOLDER, making it where needed."""
        self.users.add(user)
        place = self.mail / user
        if folder != "INBOX":
            place /= "." + mutf7.encode(folder).decode("ascii").replace("/", ".")
        for path in (self.mail / user, place, *(place / name for name in ("cur", "new", "tmp"))):
            if not path.exists():
                path.mkdir()
                self._own(path)
        return place

    def add(
        self,
        user: str,
        folder: str,
        data: bytes,
        flags: str = "",
        internaldate: datetime | None = None,
    ) -> Path:
        """Put DATA, untouched, into USER's FOLDER; FLAGS are Maildir's letters (``S`` is seen)."""
        assert set(flags) <= _MAILDIR_FLAGS, flags
        place = self.folder(user, folder)
        path = (
            place
            / "cur"
            / f"{1_600_000_000 + next(self._numbers)}.M0.tests:2,{''.join(sorted(flags))}"
        )
        path.write_bytes(data)
        self._own(path)
        if internaldate is not None:
            os.utime(path, (internaldate.timestamp(),) * 2)
        return path

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, self._people.owner, self._people.owner_group)

    def _make_certificate(self) -> None:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=localhost"),
                *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
                *("-keyout", str(self.run / "key.pem"), "-out", str(self.ca_file)),
            ],
            check=True,
            capture_output=True,
        )

    def _write_config(self) -> None:
        people = self._people
        filled = string.Template(_TEMPLATE.read_text("utf-8")).substitute(
            run=self.run,
            mail=self.mail,
            port=self.port,
            tls_port=self.tls_port,
            password=PASSWORD,
            internal=people.internal,
            internal_group=people.internal_group,
            owner=people.owner,
            owner_group=people.owner_group,
        )
        filled += self._extra.replace("{run}", str(self.run))
        (self.run / "dovecot.conf").write_text(filled, "utf-8")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"* OK"
    except OSError:
        return False
