"""Archives with checkpoints, time-stamps and origins, the proofs they export, and who checks them."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import ModuleType

from authority import LocalAuthority
from evidence_case import create, seen
from mail import mail
from origins import held

import archiver
from archiver.authorities import Authority
from archiver.dossier.proof.collect import collect
from archiver.dossier.proof.folder import Written, write
from archiver.dossier.proof.values import Proof
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.signing import rotate, sign_checkpoint
from archiver.evidence.stamps.anchoring import anchor
from archiver.evidence.stamps.post import Answer
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest, Position
from archiver.model.origin import KeySeen, Origin

# Of the installed package, which may be another place than the checkout.
VERIFIER = Path(archiver.__file__).resolve().parent / "dossier" / "proof" / "verify.py"
ACCOUNT, FOLDER = "account-of-nobody", "Folder/Of Nobody"
OTHER_SUBJECT = "Subject of another record"
DNS_ANSWER = b"\x00\x00\x81\x80\x00\x01\x00\x01 a raw DNS answer of client.example"


def verify(
    folder: Path,
    *arguments: object,
    python: str = sys.executable,
    path: str | None = None,
    verifier: Path = VERIFIER,
) -> subprocess.CompletedProcess[str]:
    """Run ``verify.py`` as an expert would: alone, with an empty environment."""
    environment = {"PATH": os.environ["PATH"] if path is None else path}
    if sys.platform == "win32":
        environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    return subprocess.run(
        [python, "-I", "-S", str(verifier), str(folder), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=120,
    )


def load_verifier() -> ModuleType:
    """Load ``verify.py`` as a module: a process for each changed byte would take too long."""
    spec = importlib.util.spec_from_file_location("stand_alone", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sealed(folder: Path) -> None:
    """Write the manifest anew, as a forger does after a change."""
    manifest = folder / "manifest-sha256.txt"
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != manifest
    )
    lines = (f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
    manifest.write_bytes("".join(lines).encode())


@cache
def pythons() -> tuple[tuple[str, str], ...]:
    """Return (version, command) of the Pythons on this machine that ``verify.py`` is for."""
    found = []
    for minor in range(8, 14):
        version = f"3.{minor}"
        home = Path.home() / ".pyenv" / "versions"
        candidates = [shutil.which(f"python{version}") or "", *sorted(home.glob(f"{version}.*"))]
        for candidate in candidates:
            path = (
                Path(candidate) / "bin" / "python"
                if candidate and Path(candidate).is_dir()
                else candidate
            )
            if path and _runs(str(path), version):
                found.append((version, str(path)))
                break
    return tuple(found)


def _runs(command: str, version: str) -> bool:
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([command, "-c", asked], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == version


@dataclass
class House:
    """An archive whose records can be proved."""

    root: Path
    authority: LocalAuthority | None = None
    signer: str = "ec"
    evidence: Evidence = field(init=False)
    outside: Outside = field(init=False)

    def __post_init__(self) -> None:
        """Make the archive."""
        self.evidence = create(self.root / "archive")
        self.outside = Outside(self.root / "state", self.evidence.archive_id)

    def keep(self, *subjects: str, text: str = "A short message.\n") -> tuple[Position, ...]:
        """Keep a message for each of SUBJECTS."""
        batch = [
            seen(
                mail(subject=subject, text=text, message_id=f"{self.evidence.size}@client.example"),
                self.evidence.size + number,
                account=ACCOUNT,
                folder=FOLDER,
            )
            for number, subject in enumerate(subjects, 1)
        ]
        return tuple(kept.position for kept in self.evidence.keep(batch))

    def originate(self, record: Position, answer: bytes = DNS_ANSWER) -> None:
        """Record a DKIM signature of RECORD and the key's DNS answer."""
        name = "mail._domainkey.client.example"
        key = KeySeen(name=name, object=Digest.of(answer), size=len(answer), validated=False)
        (position,) = self.evidence.append([key], objects={Digest.of(answer): answer})
        self.evidence.append([Origin(record=record, complete=True, signatures=(held(position),))])

    def sign(self) -> bool:
        """Sign the state."""
        sign_checkpoint(self.evidence, self.outside, entropy=os.urandom)
        return True

    def rotate(self) -> None:
        """Sign with another key."""
        rotate(self.evidence, self.outside, actor="person:test", entropy=os.urandom)

    def stamp(self, *names: str) -> None:
        """Sign and have it dated by the authorities of NAMES, then sign what says so."""
        local = self.authority
        assert local is not None
        outcome = anchor(
            self.evidence,
            [
                Authority(name=name, url="http://tsa.example/", root=local.pem().decode())
                for name in names or ("local",)
            ],
            due=False,
            checkpoint=self.sign,
            clock=lambda: datetime.now(UTC),
            entropy=os.urandom,
            post=lambda _url, body, _timeout: Answer(
                status=200, content_type="", retry_after="", body=local.reply(body, self.signer)
            ),
        )
        assert not outcome.failed, outcome
        self.sign()

    def prove(self, record: Position) -> Proof:
        """Collect the proof of RECORD."""
        return collect(self.evidence, record)

    def export(self, record: Position, name: str) -> tuple[Path, Proof, Written]:
        """Write the proof of RECORD to a folder NAME."""
        proof = self.prove(record)
        written = write(proof, self.root / name, language="en")
        return self.root / name, proof, written


def pinned(proof: Proof) -> tuple[str, ...]:
    """Return the options with what a reader got elsewhere."""
    roots = sorted({stamp.root for stamp in proof.stamps})
    return ("--key", proof.key_digest, *(word for root in roots for word in ("--root", root)))
