"""Add an account to ``archive.toml`` on behalf of a person."""

from collections.abc import Sequence
from gettext import gettext as _
from typing import cast

from archiver.care.working_copies import SETTINGS, read, save
from archiver.config import Account, Keep, Security, parse_settings, with_account
from archiver.errors import UsageError
from archiver.evidence.store import Evidence

_PORTS = {"tls": 993, "starttls": 143, "plain": 143}


def add_account(
    evidence: Evidence,
    *,
    name: str,
    host: str,
    port: int | None,
    user: str,
    security: str,
    password_command: str | None,
    keep: str,
    folders: Sequence[str],
    addresses: Sequence[str],
    actor: str,
) -> Account:
    """Write an account into ``archive.toml`` and journal it.

    Raises UsageError for a name that is taken or a kind of keeping that is not built, and
    ConfigurationError for values that the file would refuse.
    """
    if keep == "engagements":
        raise UsageError(
            _("--keep engagements is not built yet: this version keeps whole folders."),
            advice=_("Give --keep everything, with --folder to fetch only the folders you choose."),
        )
    account = Account(
        name=name,
        host=host,
        port=port or _PORTS[security],
        user=user,
        security=cast("Security", security),
        keep=cast("Keep", keep),
        password_command=password_command,
        folders=tuple(folders),
        addresses=tuple(addresses),
    )
    text = with_account(read(evidence, SETTINGS), account)
    parse_settings(text, name=SETTINGS)
    save(evidence, SETTINGS, text, actor=actor)
    return account
