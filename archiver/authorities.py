"""Time-stamp authorities (RFC 3161) as ``archive.toml`` names them: ``[authority.NAME]``."""

import re
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass
from gettext import gettext as _
from typing import Final

from archiver.tables import Table

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")  # it becomes part of file names
_CERTIFICATE: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A third party that dates what it is shown the hash of."""

    name: str
    url: str
    root: str
    """PEM of the root certificate that its stamps must lead to; of several where it changes."""
    qualified: bool = False
    """Declared by a person to be an EU qualified trust service (eIDAS, article 42)."""


def read_authorities(table: Table) -> tuple[Authority, ...]:
    """Read the tables ``[authority.NAME]``; what is wrong is noted in TABLE."""
    return tuple(_authority(table, name) for name in table.keys())  # noqa: SIM118  Table is no dict


def _authority(authorities: Table, name: str) -> Authority:
    if not _NAME.fullmatch(name):
        authorities.wrong(
            name,
            _(
                "an authority's name is made of a-z, 0-9, hyphen and underscore, in lower case, "
                "at most 40 of them"
            ),
        )
    table = authorities.table(name)
    qualified = table.value("qualified")
    if not isinstance(qualified, bool | None):
        table.wrong("qualified", _("must be true or false, without quotes"))
    authority = Authority(
        name=name,
        url=table.text("url", missing=_("its address is missing"), check=_url_problem),
        root=table.text(
            "root", missing=_("its root certificate (PEM) is missing"), check=_root_problem
        ),
        qualified=qualified is True,
    )
    table.close()
    return authority


def authority_table(authority: Authority) -> Mapping[str, object]:
    """Return AUTHORITY as its table in ``archive.toml`` says it."""
    from tomlkit import string  # only what edits a file needs it

    table: dict[str, object] = {
        "url": authority.url,
        "root": string(authority.root, multiline=True),
    }
    if authority.qualified:
        table["qualified"] = True
    return table


def _url_problem(url: str) -> str | None:
    """Say what is wrong with URL as an authority's address.

    Plain http is as good as https here: the answer is signed, what is sent is a hash and a random
    number, and many authorities offer nothing else (RFC 3161, section 3.4).
    """
    from urllib.parse import urlsplit  # only a file that names an authority needs it

    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets around no address, a port that is no number
        good = False
    else:
        if parts.username is not None or parts.password is not None:
            return _("a user name or password never stands in this file, nor in an address in it")
        good = good and not parts.fragment
    if good and url.isascii() and url.isprintable() and " " not in url:
        return None
    return _("{url!r} is not an address; write for example http://tsa.example.org/").format(url=url)


def _root_problem(pem: str) -> str | None:
    """Say what can be seen to be wrong with PEM without a library that reads certificates."""
    if "PRIVATE KEY" in pem:
        return _("holds a private key: take it out, and use a new one if others could read this")
    blocks = _CERTIFICATE.findall(pem)
    if not blocks:
        return _("is no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
    try:
        for block in blocks:
            a2b_base64("".join(block.split()), strict_mode=True)
    except ValueError:
        return _("holds a certificate that is damaged")
    return None
