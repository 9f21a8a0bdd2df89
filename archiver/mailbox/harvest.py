"""Fetch a work list in bounded batches; one bad message never stops the rest.

Everything here speaks to the network only, so that it may run in a thread of its own.
"""

from collections.abc import Generator, Iterator, Mapping

from archiver.mailbox.crops import (
    DRAFT,
    Breath,
    Crop,
    Decided,
    Errand,
    Postponed,
    Ration,
    Recognised,
)
from archiver.mailbox.field import Field
from archiver.mailbox.line import Line, StoppedError
from archiver.mailbox.server.responses import chunks
from archiver.mailbox.server.session import Outline

OUTLINES = 500
"""Messages asked about at a time: a command line of at most 5,500 characters (RFC 7162 asks
servers to take 8,192)."""


def harvest(line: Line, errand: Errand) -> Generator[Crop, None, None]:
    """Yield what becomes of the messages of ERRAND, ascending, in batches within its ration.

    Every UID is accounted for, unless LINE is told to stop: then the rest is left out.
    """
    field = Field(line, errand)
    uids = list(dict.fromkeys(errand.uids))
    done = 0
    postponed: list[int] = []
    try:
        for asked in chunks(uids, OUTLINES):
            if line.stopping():
                return
            if not errand.allowance.left:
                postponed += uids[done:]
                break
            outlines = field.outlines(asked)
            yield from (field.lost(uid, gone=True) for uid in asked if uid not in outlines)
            chosen = yield from _sift(field, errand, outlines)
            postponed += yield from _reap(line, field, errand, chosen)
            done += len(asked)
            if line.stopped:
                return
        if postponed:
            yield Postponed(tuple(postponed))
    except StoppedError:
        return


def _sift(
    field: Field, errand: Errand, outlines: Mapping[int, Outline]
) -> Generator[Crop, None, dict[int, Outline]]:
    """Return what is to be fetched of OUTLINES; what is not wanted or is known is yielded."""
    unkept: dict[str, tuple[int, ...]] = {}
    left = dict(outlines)
    if not errand.drafts:
        drafts = tuple(uid for uid, outline in sorted(outlines.items()) if _is_draft(outline))
        unkept = {DRAFT: drafts} if drafts else {}
        left = {uid: outline for uid, outline in left.items() if uid not in set(drafts)}
    near: dict[str, tuple[int, ...]] = {}
    if errand.wanted is not None and left:
        left, some, near = yield from field.choose(left, errand.wanted)
        unkept |= some
    if unkept:
        yield Decided(unkept, near)
    if errand.alike is not None and left:
        known = field.recognise(left, errand.alike)
        if known:
            yield Recognised(tuple(known.values()))
            left = {uid: outline for uid, outline in left.items() if uid not in known}
    return left


def _reap(
    line: Line, field: Field, errand: Errand, outlines: Mapping[int, Outline]
) -> Generator[Crop, None, tuple[int, ...]]:
    """Fetch all of OUTLINES; return what the allowance did not let through.

    What does not fit any more keeps nothing smaller behind it from coming.
    """
    postponed: list[int] = []
    for batch in _batches(outlines, errand.ration):
        rest = batch
        while rest:
            if line.stopping():
                return ()
            sizes = [_size(outlines[uid], errand.ration) for uid in rest]
            room = errand.allowance.room(sizes)
            if sum(sizes[:room]) > errand.ration.size:
                yield Breath()
            if room:
                yield from field.reap(rest[:room], outlines, errand.ration.size)
            postponed += rest[room : room + 1]
            rest = rest[room + 1 :]
    return tuple(postponed)


def _batches(outlines: Mapping[int, Outline], ration: Ration) -> Iterator[tuple[int, ...]]:
    """Cut the UIDs so that no batch holds more than RATION; a large or unsized one is alone."""
    batch: list[int] = []
    total = 0
    for uid in sorted(outlines):
        size = _size(outlines[uid], ration)
        if batch and (len(batch) == ration.messages or total + size > ration.size):
            yield tuple(batch)
            batch, total = [], 0
        batch.append(uid)
        total += size
    if batch:
        yield tuple(batch)


def _size(outline: Outline, ration: Ration) -> int:
    return ration.size if outline.size is None else outline.size


def _is_draft(outline: Outline) -> bool:
    return any(
        mark.lower() in ("\\draft", "\\drafts") for mark in (*outline.flags, *outline.labels)
    )
