"""Make the mailbox: the exact bytes of every mail, where it lies and when it arrived.

``python -m demo.build FOLDER`` writes the mails as files, to look at or to import.
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from demo import mime, styles
from demo.pdf import pdf
from demo.story import HERE, OWNER, Mail, Person, story

_TYPES = {
    ".pdf": "application/pdf",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".ics": "text/calendar",
}
HOME = "aubrac-conseil.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A message as the server holds it."""

    name: str
    folder: str
    internaldate: datetime
    flags: tuple[str, ...]
    data: bytes


def mailbox() -> tuple[Delivered, ...]:
    """Return the whole mailbox, in the order of arrival."""
    return tuple(sorted(_deliveries(), key=lambda message: (message.internaldate, message.folder)))


def folders() -> tuple[str, ...]:
    """Return the names of the mailbox's folders, in alphabetical order."""
    return tuple(sorted({message.folder for message in mailbox()}))


def message(mail: Mail, *, received: bool) -> bytes:
    """Return the bytes of MAIL, with the lines that servers put on top when RECEIVED."""
    how = styles.style(mail)
    trace = _received(mail) if received else ()
    top = mime.head(
        [*trace, *_fields(mail, how, received=received), *mail.fields, ("MIME-Version", "1.0")]
    )
    body = styles.body(mail)
    if not mail.attachments:
        return top + body
    files = [_attachment(name) for name in mail.attachments]
    return top + mime.multipart([body, *files], subtype="mixed", seed=mail.message_id)


def _deliveries() -> Iterator[Delivered]:
    for mail in story():
        mine = mail.from_.key in OWNER
        yield _delivered(mail, mail.folder, received=not mine)
        if mine and any(person.key in OWNER for person in (*mail.to, *mail.cc, *mail.bcc)):
            yield _delivered(mail, "INBOX", received=True)


def _delivered(mail: Mail, folder: str, *, received: bool) -> Delivered:
    return Delivered(
        name=mail.name,
        folder=folder,
        internaldate=_arrival(mail) if received else mail.date,
        flags=mail.flags,
        data=message(mail, received=received),
    )


def _arrival(mail: Mail) -> datetime:
    """Return when it arrived: a few seconds later, how many depends on its name only."""
    return mail.date + timedelta(seconds=2 + hashlib.sha256(mail.name.encode()).digest()[0] % 40)


def _received(mail: Mail) -> tuple[tuple[str, str], ...]:
    sender, name = mail.from_.domain, mime.digest_name(mail.message_id)
    return (
        ("Return-Path", f"<{mail.from_.address}>"),
        (
            "Received",
            (
                f"from smtp.{sender} (smtp.{sender} [192.0.2.25])\r\n"
                f" by mx.{HOME} with ESMTPS id {name}\r\n"
                f" for <lea.fontanel@{HOME}>;\r\n {format_datetime(_arrival(mail))}"
            ),
        ),
    )


def _fields(mail: Mail, how: styles.Style, *, received: bool) -> Iterator[tuple[str, str]]:
    yield "Date", format_datetime(mail.date)
    yield "From", mime.mailbox(mail.from_.name, mail.from_.address, how.charset)
    for name, persons in (("To", mail.to), ("Cc", mail.cc), ("Bcc", mail.bcc)):
        if persons and not (name == "Bcc" and received):
            yield name, _addresses(persons, how.charset, after=len(name))
    yield "Subject", mime.words(mail.subject, how.charset, after=len("Subject"))
    yield "Message-ID", f"<{mail.message_id}>"
    if mail.parent is not None:
        yield "In-Reply-To", f"<{mail.parent.message_id}>"
        yield "References", "\r\n ".join(f"<{name}>" for name in mail.references)
    if how.agent is not None:
        yield how.agent


def _addresses(persons: Sequence[Person], charset: str, *, after: int) -> str:
    shown = (mime.mailbox(person.name, person.address, charset) for person in persons)
    return mime.mailboxes(shown, after=after)


def _attachment(name: str) -> bytes:
    path = HERE / "attachments" / name
    if path.suffix == ".pdf":
        source = path.with_name(f"{name}.txt").read_text(encoding="utf-8")
        data = pdf(source, title=source.split("\n", 1)[0])
    else:
        data = mime.crlf(path.read_text(encoding="utf-8")).encode()
    return mime.attachment(data, type_=_TYPES[path.suffix], name=name)


def write(target: Path) -> int:
    """Write the mailbox as ``.eml`` files below TARGET, a folder each; return how many."""
    messages = mailbox()
    for number, delivered in enumerate(messages, start=1):
        folder = target / delivered.folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:03}-{delivered.name}.eml").write_bytes(delivered.data)
    return len(messages)


def main() -> None:
    """Write the mailbox into a folder named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.build", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    target = parser.parse_args().folder
    print(f"{write(target)} mails in {target}")  # noqa: T201 - a command's own words


if __name__ == "__main__":
    main()
