"""Mail domains: their form for comparing, and those that are nobody's own."""

import re
from gettext import gettext as _
from typing import Final

_LONGEST: Final = 255
"""Octets of a domain name (RFC 1035, section 2.3.4)."""
_DOMAIN: Final = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)

# Registries that sell names under "co.uk", "com.au", "asso.fr", "gouv.fr" and the like.
_SECOND_LEVEL: Final = frozenset(
    {"ac", "asso", "co", "com", "edu", "gob", "gouv", "gov", "gv", "id", "info", "ltd", "me"}
    | {"mil", "ne", "net", "nhs", "nom", "or", "org", "plc", "presse", "prd", "sch", "tm"}
)
_COUNTRY: Final = 2
"""Letters of a country's top-level domain (ISO 3166-1)."""

# Providers that sell addresses under many top-level domains: hotmail.fr, yahoo.co.uk.
_PROVIDERS: Final = frozenset(
    {"aol", "fastmail", "gmx", "googlemail", "hotmail", "live", "mailfence", "msn", "outlook"}
    | {"proton", "protonmail", "rocketmail", "tuta", "tutanota", "windowslive", "yahoo", "yandex"}
    | {"ymail", "zoho"}
)
# Providers and access networks whose addresses anybody can have.
_PUBLIC: Final = frozenset(
    {"gmail.com", "me.com", "mac.com", "icloud.com", "pm.me", "mail.com", "email.com", "hey.com"}
    | {"hushmail.com", "inbox.com", "tuta.io", "passport.com", "duck.com", "riseup.net"}
    # France
    | {"orange.fr", "wanadoo.fr", "free.fr", "sfr.fr", "laposte.net", "neuf.fr", "bbox.fr"}
    | {"numericable.fr", "numericable.com", "noos.fr", "club-internet.fr", "cegetel.net"}
    | {"aliceadsl.fr", "alice.fr", "voila.fr", "9online.fr", "9business.fr", "dbmail.com"}
    | {"nordnet.fr", "estvideo.fr", "libertysurf.fr", "freesbee.fr", "infonie.fr", "caramail.com"}
    | {"netcourrier.com", "mailo.com", "mailo.fr", "francetv.fr", "ozone.net", "red-sfr.fr"}
    # Belgium, Luxembourg, Switzerland
    | {"skynet.be", "telenet.be", "proximus.be", "scarlet.be", "voo.be", "belgacom.net", "pt.lu"}
    | {"bluewin.ch", "sunrise.ch", "hispeed.ch", "ik.me", "etik.com"}
    # Germany, Austria, the Netherlands
    | {"web.de", "t-online.de", "freenet.de", "arcor.de", "posteo.de", "posteo.net", "mailbox.org"}
    | {"online.de", "chello.at", "aon.at", "ziggo.nl", "kpnmail.nl", "xs4all.nl", "planet.nl"}
    # Great Britain, Ireland, America
    | {"btinternet.com", "btopenworld.com", "sky.com", "virginmedia.com", "talktalk.net"}
    | {"ntlworld.com", "blueyonder.co.uk", "eircom.net", "comcast.net", "verizon.net", "att.net"}
    | {"sbcglobal.net", "bellsouth.net", "cox.net", "charter.net", "earthlink.net"}
    | {"sympatico.ca", "videotron.ca", "rogers.com", "shaw.ca", "bell.net", "telus.net"}
    # Italy, Spain, Portugal, Poland, and the rest of the world
    | {"libero.it", "virgilio.it", "tiscali.it", "alice.it", "tin.it", "telefonica.net"}
    | {"terra.es", "sapo.pt", "wp.pl", "onet.pl", "o2.pl", "interia.pl", "seznam.cz", "centrum.cz"}
    | {
        "mail.ru",
        "bk.ru",
        "list.ru",
        "rambler.ru",
        "ukr.net",
        "abv.bg",
        "bigpond.com",
        "uol.com.br",
    }
    | {"qq.com", "163.com", "126.com", "sina.com", "naver.com", "daum.net", "menara.ma"}
)


def canonical_address(address: str) -> str:
    """Return ADDRESS in the form for comparing: lower case, its domain as DNS spells it."""
    folded = address.strip().lower()
    if folded.isascii():
        return folded
    local, at, domain = folded.rpartition("@")
    return f"{local}{at}{canonical_domain(domain)}"


def canonical_domain(domain: str) -> str:
    """Return DOMAIN in lower case and, when it is not ASCII, as DNS spells it (RFC 5890)."""
    folded = domain.strip().lower()
    if folded.isascii() or len(folded) > _LONGEST:
        return folded
    try:
        return folded.encode("idna").decode("ascii")
    except UnicodeError:
        return folded


def parents(domain: str) -> tuple[str, ...]:
    """Return DOMAIN and the domains it lies in, longest first; none when it is too long."""
    if not domain or len(domain) > _LONGEST:
        return ()
    labels = domain.split(".")
    return tuple(".".join(labels[start:]) for start in range(len(labels)))


def domain_of(address: str) -> str:
    """Return what follows the last ``@`` of ADDRESS, empty when there is none."""
    return address.rpartition("@")[2] if "@" in address else ""


def is_public(domain: str) -> bool:
    """Tell whether anybody can have an address at DOMAIN."""
    if domain in _PUBLIC:
        return True
    provider, _dot, rest = domain.partition(".")
    return provider in _PROVIDERS and is_suffix(rest)


def is_suffix(domain: str) -> bool:
    """Tell whether names are sold under DOMAIN, as under ``fr`` and ``co.uk``."""
    labels = domain.split(".")
    if len(labels) == 1:
        return True
    second, top = labels[0], labels[-1]
    return len(labels) == 2 and len(top) == _COUNTRY and second in _SECOND_LEVEL  # noqa: PLR2004  two labels


def domain_problem(domain: str) -> str | None:
    """Say why DOMAIN cannot stand for a client, or return None."""
    name = canonical_domain(domain)
    if "@" in name:
        return _("{domain!r} is an address or starts with @; write only what follows the @").format(
            domain=domain
        )
    if len(name) > _LONGEST or not _DOMAIN.fullmatch(name):
        return _("{domain!r} is not a mail domain; write for example acme.fr").format(domain=domain)
    if is_suffix(name):
        return _(
            "{domain} belongs to everybody: names are sold under it; write the client's own domain"
        ).format(domain=domain)
    if is_public(name):
        return _(
            "anybody can have an address at {domain}; list the person's address instead "
            '([[person]] with party = "client" and address = "name@{domain}")'
        ).format(domain=domain)
    return None
