"""Is one side of the correspondence missing? Counts, and answers to what the archive lacks."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from archiver.catalogue.catalogue import Catalogue
from archiver.config import Settings
from archiver.engagements.domains import domain_of, is_public, parents
from archiver.engagements.engagement import Engagement
from archiver.model.coverage import Answer, By, Lacking, OneSided, Sides
from archiver.model.digest import Position
from archiver.reading.mime.headers import identifiers

SEVERAL = 3
"""Messages of ours that must have a domain in their identifiers before it is taken for ours."""
SHOWN = 20
_TEXT = 20_000
"""Characters of an answer that are looked through for whom it quotes."""
_QUOTED_FROM = re.compile(r"[>\s]*(?:from|de|von|da|van|expéditeur)\s*:", re.IGNORECASE)


def ours(settings: Settings, engagement: Engagement | None) -> frozenset[str]:
    """Return the addresses of our side, folded: our accounts', and the engagement's `us`."""
    people = engagement.us if engagement else ()
    named = (address for person in people for address in person.addresses)
    return settings.own | {address.strip().lower() for address in named}


def one_sided(
    catalogue: Catalogue,
    *,
    own: Collection[str],
    accounts: Iterable[str],
    engagement: str | None = None,
    limit: int | None = SHOWN,
) -> OneSided:
    """Count both sides, and find answers to messages of OWN that the archive lacks.

    Of ENGAGEMENT's records only if one is named; OWN are our addresses, folded. ACCOUNTS are told
    even if they brought nothing. LIMIT is how many lacking messages are told one by one.
    """
    found = dict(_lacking(catalogue, own=frozenset(own), engagement=engagement))
    told = sorted(found.items(), key=lambda item: (max(item[1]), item[0]), reverse=True)
    return OneSided(
        sides=tuple(_sides(catalogue, own, accounts, engagement)),
        lacking=len(found),
        shown=tuple(_told(catalogue, key, records) for key, records in told[:limit]),
    )


def _sides(
    catalogue: Catalogue, own: Collection[str], accounts: Iterable[str], engagement: str | None
) -> Iterator[Sides]:
    counts = catalogue.correspondence(own=own, engagement=engagement)
    in_sent = catalogue.in_role("sent", engagement=engagement)  # for Gmail that is a label
    for account in sorted({"", *counts, *accounts}):
        received, sent = counts.get(account, (0, 0))
        # What stands in a folder for sent mail is ours, also under an address nobody told us of.
        received, sent = received + sent, max(sent, in_sent.get(account, 0))
        received -= sent
        yield Sides(
            account=account,
            received=received,
            sent=sent,
            in_sent=in_sent.get(account, 0),
        )


_Key = tuple[str, By]


def _lacking(
    catalogue: Catalogue, *, own: frozenset[str], engagement: str | None
) -> dict[_Key, set[Position]]:
    """Return what is lacking, each with the records that answer it."""
    if not own:
        return {}
    held, domains = _identifiers(catalogue, own)
    found: dict[_Key, set[Position]] = {}
    for position, headers in catalogue.headers_of_received(own=own, engagement=engagement):
        direct, others = _named(headers)
        missing = [name for name in (*direct, *others) if name not in held]
        ours = [name for name in missing if _domain(name) in domains]
        for name in ours:
            found.setdefault((name, "message-id"), set()).add(position)
        parents = [name for name in direct if name in missing]
        if parents and not ours and quotes(catalogue.beginning_of_text(position, _TEXT), own):
            found.setdefault((parents[0], "quoted"), set()).add(position)
    by_domain = {name for name, by in found if by == "message-id"}
    return {
        (name, by): records
        for (name, by), records in found.items()
        if by == "message-id" or name not in by_domain
    }


def _identifiers(catalogue: Catalogue, own: frozenset[str]) -> tuple[set[str], set[str]]:
    """Return the identifiers that are held, and the domains in which only we make them.

    Those are the domains of our addresses, and those of several messages that we sent and nobody
    else did (mail programs write the machine's name there), unless they are a provider's.
    """
    held: set[str] = set()
    sent: Counter[str] = Counter()
    received: set[str] = set()
    for each in catalogue.identified(own=own):
        held.add(each.message_id)
        if each.sent:
            sent[_domain(each.message_id)] += 1
        else:
            received.add(_domain(each.message_id))
    learnt = {name for name, count in sent.items() if count >= SEVERAL} - received
    ours = {domain_of(address) for address in own} | learnt
    return held, {name for name in ours if name and not any(map(is_public, parents(name)))}


def _named(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the identifiers that In-Reply-To names, and those that References does."""
    by_name: dict[str, list[str]] = {"in-reply-to": [], "references": []}
    for name, value in headers:
        if name.lower() in by_name:
            by_name[name.lower()] += identifiers(value)
    references = tuple(dict.fromkeys(by_name["references"]))
    direct = tuple(dict.fromkeys(by_name["in-reply-to"]))
    return direct or references[-1:], references


def quotes(text: str, own: Collection[str]) -> bool:
    """Tell whether an answer's TEXT names one of OWN as who wrote what it quotes.

    That is a line with the address that ends in a colon (``On …, Léa <lea@…> wrote:``), or one of
    the headers that Outlook puts above what it quotes (``From: …``).
    """
    for line in text.lower().splitlines():
        if "@" not in line or not any(address in line for address in own):
            continue
        if line.rstrip().endswith(":") or _QUOTED_FROM.match(line):
            return True
    return False


def _domain(identifier: str) -> str:
    return identifier.rpartition("@")[2].lower() if "@" in identifier else ""


def _told(catalogue: Catalogue, key: _Key, records: Iterable[Position]) -> Lacking:
    newest = catalogue.order(records, limit=SHOWN)
    return Lacking(
        message_id=key[0],
        by=key[1],
        answers=tuple(
            Answer(digest=line.digest, date=line.date) for line in catalogue.lines(newest)
        ),
    )
