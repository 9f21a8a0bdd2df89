"""Read the story: the people, and the mails as they are written in ``demo/mail/*.txt``.

A file starts with lines that hold for all its mails (``filed:`` names the folder of what was
received). Each mail starts with ``%% NAME``, then fields, an empty line, and its words:

    %% accord
    from: helene
    to: lea
    date: 2025-12-19 11:22        the sender's local time
    subject: Proposition BALISE   left out in an answer: the parent's, with Re:
    re: proposition               the mail it answers; quoted unless ``quote: no``
    attach: bon-pour-accord.pdf   from demo/attachments
    folder: INBOX                 unless filed as usual (Sent for what its owner sent)
    as: html                      unless as the sender's program writes
    header: List-Id: <x.example>  any further field; may be repeated
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
OWNER = ("lea", "lea-alias")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who writes or is written to."""

    key: str
    name: str
    address: str
    mailer: str
    language: str
    zone: str = "Europe/Paris"
    signature: str = ""

    @property
    def domain(self) -> str:
        """What stands after the @."""
        return self.address.partition("@")[2].lower()


@dataclass(frozen=True, kw_only=True)
class Mail:
    """One mail of the story, before it becomes bytes."""

    name: str
    from_: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    bcc: tuple[Person, ...]
    date: datetime
    subject: str
    folder: str
    written_as: str
    parent: "Mail | None"
    quotes: bool
    attachments: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    words: str

    @cached_property
    def message_id(self) -> str:
        """Fixed: it depends on the name, the date and the sender's domain."""
        return f"{self.name}.{self.date:%Y%m%d%H%M}@{self.from_.domain}"

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Identifiers of the mails it answers, oldest first (RFC 5322, section 3.6.4)."""
        if self.parent is None:
            return ()
        return (*self.parent.references, self.parent.message_id)


def people() -> Mapping[str, Person]:
    """Return everybody, by the short name that the mails use."""
    table = tomllib.loads((HERE / "people.toml").read_text(encoding="utf-8"))
    return {key: Person(key=key, **values) for key, values in table.items()}


def story() -> tuple[Mail, ...]:
    """Return all mails, oldest first."""
    cast, known = people(), dict[str, Mail]()
    for path in sorted((HERE / "mail").glob("*.txt")):
        usual, *chunks = path.read_text(encoding="utf-8").split("\n%% ")
        filed = usual.partition("filed:")[2].split("\n")[0].strip() or "INBOX"
        for chunk in chunks:
            mail = _mail(chunk, cast, known, filed)
            if mail.name in known:
                raise ValueError(f"{path.name}: two mails are called {mail.name}")
            known[mail.name] = mail
    return tuple(sorted(known.values(), key=lambda mail: mail.date))


def _mail(chunk: str, cast: Mapping[str, Person], known: Mapping[str, Mail], filed: str) -> Mail:
    top, _, words = chunk.partition("\n\n")
    name, *lines = top.split("\n")
    pairs = tuple(_field(line) for line in lines)
    fields = dict(pairs)
    from_ = cast[fields["from"]]
    parent = known[fields["re"]] if "re" in fields else None
    mine = from_.key in OWNER
    return Mail(
        name=name.strip(),
        from_=from_,
        to=tuple(_persons(fields, "to", cast)),
        cc=tuple(_persons(fields, "cc", cast)),
        bcc=tuple(_persons(fields, "bcc", cast)),
        date=datetime.fromisoformat(fields["date"]).replace(tzinfo=ZoneInfo(from_.zone)),
        subject=fields.get("subject") or _answer(parent),
        folder=fields.get("folder") or ("Sent" if mine else filed),
        written_as=fields.get("as") or from_.mailer,
        parent=parent,
        quotes=fields.get("quote") != "no",
        attachments=tuple(fields["attach"].split(", ")) if "attach" in fields else (),
        fields=tuple(_field(value) for key, value in pairs if key == "header"),
        flags=tuple(fields.get("flags", "\\Seen").split()),
        words=words.strip("\n") + "\n",
    )


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _persons(fields: Mapping[str, str], name: str, cast: Mapping[str, Person]) -> Iterator[Person]:
    return (cast[key.strip()] for key in fields.get(name, "").split(",") if key.strip())


def _answer(parent: Mail | None) -> str:
    if parent is None:
        raise ValueError("a mail that answers nothing needs a subject")
    return parent.subject if parent.subject.startswith("Re: ") else f"Re: {parent.subject}"
