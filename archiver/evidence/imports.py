"""The files that mail was imported from, as the journal's ``sighting`` entries name them."""

from collections import defaultdict
from collections.abc import Container, Iterable
from datetime import datetime
from pathlib import PurePath

from archiver.evidence.journal.database import integer, text
from archiver.evidence.journal.names import unkey
from archiver.evidence.reader import Reader
from archiver.model.coverage import Imported


def imported(
    evidence: Reader, *, size: int | None = None, among: Container[int] | None = None
) -> tuple[Imported, ...]:
    """Return the files that mail was imported from, those of one folder together.

    By the first SIZE entries (all, if None). AMONG: only what brought these records.
    """
    files: dict[str, list[int]] = {}
    for path, record, entry in evidence.database.each(
        "SELECT path, record, entry FROM file_position WHERE entry < ? ORDER BY entry",
        evidence.size if size is None else size,
    ):
        if among is None or integer(record) in among:
            files.setdefault(unkey(text(path)), []).append(integer(entry))
    return tuple(
        Imported(
            root=root,
            files=len(paths),
            messages=sum(len(files[path]) for path in paths),
            first=_at(evidence, min(files[path][0] for path in paths)),
            last=_at(evidence, max(files[path][-1] for path in paths)),
        )
        for root, paths in sorted(_roots(files).items())
    )


def _at(evidence: Reader, position: int) -> datetime:
    return next(evidence.entries(position, position + 1)).at


def _roots(paths: Iterable[str]) -> dict[str, list[str]]:
    """Put PATHS together by the highest folder that held some of them itself."""
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        folders[_folder(path)].append(path)
    roots: dict[str, list[str]] = {}
    for folder in sorted(folders, key=lambda each: PurePath(each).parts):
        above = next((root for root in map(str, PurePath(folder).parents) if root in roots), folder)
        roots.setdefault(above, []).extend(folders[folder])
    return {paths[0] if len(paths) == 1 else root: paths for root, paths in roots.items()}


def _folder(path: str) -> str:
    """Return the folder that holds PATH; of a Maildir the whole."""
    folder = PurePath(path).parent
    return str(folder.parent if folder.name in {"cur", "new"} else folder)
