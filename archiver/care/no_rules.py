"""Accounts that keep engagements' mail only where no engagement has a rule: they keep nothing."""

from collections.abc import Iterable, Iterator
from gettext import gettext as _

from archiver.accounts import Account
from archiver.engagements.engagement import Engagement
from archiver.model.findings import Finding, finding


def no_rules(accounts: Iterable[Account], engagements: Iterable[Engagement]) -> Iterator[Finding]:
    """Say of each of ACCOUNTS that keeps what is tied to ENGAGEMENTS that none of them has a rule.

    Nothing but answers within threads that are kept already would ever be fetched.
    """
    if any(each.has_rules for each in engagements):
        return
    for account in accounts:
        if account.keep != "engagements":
            continue
        yield finding(
            "no-rules",
            "warning",
            account.name,
            _(
                "Account {name} keeps only what belongs to an engagement, and no engagement has a "
                "rule: all its mail is left on the server."
            ).format(name=account.name),
            _(
                "Tell who the client is with `archiver engagement add SLUG --client NAME --domain "
                "EXAMPLE.COM`, or keep all with `archiver account edit {name} --keep everything`."
            ).format(name=account.name),
        )
