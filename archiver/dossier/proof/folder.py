"""Write a proof as a folder, all or nothing, and journal that it was handed over.

As with a dossier, the folder is made under another name beside its place, synced, journalled and
only then named. Files are readable by their owner only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from gettext import gettext as _
from importlib.resources import files
from pathlib import Path

from archiver.dossier.bag import require_outside, require_writable, staged, write_file
from archiver.dossier.exhibits import Language
from archiver.dossier.proof.page import render_page
from archiver.dossier.proof.values import Proof
from archiver.evidence.disk import PRIVATE_FOLDER, Disk
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest
from archiver.model.entries import Export

EXPLANATION = ("README.html", "verify.py")
"""Files that explain and are no evidence: who doubts takes ``verify.py`` from elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A proof that stands on disk."""

    directory: Path
    manifest: Digest
    """SHA-256 of ``manifest-sha256.txt``: the ``export`` entry keeps it."""
    files: int


def contents(proof: Proof, *, language: Language) -> dict[str, bytes]:
    """Return every file of the folder, the manifest last; the same PROOF makes the same bytes."""
    verifier = files("archiver.dossier.proof").joinpath("verify.py").read_bytes()
    held = {
        **dict(proof.files),
        "README.html": render_page(proof, language=language).encode(),
        "verify.py": verifier.replace(b"\r\n", b"\n"),
    }
    lines = (f"{Digest.of(data)}  {name}\n" for name, data in sorted(held.items()))
    return {**held, "manifest-sha256.txt": "".join(lines).encode()}


def hand_over(
    evidence: Evidence,
    proof: Proof,
    directory: Path,
    *,
    language: Language,
    recipient: str,
    actor: str,
) -> Written:
    """Write PROOF to DIRECTORY, and journal the export before the folder bears its name.

    Raises UsageError when DIRECTORY is in use or inside the archive, OperationError when the
    archive cannot be written or the disk refuses; then nothing is left.
    """
    require_writable(evidence)
    require_outside(directory, evidence.root)

    def journal(manifest: Digest) -> None:
        export = Export(
            engagement="", numbers=((1, proof.position),), manifest=manifest, recipient=recipient
        )
        evidence.append([export], actor=actor)

    return write(proof, directory, language=language, confirm=journal)


def write(
    proof: Proof,
    directory: Path,
    *,
    language: Language,
    confirm: Callable[[Digest], None] = lambda _manifest: None,
) -> Written:
    """Write PROOF to DIRECTORY, which must be empty or not exist.

    CONFIRM is given the manifest's digest when all is durable but not yet named; if it raises,
    nothing is left. Raises UsageError and OperationError.
    """
    held = contents(proof, language=language)
    manifest = Digest.of(held["manifest-sha256.txt"])
    place = directory.resolve()
    with staged(directory, _("The proof could not be written to {directory}: {error}")) as root:
        _fill(root, held)
        confirm(manifest)
    return Written(directory=place, manifest=manifest, files=len(held))


def _fill(root: Path, held: dict[str, bytes]) -> None:
    """Write and sync all files, the manifest last: with it the folder is whole."""
    folders = sorted({(root / name).parent for name in held} - {root})
    for folder in folders:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    for name, data in held.items():
        write_file(root / name, data)
    for folder in (*folders, root):
        Disk().sync_folder(folder)
