"""How one account stands, whoever says so: its settings, the journal, the last attempts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archiver.accounts import Account
from archiver.model.coverage import AccountCoverage


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """One account: what its settings say, what the journal says, how it stands."""

    name: str
    settings: Account | None
    """None: it is no longer in ``archive.toml``."""
    journal: AccountCoverage
    attempt: datetime | None
    """When it was last tried, as this machine noted it."""
    good: datetime | None
    """When that last went well."""
    attempts: int
    """How often it was tried in vain since."""
    reason: str
    records: Mapping[str, int]
    """Records of each folder: of the engagement, where one is asked about."""
    others: int = 0
    """Folders left out here because they hold no record of the engagement."""

    @property
    def ever(self) -> bool:
        """Whether it was ever synchronised."""
        journal = self.journal
        return self.good is not None or bool(journal.epochs or journal.errors)
