"""Build mail by saying only what matters to the test."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

DEFAULT_DATE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def mail(
    *,
    subject: str = "Hello",
    from_: str = "Marie Client <marie@client.example>",
    to: str = "us@consultant.example",
    cc: str = "",
    bcc: str = "",
    date: datetime | None = DEFAULT_DATE,
    message_id: str = "",
    in_reply_to: str = "",
    references: Sequence[str] = (),
    text: str = "A short message.\n",
    html: str = "",
    attachments: Sequence[tuple[str, str, bytes]] = (),
    headers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Return the exact bytes of a message, lines ended by CRLF as on the wire.

    Message identifiers are given without angle brackets; ATTACHMENTS are (name, type, content).
    """
    message = EmailMessage(policy=SMTP)
    for name, value in headers:
        message[name] = value
    message["From"] = from_
    message["To"] = to
    if cc:
        message["Cc"] = cc
    if bcc:
        message["Bcc"] = bcc
    message["Subject"] = subject
    if date is not None:
        message["Date"] = format_datetime(date)
    if message_id:
        message["Message-ID"] = f"<{message_id}>"
    if in_reply_to:
        message["In-Reply-To"] = f"<{in_reply_to}>"
    if references:
        message["References"] = " ".join(f"<{reference}>" for reference in references)
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, type_, content in attachments:
        maintype, subtype = type_.split("/", 1)
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return message.as_bytes()
