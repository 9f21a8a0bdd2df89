"""Make dossiers by saying only what matters to the test."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from views import MARIE, US

from archiver.dossier.build import WHOLE, build_dossier
from archiver.dossier.exhibits import ArchiveFacts, Dossier, Language, Selection
from archiver.dossier.matter import Matter, Party
from archiver.model.digest import Position
from archiver.model.record import RecordView

MATTER = Matter(
    slug="acme-2026",
    client="ACME SA",
    title="Portal",
    us=Party(people=(US,)),
    client_side=Party(people=(MARIE,), domains=("client.example",)),
)
FACTS = ArchiveFacts(
    software="archiver/test",
    archive_id="0123456789abcdef0123456789abcdef",
    since=datetime(2026, 1, 1, tzinfo=UTC),
    tree_size=20412,
    root="ab" * 32,
)


def dossier(
    *views: RecordView,
    matter: Matter = MATTER,
    archive: ArchiveFacts = FACTS,
    clock: Callable[[], datetime] = lambda: datetime(2026, 11, 23, 14, 5, tzinfo=UTC),
    time_zone: str = "Europe/Paris",
    language: Language = "en",
    selection: Selection = WHOLE,
    earlier: Mapping[Position, int] | None = None,
) -> Dossier:
    """Return a dossier of VIEWS."""
    return build_dossier(
        views,
        matter,
        archive=archive,
        clock=clock,
        time_zone=ZoneInfo(time_zone),
        language=language,
        selection=selection,
        earlier=earlier,
    )
