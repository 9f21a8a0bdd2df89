"""``anchor``: a real authority on this machine, asked by the command, checked by openssl."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from authority import LocalAuthority, Served, Service, local_authority
from command import Desk, Said, new_desk
from mail import mail

ONLINE = {"ARCHIVER_OFFLINE": "0"}
DOCS = Path(__file__).resolve().parent.parent / "docs" / "timestamps.md"


@pytest.fixture
def authority() -> LocalAuthority:
    """Return the authority of this test run."""
    return local_authority()


@pytest.fixture
def service(authority: LocalAuthority) -> Iterator[Service]:
    """Serve honest answers."""
    with authority.serving() as service:
        yield service


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with a mail."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mails", mail())
    return desk


def online(desk: Desk, *arguments: object) -> Said:
    """Run a command that may ask."""
    return desk(*arguments, environ=ONLINE)


def add(desk: Desk, url: str, name: str = "local", root: str = "root") -> None:
    """Add an authority."""
    path = local_authority().folder / f"{root}.pem"
    desk.ok("authority", "add", name, "--url", url, "--root", path)


def only(desk: Desk, pattern: str) -> Path:
    """Return the one file below ``journal`` that fits."""
    (path,) = (desk.root / "journal").glob(pattern)
    return path


def test_the_archive_is_dated_by_a_third_party(desk: Desk, service: Service) -> None:
    """One command; what it says, what it keeps, and what status and verify say afterwards."""
    assert "No time-stamp authority: nobody else can say" in desk.ok("status").out
    add(desk, service.url)
    assert "No time-stamp yet (archiver anchor)" in desk.ok("status").out
    said = online(desk, "anchor")
    assert said.code == 0, said.err
    assert re.match(
        r"local: time-stamped \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+\d{4}, everything", said.out
    )
    assert len(service.requests) == 1
    assert "Last time-stamp: " in desk.ok("status").out
    assert " by local (0 hours ago)" in desk.ok("status").out
    (state,) = desk.ok("status", "--format", "json").json["authorities"]
    assert (state["name"], state["tries"], state["reason"]) == ("local", 0, None)
    assert state["last_stamp"] is not None
    assert desk.ok("verify").code == 0


def test_nothing_new_asks_nobody(desk: Desk, service: Service) -> None:
    """The second of two commands in a row."""
    add(desk, service.url)
    assert online(desk, "anchor").code == 0
    again = online(desk, "anchor")
    assert (again.code, len(service.requests)) == (0, 1)
    assert "local: nothing new since its last one" in again.err


def test_due_stamps_once_a_day(desk: Desk, service: Service, tmp_path: Path) -> None:
    """Quiet when it is not time; -v says so."""
    add(desk, service.url)
    assert online(desk, "anchor", "--due").out.startswith("local: time-stamped")
    desk.keep(tmp_path / "mails", mail(subject="Another"))
    later = online(desk, "anchor", "--due")
    assert (later.code, later.out, later.err) == (0, "", "")
    assert "local: not due yet" in online(desk, "-v", "anchor", "--due").err
    assert len(service.requests) == 1
    assert online(desk, "anchor").code == 0
    assert len(service.requests) == 2


def test_scripts_get_json(desk: Desk, service: Service) -> None:
    """What was stamped, what failed, what is current."""
    add(desk, service.url)
    answer = online(desk, "anchor", "--format", "json").json
    assert (answer["schema"], answer["failed"], answer["current"]) == (1, [], [])
    (stamped,) = answer["stamped"]
    assert stamped["authority"] == "local"
    assert stamped["qualified"] is False
    assert stamped["entry"] == stamped["size"]
    assert online(desk, "anchor", "--format", "json").json["current"] == ["local"]


def test_one_of_two_authorities_is_done_in_part(desk: Desk, service: Service) -> None:
    """Exit 3; the one that failed waits, and status says why."""
    add(desk, service.url)
    add(desk, "http://127.0.0.1:1/", "away")
    said = online(desk, "anchor")
    assert said.code == 3
    assert "local: time-stamped" in said.out
    assert "Warning: no time-stamp from away: it could not be reached" in said.err
    status = desk.ok("status").out
    assert re.search(r"Time-stamp of away waits until .*: it could not be reached", status)
    listed = desk.ok("authority", "list").out
    assert "waits until" in listed
    assert len(service.requests) == 1


def test_nobody_in_reach_is_a_failure_that_may_pass(desk: Desk) -> None:
    """Exit 75; the next run that is due asks again."""
    add(desk, "http://127.0.0.1:1/")
    said = online(desk, "anchor")
    assert (said.code, said.out) == (75, "")
    assert "`archiver anchor` asks at once" in said.err
    assert online(desk, "anchor", "--due").code == 0


def test_an_answer_that_is_no_stamp_is_no_failure_of_the_network(
    desk: Desk, authority: LocalAuthority
) -> None:
    """Exit 3: waiting does not mend it."""
    page = Served(b"<html>Sign in</html>", 200, {"Content-Type": "text/html"})
    with authority.serving(lambda _body: page) as service:
        add(desk, service.url)
        said = online(desk, "anchor")
    assert said.code == 3
    assert "the answer is a web page, not a time-stamp" in said.err
    assert only(desk, "stamps/*.answer").read_bytes() == page.body


def test_what_an_authority_says_cannot_steer_the_terminal(
    desk: Desk, authority: LocalAuthority
) -> None:
    """Its words are shown without control characters."""

    def rejecting(body: bytes) -> Served:
        return Served(authority.reject(body).replace(b"Come back", b"\x1b[2J back"))

    with authority.serving(rejecting) as service:
        add(desk, service.url)
        said = online(desk, "anchor")
    assert "\x1b" not in said.err
    assert "[2J back tomorrow" in said.err
    assert "\x1b" not in desk.ok("status").out + desk.ok("authority", "list").out


def test_offline_nobody_is_asked(desk: Desk, service: Service) -> None:
    """A person who says anchor is refused; a timer is not."""
    add(desk, service.url)
    said = desk("--offline", "anchor")
    assert said.code == 2
    assert "cannot be asked for offline" in said.err
    due = desk("--offline", "anchor", "--due")
    assert (due.code, due.out, due.err) == (0, "", "")
    assert "Offline: no time-stamp was asked for." in desk("--offline", "-v", "anchor", "--due").err
    assert service.requests == []


def test_without_an_authority_the_command_says_how_to_add_one(desk: Desk) -> None:
    """Exit 78; a timer has nothing to do."""
    said = online(desk, "anchor")
    assert said.code == 78
    assert "The archive has no time-stamp authority." in said.err
    assert "archiver authority add NAME --url URL --root FILE.pem" in said.err
    assert online(desk, "anchor", "--due").code == 0


def test_settings_that_cannot_be_understood_are_told(desk: Desk, service: Service) -> None:
    """Whom to ask is not guessed."""
    add(desk, service.url)
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + "zzz = 1\n")
    said = online(desk, "anchor")
    assert (said.code, service.requests) == (78, [])
    assert "unknown key" in said.err


def test_stamps_stay_good_when_their_authority_is_gone(
    desk: Desk, service: Service, tmp_path: Path
) -> None:
    """Removed, or pinned anew with another root."""
    add(desk, service.url)
    assert online(desk, "anchor").code == 0
    desk.ok("authority", "remove", "local", "--yes")
    assert desk.ok("verify").code == 0
    add(desk, service.url, root="other")
    assert desk.ok("verify").code == 0
    desk.keep(tmp_path / "mails", mail(subject="Another"))
    said = online(desk, "anchor")
    assert said.code == 3
    assert "do not lead to the pinned root" in said.err


def test_verify_finds_a_stamp_that_was_altered(desk: Desk, service: Service) -> None:
    """Exit 3, and which file."""
    add(desk, service.url)
    assert online(desk, "anchor").code == 0
    path = only(desk, "stamps/*.tsr")
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
    said = desk("verify", "--format", "json")
    assert said.code == 3
    codes = {finding["code"] for finding in said.json["findings"]}
    assert "stamp-altered" in codes


def test_the_documented_commands_check_a_stamp(desk: Desk, service: Service) -> None:
    """As docs/timestamps.md has them, run in ``journal`` by somebody without the archiver."""
    if not DOCS.is_file():
        pytest.skip("reads docs/timestamps.md of the checkout")
    add(desk, service.url)
    assert online(desk, "anchor").code == 0
    stamp = only(desk, "stamps/*.tsr")
    size, name = stamp.stem.split("-")
    root = local_authority().folder / "root.pem"
    commands = [
        line.replace("SIZE", size).replace("AUTHORITY", name).replace("ROOT.pem", str(root))
        for block in re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)
        for line in block.replace("\\\n", "").splitlines()
        if "openssl" in line
    ]
    assert len(commands) >= 4
    verified = 0
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=desk.root / "journal",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
        verified += "Verification: OK" in done.stdout
    assert verified >= 2
