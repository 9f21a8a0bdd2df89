"""What can be wrong with a message, each with its stable code and its words.

The codes are part of what ``archiver inspect --format json`` answers; the words are translated.
"""

from gettext import gettext as _

from archiver.model.reading import Defect
from archiver.reading.mime.charsets import clean

_LONGEST = 120


def N_(message: str) -> str:  # noqa: N802 -- the name that translation tools look for
    """Mark MESSAGE for translation where it stands; it is translated when it is told."""
    return message


_MESSAGES = {
    "address-broken": N_("the address “{what}” cannot be read with certainty"),
    "attachment-unreadable": N_("the text of this attachment could not be read ({what})"),
    "base64-damaged": N_("the base64 text is damaged; what could be decoded was"),
    "boundary-missing": N_("the parts of this multipart message cannot be told apart"),
    "byte-order-mark": N_("a byte order mark stands before the headers"),
    "charset-undeclared": N_("the text has characters that no declared character set explains"),
    "charset-unknown": N_("the character set “{what}” is not known; it was guessed"),
    "charset-wrong": N_("the text is not in the declared character set “{what}”"),
    "content-type-broken": N_("the content type “{what}” cannot be read"),
    "date-broken": N_("the date “{what}” cannot be read"),
    "date-implausible": N_("the date “{what}” is hardly the date of a message"),
    "date-missing": N_("there is no Date header"),
    "date-weekday": N_("the day of the week in “{what}” is not that of the date"),
    "date-zone": N_("the time zone of “{what}” is missing or unknown; it was taken as UTC"),
    "defects-cut": N_("there are more defects than are listed"),
    "encoded-word": N_("an encoded word (RFC 2047) in the header {what} is damaged"),
    "from-missing": N_("there is no From header"),
    "header-8bit": N_("the header {what} holds bytes that are not UTF-8"),
    "header-broken": N_("this line among the headers is no header: “{what}”"),
    "header-repeated": N_("the header {what} is there more than once; the first counts"),
    "headers-missing": N_("there are no headers"),
    "html-simplified": N_("the HTML is nested too deeply or too large; its layout was dropped"),
    "identifiers-cut": N_("there are too many message identifiers; the first and the last count"),
    "line-ends": N_("the line ends are damaged and were mended"),
    "mbox-from-line": N_("the message starts with the separator line of an mbox: “{what}”"),
    "message-id-broken": N_("the Message-ID “{what}” cannot be read"),
    "mime-damaged": N_("the structure of the message is damaged ({what})"),
    "name-unsafe": N_("the file name held characters that mislead; it was “{what}”"),
    "nesting-too-deep": N_("the parts are nested too deeply; what is inside was not taken apart"),
    "not-a-message": N_("these bytes are not a message"),
    "reader-failed": N_("the message was read in part only ({what})"),
    "text-cut": N_("the text is too long; it was cut after {what} characters"),
    "text-outside": N_("there is text outside the parts of the message: “{what}”"),
    "too-many-parts": N_("there are too many parts; they were not taken apart"),
    "transfer-encoding": N_("the transfer encoding “{what}” is not known"),
    "uuencode-damaged": N_("the uuencoded text is damaged; what could be decoded was"),
}


def defect(code: str, what: str = "", *, part: str = "") -> Defect:
    """Return the defect of that CODE; WHAT is quoted in its words, cleaned and shortened."""
    quoted = " ".join(clean(what[: 4 * _LONGEST]).split())
    if len(quoted) > _LONGEST:
        quoted = quoted[: _LONGEST - 1] + "…"
    return Defect(code, _(_MESSAGES[code]).format(what=quoted), part)
