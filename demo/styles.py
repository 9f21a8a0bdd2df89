"""Write a mail the way its author's program does: quotes, signature, plain text and HTML."""

import html
from dataclasses import dataclass
from datetime import datetime

from demo import mime
from demo.story import Mail, Person

_MONTHS = {
    "fr": (
        "janv.",
        "févr.",
        "mars",
        "avr.",
        "mai",
        "juin",
        "juil.",
        "août",
        "sept.",
        "oct.",
        "nov.",
        "déc.",
    ),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_QUOTED_TWICE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a mail program writes."""

    agent: tuple[str, str] | None = None
    charset: str = "utf-8"
    encoding: str = "quoted-printable"
    plain: bool = True
    html: bool = False
    quote: str = "bars"
    """``bars``: each line marked with ``>``; ``block``: below a block of the parent's fields."""
    farewell: str = ""
    """What the program itself adds below."""


STYLES = {
    "thunderbird": Style(agent=("User-Agent", "Mozilla Thunderbird"), encoding="8bit"),
    "outlook": Style(agent=("X-Mailer", "Microsoft Outlook 16.0"), html=True, quote="block"),
    "outlook-western": Style(
        agent=("X-Mailer", "Microsoft Outlook 16.0"),
        charset="windows-1252",
        html=True,
        quote="block",
    ),
    "webmail": Style(encoding="base64", html=True),
    "iphone": Style(agent=("X-Mailer", "iPhone Mail (22G86)"), farewell="Envoyé de mon iPhone"),
    "iphone-en": Style(agent=("X-Mailer", "iPhone Mail (22G86)"), farewell="Sent from my iPhone"),
    "robot": Style(),
    "western": Style(charset="iso-8859-1"),
    "html": Style(plain=False, html=True),
    "raw-html": Style(plain=False, html=True, quote="none"),
}


def style(mail: Mail) -> Style:
    """Return how MAIL is written."""
    return STYLES[mail.written_as]


def body(mail: Mail) -> bytes:
    """Return the text of MAIL as a MIME part: plain, HTML, or both as alternatives."""
    how = style(mail)
    parts = []
    if how.plain:
        parts.append(_part(plain(mail), "plain", how))
    if how.html:
        parts.append(_part(_page(mail), "html", how))
    if len(parts) == 1:
        return parts[0]
    return mime.multipart(parts, subtype="alternative", seed=mail.message_id)


def plain(mail: Mail, *, depth: int = _QUOTED_TWICE) -> str:
    """Return MAIL as plain text, quoting at most DEPTH mails below it."""
    how = style(mail)
    pieces = [mail.words.rstrip("\n"), _signature(mail, how)]
    if mail.parent is not None and mail.quotes and depth:
        lines = plain(mail.parent, depth=depth - 1).rstrip("\n").split("\n")
        if how.quote == "bars":
            lines = [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines]
        gap = [] if how.quote == "bars" else [""]
        pieces.append("\n".join([_opening(mail, mail.parent, how), *gap, *lines]))
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def _part(content: str, subtype: str, how: Style) -> bytes:
    return mime.text(content, subtype=subtype, charset=how.charset, encoding=how.encoding)


def _signature(mail: Mail, how: Style) -> str:
    return how.farewell or mail.from_.signature.strip("\n").replace("--\n", "-- \n", 1)


def _opening(mail: Mail, parent: Mail, how: Style) -> str:
    french = mail.from_.language == "fr"
    when = parent.date.astimezone(mail.date.tzinfo)
    if how.quote == "block":
        return "\n".join(f"{name}{value}" for name, value in _block(parent, when, french=french))
    who = f"{parent.from_.name} <{parent.from_.address}>"
    day = f"{when.day} {_MONTHS['fr' if french else 'en'][when.month - 1]} {when.year}"
    if french:
        return f"Le {day} à {when:%H:%M}, {who} a écrit :"
    return f"On {day} at {when:%H:%M}, {who} wrote:"


def _block(parent: Mail, when: datetime, *, french: bool) -> list[tuple[str, str]]:
    names = (
        ("De : ", "Envoyé : ", "À : ", "Objet : ")
        if french
        else ("From: ", "Sent: ", "To: ", "Subject: ")
    )
    stamp = f"{when:%d/%m/%Y %H:%M}" if french else f"{when.day} {_MONTHS['en'][when.month - 1]} "
    values = (
        f"{parent.from_.name} <{parent.from_.address}>",
        stamp if french else f"{stamp}{when:%Y %H:%M}",
        "; ".join(_shown(person) for person in parent.to),
        parent.subject,
    )
    return list(zip(names, values, strict=True))


def _shown(person: Person) -> str:
    return person.name or person.address


def _page(mail: Mail) -> str:
    if mail.written_as == "raw-html":
        return mail.words
    inner = _quoting(mail, depth=_QUOTED_TWICE)
    look = "font-family:Calibri,sans-serif;font-size:11pt"
    return (
        f'<html lang="{mail.from_.language}">\n<head>\n<meta http-equiv="Content-Type" '
        f'content="text/html; charset={style(mail).charset}">\n</head>\n'
        f'<body style="{look}">\n{inner}</body>\n</html>\n'
    )


def _quoting(mail: Mail, *, depth: int) -> str:
    how = style(mail)
    out = [_paragraphs(mail.words)]
    if signature := _signature(mail, how):
        out.append(f'<p style="color:#555">{_lines(signature)}</p>\n')
    if mail.parent is not None and mail.quotes and depth:
        out.append(_quotation(mail, mail.parent, _quoting(mail.parent, depth=depth - 1)))
    return "".join(out)


def _quotation(mail: Mail, parent: Mail, inner: str) -> str:
    how = style(mail)
    if how.quote == "block":
        when = parent.date.astimezone(mail.date.tzinfo)
        block = _block(parent, when, french=mail.from_.language == "fr")
        rows = "<br>\n".join(
            f"<b>{html.escape(name)}</b>{html.escape(value)}" for name, value in block
        )
        edge = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0 0 0"
        return f'<div style="{edge}">\n<p>{rows}</p>\n</div>\n{inner}'
    opening = html.escape(_opening(mail, parent, how))
    return (
        f'<div class="gmail_quote">\n<div class="gmail_attr">{opening}</div>\n'
        f'<blockquote style="border-left:1px solid #ccc;padding-left:1ex">\n{inner}'
        "</blockquote>\n</div>\n"
    )


def _paragraphs(words: str) -> str:
    out = []
    for paragraph in words.strip("\n").split("\n\n"):
        lines = paragraph.split("\n")
        if all(line.startswith(("- ", "  ")) for line in lines):
            items = paragraph.replace("\n  ", " ").split("\n")
            rows = "".join(f"<li>{html.escape(item[2:])}</li>\n" for item in items)
            out.append(f"<ul>\n{rows}</ul>\n")
        else:
            out.append(f"<p>{_lines(paragraph)}</p>\n")
    return "".join(out)


def _lines(text: str) -> str:
    return "<br>\n".join(html.escape(line) for line in text.split("\n"))
