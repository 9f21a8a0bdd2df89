"""The process in which files of Outlook are read: whatever they do to it, the archive goes on.

It takes one request a line on stdin (JSON: kind, path, skip), and answers on stdout with lines of
JSON, each followed by as many bytes as its ``size`` says. It has little memory, and may write no
file. Run it as ``python -m archiver.mailbox.outlook.worker``.
"""

import gc
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from archiver.mailbox.outlook.compose import compose
from archiver.mailbox.outlook.item import Item, Lost
from archiver.mailbox.server.session import MAX_MESSAGE

MEMORY: Final = 3 * 1024 * 1024 * 1024
"""Bytes of address space: an item, the message made from it, and room for what lies between."""
_FILES: Final = 64

_MAIL: Final = ("ipm.note", "ipm.schedule.meeting", "ipm.outlook.recall", "ipm.recall.report")
_COLLECT: Final = 200
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said of one item or of the whole file; ``word`` is one of WORDS in ``wall``."""

    word: str
    detail: str = ""
    member: int = 0
    folder: str = ""
    kind: str = ""
    delivered: str = ""
    unsent: bool = False
    lost: tuple[tuple[str, str], ...] = ()
    data: bytes = b""


def main() -> None:
    """Answer requests until there are no more."""
    _limit()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            for answer in _answers(request["kind"], request["path"], request["skip"]):
                _say(answer)
        except Exception as error:  # noqa: BLE001 - the wall of a worker: anything is an answer
            _say(Answer(word="damaged", detail=type(error).__name__))
        _say(Answer(word="done"))


def _answers(kind: str, path: str, skip: int) -> Iterator[Answer]:
    yield from _msg(path) if kind == "msg" else _pst(path, skip)


def _msg(path: str) -> Iterator[Answer]:
    from archiver.mailbox.outlook.msg import NotOutlook, read_msg

    with open(path, "rb") as file:  # noqa: PTH123 - a path as the operating system has it
        data = file.read(MAX_MESSAGE + 1)
    if len(data) > MAX_MESSAGE:
        yield Answer(word="too-large")
        return
    try:
        item = read_msg(data)
    except NotOutlook as error:
        yield Answer(word="not-outlook", detail=str(error))
        return
    yield _made(item, whole=data)


def _pst(path: str, skip: int) -> Iterator[Answer]:
    from archiver.mailbox.outlook.pst import Missing, Store, Unusable

    try:
        store = Store(path)
    except Missing:
        yield Answer(word="no-libpff")
        return
    except Unusable as error:
        yield Answer(word="unusable", detail=str(error))
        return
    try:
        for number, found in enumerate(store.items()):
            if number < skip:
                continue
            yield Answer(word="at", member=number, folder=found.folder)
            try:
                item = store.read(found)
                answer = _made(item)
            except Exception as error:  # noqa: BLE001 - as above: the next item may be well
                answer = Answer(word="damaged", detail=type(error).__name__)
            yield replace(answer, member=found.identifier, folder=found.folder)
            if number % _COLLECT == 0:
                gc.collect()
    finally:
        with suppress(OSError):
            store.close()


def _made(item: Item, whole: bytes | None = None) -> Answer:
    kind = item.kind.lower()
    if not (kind.startswith(_MAIL) or (kind.startswith("report.") and ".ipm.note" in f".{kind}")):
        return Answer(word="no-mail", kind=item.kind)
    data = compose(item, whole)
    if len(data) > MAX_MESSAGE:
        return Answer(word="too-large")
    # Where the whole item is attached nothing is lost, however it was attached to the item.
    lost = () if whole is not None else tuple(_lost(item))
    return Answer(
        word="message",
        detail=item.subject[:_SHOWN],
        kind=item.kind,
        delivered=item.delivered.isoformat() if item.delivered and not item.unsent else "",
        unsent=item.unsent,
        lost=lost,
        data=data,
    )


def _lost(item: Item) -> Iterator[tuple[str, str]]:
    for attached in item.attached:
        if isinstance(attached, Lost):
            yield attached.name, attached.reason


def _say(answer: Answer) -> None:
    told = {name: getattr(answer, name) for name in Answer.__slots__ if name != "data"}
    line = json.dumps(told | {"size": len(answer.data)})
    out = sys.stdout.buffer
    out.write(line.encode() + b"\n" + answer.data)
    out.flush()


def _limit() -> None:
    """Give up what reading needs none of; where the system knows no limits, time is one still."""
    try:
        import resource
    except ImportError:
        return
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
    ):
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
