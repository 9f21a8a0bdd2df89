"""Write a dossier as a bag: BagIt 1.0 (RFC 8493), SHA-256, all or nothing.

The bag is made in a temporary folder beside its place, synced, and only then given its name, so
that a crash never leaves half a bag that looks whole. Files are readable by their owner only:
whoever hands the dossier over decides who else reads it.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from gettext import gettext as _
from pathlib import Path

from archiver.dossier.chronology import render_chronology, render_readme, render_table
from archiver.dossier.coverage import render_coverage, render_coverage_page
from archiver.dossier.exhibits import Dossier
from archiver.dossier.selection import exhibit_prefix
from archiver.dossier.tables import render_custody, render_withheld
from archiver.dossier.text import one_line
from archiver.errors import OperationError, UsageError
from archiver.evidence.disk import PRIVATE_FOLDER, Disk
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest

Read = Callable[[Digest], bytes]
"""Gives the exact bytes of a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A bag that stands on disk."""

    directory: Path
    manifest: Digest
    """SHA-256 of ``manifest-sha256.txt``: the ``export`` entry keeps it."""
    files: int
    """Payload files, those under ``data/``."""
    bytes: int
    """Their size together."""


def write_bag(
    dossier: Dossier,
    directory: Path,
    read: Read,
    *,
    confirm: Callable[[Written], None] = lambda _written: None,
) -> Written:
    """Write DOSSIER as a bag named DIRECTORY, which must be empty or not exist.

    READ gives each record's bytes. CONFIRM is called when all is durable but the bag does not yet
    bear its name: the place to journal the export, so that no bag exists whose numbers nobody
    keeps. If it raises, nothing is left. Raises UsageError when DIRECTORY is in use, and
    OperationError when a record's bytes are not its digest's or the disk refuses.
    """
    place = directory.resolve()
    with staged(directory, _("The dossier could not be written to {directory}: {error}")) as root:
        written = _fill(_Bag(root), dossier, place, read)
        confirm(written)
    return written


@contextmanager
def staged(directory: Path, failure: str) -> Iterator[Path]:
    """Give a folder to fill, which gets the name DIRECTORY when all went well; else it is removed.

    What is put there is to be synced, the folder itself too. Raises UsageError when DIRECTORY is in
    use, and, in the words of FAILURE ({directory} and {error}), OperationError when the disk
    refuses.
    """
    try:
        place = free_place(directory)
        with ExitStack() as undo:
            temporary = Path(tempfile.mkdtemp(prefix=f".{place.name}.part-", dir=place.parent))
            undo.callback(shutil.rmtree, temporary, ignore_errors=True)
            yield temporary
            if place.exists():
                place.rmdir()  # Windows wants an empty folder out of the way
            temporary.rename(place)
            undo.pop_all()
        Disk().sync_folder(place.parent)
    except OSError as error:
        raise OperationError(
            failure.format(directory=directory, error=error.strerror or error),
            advice=_("Nothing was left there. Check free space and permissions, then try again."),
        ) from error


@dataclass(slots=True)
class _Bag:
    """A bag in the making: every file goes through ``add``, which counts and digests it."""

    root: Path
    payload: dict[str, Digest] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)
    size: int = 0

    def add(self, name: str, data: bytes) -> None:
        """Write a payload file ``data/NAME``."""
        name = f"data/{name}"
        write_file(self.root / name, data)
        self.payload[name] = Digest.of(data)
        self.size += len(data)

    def add_tag_file(self, name: str, text: str) -> Digest:
        """Write a tag file, one that speaks of the bag."""
        data = text.encode()
        write_file(self.root / name, data)
        self.tags[name] = Digest.of(data)
        return self.tags[name]


def _fill(bag: _Bag, dossier: Dossier, place: Path, read: Read) -> Written:
    """Write every file of the bag and sync its folders; ``bagit.txt`` last, as it makes a bag."""
    for folder in ("data", "data/messages"):
        (bag.root / folder).mkdir(mode=PRIVATE_FOLDER)
    for name, digest in _messages(dossier):
        bag.add(f"messages/{name}.eml", _checked(digest, read(digest)))
    bag.add("chronology.html", render_chronology(dossier).encode())
    bag.add("chronology.csv", render_table(dossier).encode())
    bag.add("withheld.csv", render_withheld(dossier).encode())
    bag.add("custody.csv", render_custody(dossier).encode())
    bag.add("coverage.csv", render_coverage(dossier).encode())
    bag.add("coverage.html", render_coverage_page(dossier).encode())
    bag.add("README.html", render_readme(dossier).encode())
    manifest = bag.add_tag_file("manifest-sha256.txt", _manifest(bag.payload))
    bag.add_tag_file("bag-info.txt", _bag_info(dossier, bag))
    declaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    bag.tags["bagit.txt"] = Digest.of(declaration.encode())
    write_file(bag.root / "tagmanifest-sha256.txt", _manifest(bag.tags).encode())
    bag.add_tag_file("bagit.txt", declaration)
    for folder in ("data/messages", "data", "."):
        Disk().sync_folder(bag.root / folder)
    return Written(directory=place, manifest=manifest, files=len(bag.payload), bytes=bag.size)


def _messages(dossier: Dossier) -> Iterator[tuple[str, Digest]]:
    """Yield name and digest of every record whose bytes are handed over."""
    for exhibit in dossier.exhibits:
        yield exhibit.name, exhibit.view.line.digest
        for copy in exhibit.copies:
            yield copy.name, copy.view.line.digest


def _checked(digest: Digest, data: bytes) -> bytes:
    """Return DATA if it is what DIGEST names: no exhibit goes out with other bytes."""
    if Digest.of(data) != digest:
        raise OperationError(
            _("The bytes of record {digest} are not those that were kept.").format(
                digest=digest.short
            ),
            advice=_("No dossier was written. See what is damaged: archiver verify --read-data"),
        )
    return data


def _manifest(digests: dict[str, Digest]) -> str:
    """Write lines that ``sha256sum -c`` reads, sorted by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def _bag_info(dossier: Dossier, bag: _Bag) -> str:
    """Write ``bag-info.txt`` (RFC 8493, section 2.2.2)."""
    matter = dossier.matter
    archive = f" in archive {dossier.archive.archive_id}" if dossier.archive.archive_id else ""
    fields = {
        "Bagging-Date": dossier.made_at.date().isoformat(),
        "Bag-Software-Agent": dossier.archive.software,
        **_moment(dossier),
        "External-Description": f"Dossier: {matter.title or matter.slug}, client {matter.client}",
        "External-Identifier": f"{exhibit_prefix(matter.slug)}{archive}",
        "Payload-Oxum": f"{bag.size}.{len(bag.payload)}",
    }
    return "".join(f"{name}: {one_line(value)}\n" for name, value in fields.items())


def _moment(dossier: Dossier) -> dict[str, str]:
    """Say when it was made, and from which state of the journal.

    This stands here and nowhere under ``data/``: there, the same selection makes the same bytes.
    """
    fields = {"Made": dossier.made_at.isoformat(timespec="seconds")}
    if dossier.archive.tree_size is not None:
        fields["Journal-Entries"] = str(dossier.archive.tree_size)
    if dossier.archive.root:
        fields["Journal-Root-SHA256"] = dossier.archive.root
    if dossier.recipient:
        fields["Recipient"] = dossier.recipient
    return fields


def require_writable(evidence: Evidence) -> None:
    """Raise OperationError when an export could not be journalled: the archive is only read."""
    if evidence.read_only:
        raise OperationError(
            _("The archive is on read-only media: an export cannot be journalled there."),
            advice=_("Copy the archive to a disk, then export from the copy."),
        )


def require_outside(directory: Path, archive: Path) -> None:
    """Raise UsageError when DIRECTORY is the folder of ARCHIVE or inside it, by whatever name."""
    place = directory.resolve()
    if any(folder.exists() and folder.samefile(archive) for folder in (place, *place.parents)):
        raise UsageError(
            _("{directory} is inside the archive.").format(directory=directory),
            advice=_("Name a folder elsewhere: what is handed over does not stand in the archive."),
        )


def free_place(directory: Path) -> Path:
    """Return DIRECTORY, absolute, when a bag may be put there; make the folders above it.

    Raises UsageError when it exists and is not an empty folder.
    """
    place = directory.resolve()
    if place.is_dir() and not any(place.iterdir()):
        return place
    if place.exists():
        raise UsageError(
            _("{directory} is not an empty folder.").format(directory=directory),
            advice=_("It gets a folder of its own: name one that does not exist yet."),
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def write_file(path: Path, data: bytes) -> None:
    """Write a new file, for its owner only, and make it durable."""
    disk = Disk()
    descriptor = disk.make_file(path)
    try:
        disk.write(descriptor, data)
        disk.sync(descriptor)
    finally:
        os.close(descriptor)
