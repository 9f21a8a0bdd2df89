"""``doctor`` names each thing that is wrong, with how to mend it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiver.accounts import Account, OAuth
from archiver.care.doctor import Surroundings, examine, look_around, overdue
from archiver.care.tokens import TokenPlace
from archiver.config import Settings
from archiver.engagements.engagement import Engagement
from archiver.model.findings import Finding

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WELL = Surroundings(
    free_bytes=10**12,
    mode=0o700,
    owner_is_us=True,
    file_system="ext4",
    encrypted=True,
    path=Path("/home/lea/ACME-archive"),
)
ACCOUNT = Account(
    name="work",
    host="imap.example.org",
    port=993,
    user="lea@example.org",
    security="tls",
    keep="everything",
)
SETTINGS = Settings(time_zone="Europe/Paris", language="fr", accounts=(ACCOUNT,))
SYNCED = {"work": (NOW, NOW - timedelta(hours=1))}


def codes(around: Surroundings = WELL, **more: object) -> dict[str, str]:
    """Return the findings' codes and levels."""
    arguments: dict[str, object] = {"now": NOW, "last_entry": None, "last_syncs": SYNCED, **more}
    report = examine(around, SETTINGS, **arguments)  # type: ignore[arg-type]
    assert all(finding.message and finding.advice for finding in report.findings)
    return {finding.code: finding.level for finding in report.findings}


def test_a_good_place_has_no_finding() -> None:
    """Silence means that all is well."""
    assert codes() == {}


@pytest.mark.parametrize(
    ("around", "code"),
    [
        (replace(WELL, free_bytes=10**6), "disk-low"),
        (replace(WELL, mode=0o755), "folder-open"),
        (replace(WELL, owner_is_us=False), "folder-not-ours"),
        (replace(WELL, path=Path("/home/lea/Dropbox/ACME")), "folder-cloud"),
        (replace(WELL, path=Path("/Users/lea/OneDrive - Firm/ACME")), "folder-cloud"),
        (replace(WELL, file_system="nfs4"), "folder-network"),
        (replace(WELL, encrypted=False), "disk-unencrypted"),
        (replace(WELL, encrypted=None), "disk-encryption-unknown"),
    ],
)
def test_each_bad_place_is_named(around: Surroundings, code: str) -> None:
    """One thing wrong gives one finding."""
    assert list(codes(around)) == [code]


def test_a_clock_before_the_last_entry_is_an_error() -> None:
    """Entries would carry dates that contradict their order."""
    assert codes(last_entry=NOW + timedelta(hours=1)) == {"clock-behind": "error"}


def test_a_clock_some_seconds_off_is_none() -> None:
    """Clocks are set forward and back a little all the time."""
    assert codes(last_entry=NOW + timedelta(seconds=30)) == {}


def test_three_days_without_a_good_sync_are_told() -> None:
    """An attempt that failed does not count."""
    syncs = {"work": (NOW, NOW - timedelta(days=4))}
    assert codes(last_syncs=syncs) == {"sync-overdue": "warning"}
    assert codes(last_syncs={}) == {"sync-overdue": "warning"}


def test_the_settings_say_after_how_many_days_a_sync_is_overdue() -> None:
    """``doctor`` and ``status`` go by them as every command does."""
    syncs = {"work": (NOW, NOW - timedelta(days=4))}
    patient = replace(SETTINGS, stale_after=7)
    assert overdue(patient, syncs, NOW) == ()
    hasty = replace(SETTINGS, stale_after=1)
    report = examine(WELL, hasty, now=NOW, last_entry=None, last_syncs=syncs)
    (finding,) = report.findings
    assert finding.message.startswith("No good sync for 1 day (")


RULED = Engagement(slug="acme", client="ACME", domains=("acme.example",))
RULELESS = Engagement(slug="bare", client="Bare")


@pytest.mark.parametrize(
    ("keep", "engagements", "told"),
    [
        ("engagements", (), True),
        ("engagements", (RULELESS,), True),
        ("engagements", (RULELESS, RULED), False),
        ("engagements", None, False),
        ("everything", (), False),
    ],
)
def test_an_account_that_would_keep_nothing_is_told(
    keep: str, engagements: tuple[Engagement, ...] | None, *, told: bool
) -> None:
    """Mail that silently is not there is the worst of all."""
    settings = replace(SETTINGS, accounts=(replace(ACCOUNT, keep=keep),))
    report = examine(
        *(WELL, settings), now=NOW, last_entry=None, last_syncs=SYNCED, engagements=engagements
    )
    assert [each.code for each in report.findings] == (["no-rules"] if told else [])
    if told:
        (finding,) = report.findings
        assert finding.message.startswith("Account work keeps only what belongs to an engagement")
        assert "archiver engagement add" in finding.advice
        assert "archiver account edit work --keep everything" in finding.advice


def test_a_mount_is_found_by_its_longest_point(tmp_path: Path) -> None:
    """As the kernel lists them, spaces written as octal."""
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\ntmpfs /tmp\\040x tmpfs rw 0 0\n"
    )
    assert look_around(tmp_path, mounts=mounts).file_system == "nfs4"


def test_a_folder_only_we_may_enter_is_seen_as_such(tmp_path: Path) -> None:
    """Looked at on the real disk."""
    tmp_path.chmod(0o700)
    around = look_around(tmp_path)
    assert around.mode == 0o700
    assert around.owner_is_us
    assert around.free_bytes > 0


# --- logins by OAuth2 ----------------------------------------------------------------------------

TOKEN = TokenPlace(
    account="work",
    where="file",
    path=Path("/home/lea/.local/state/archiver/x/oauth.json"),
    client_id="client-1",
    allowed=NOW - timedelta(days=2),
    renewed=NOW - timedelta(hours=1),
)


def told(place: TokenPlace, provider: str = "google") -> Mapping[str, Finding]:
    """Return the findings about PLACE by their codes."""
    oauth = OAuth(provider=provider, client_id="client-1")  # type: ignore[arg-type]
    settings = replace(SETTINGS, accounts=(replace(ACCOUNT, oauth=oauth),))
    report = examine(WELL, settings, now=NOW, last_entry=None, last_syncs=SYNCED, tokens=(place,))
    assert all(finding.message and finding.advice for finding in report.findings)
    return {finding.code: finding for finding in report.findings}


def test_where_a_login_is_kept_is_told_with_its_age_and_client() -> None:
    """A note: nothing is wrong."""
    found = told(TOKEN, "microsoft")
    assert list(found) == ["token-place"]
    assert found["token-place"].level == "note"
    for words in ("oauth.json", "2 days ago", "client-1", "2026-11-20T11:00+00:00"):
        assert words in found["token-place"].message
    assert "the keyring" in told(replace(TOKEN, where="keyring"))["token-place"].message


def test_a_login_that_others_may_read_is_a_warning() -> None:
    """It may have been copied: another one is needed."""
    found = told(replace(TOKEN, open_to_others=True), "microsoft")
    assert found["token-open"].level == "warning"
    assert "logout work" in found["token-open"].advice


@pytest.mark.parametrize(
    ("where", "code"), [("nowhere", "token-missing"), ("unreadable", "token-unreadable")]
)
def test_a_login_that_is_not_there_is_a_warning(where: str, code: str) -> None:
    """With the command that mends it."""
    place = TokenPlace(account="work", where=where, path=TOKEN.path)  # type: ignore[arg-type]
    found = told(place)
    assert list(found) == [code]
    assert "login" in found[code].advice


def test_a_google_client_that_may_be_in_testing_is_told() -> None:
    """Google ends its logins after seven days; who allowed it on the 18th is told the 25th."""
    found = told(TOKEN)
    assert list(found) == ["token-place", "token-testing"]
    assert "2026-11-25" in found["token-testing"].message
    assert "In production" in found["token-testing"].advice


def test_a_google_login_older_than_seven_days_is_of_a_published_client() -> None:
    """It still works: nothing is told."""
    place = replace(TOKEN, allowed=NOW - timedelta(days=8))
    assert list(told(place)) == ["token-place"]


def test_an_end_that_the_provider_told_is_believed() -> None:
    """A warning three days before; for Google with the way out."""
    place = replace(TOKEN, ends=NOW + timedelta(days=2))
    found = told(place)
    assert list(found) == ["token-place", "token-ending"]
    assert found["token-ending"].level == "warning"
    assert "2026-11-22" in found["token-ending"].message
    assert "In production" in found["token-ending"].advice
    assert "In production" not in told(place, "microsoft")["token-ending"].advice
    assert list(told(replace(TOKEN, ends=NOW + timedelta(days=5)))) == ["token-place"]
