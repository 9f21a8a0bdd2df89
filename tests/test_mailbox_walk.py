"""The walk hands out every unknown message, and nothing that goes wrong stops the rest."""

import threading
from collections.abc import Iterator

import pytest
from mailbox_fakes import FakeFolder, FakeSession, account

from archiver.errors import TemporaryNetworkError
from archiver.mailbox.harvest import OUTLINES
from archiver.mailbox.server.session import MAX_MESSAGE
from archiver.mailbox.walk import (
    Event,
    Fetched,
    FolderDone,
    FolderFailed,
    FolderLeftOut,
    FolderOpened,
    NotFetched,
    walk,
)
from archiver.model.sources import ImapSource

NOTHING = frozenset[int]()


def nothing_known(_folder: str, _uidvalidity: int) -> frozenset[int]:
    """Know no message."""
    return NOTHING


def letters(*uids: int) -> dict[int, bytes]:
    """Return a message for each of UIDS that tells its number."""
    return {uid: b"Subject: %d\r\n\r\n" % uid for uid in uids}


def kept(events: list[Event]) -> list[int]:
    """Return the UIDs handed out, in order."""
    return [uid for event in events if isinstance(event, Fetched) for uid in event.uids]


def lost(events: list[Event]) -> dict[int, str]:
    """Return the reason for each UID not handed out."""
    return {event.uid: event.reason for event in events if isinstance(event, NotFetched)}


def fetches(session: FakeSession) -> list[str]:
    """Return what was asked of SESSION that brings messages."""
    return [asked for asked in session.log if asked.startswith(("fetch ", "parts "))]


def run(session: FakeSession, **options: object) -> list[Event]:
    """Walk through SESSION to the end."""
    options = {"known": nothing_known} | options
    return list(walk(session, account(), **options))  # type: ignore[arg-type]


def test_a_message_comes_with_all_that_the_server_said() -> None:
    """Bytes, place, flags: what a sighting needs."""
    folder = FakeFolder(letters(4), uidvalidity=77, role="sent", flags=("\\Seen",))
    opened, batch, done = run(FakeSession({"Envoyés": folder}))
    assert opened == FolderOpened("Envoyés", "sent", 77, exists=1, new=1)
    assert isinstance(batch, Fetched)
    (incoming,) = batch.incoming
    assert (incoming.data, incoming.flags) == (b"Subject: 4\r\n\r\n", ("\\Seen",))
    assert incoming.source == ImapSource(
        account="work",
        host="imap.example",
        certificate="ab" * 32,
        folder="Envoyés",
        uidvalidity=77,
        uid=4,
    )
    assert done == FolderDone("Envoyés", 77, exists=1, kept="4", failed=())


def test_what_is_known_is_not_fetched() -> None:
    """The work list is what the server lists minus what is known: no high-water mark."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2, 3, 9), uidvalidity=5)})
    events = run(
        session, known=lambda name, epoch: {("INBOX", 5): frozenset({1, 3, 9})}[name, epoch]
    )
    assert kept(events) == [2]


def test_a_second_walk_fetches_nothing() -> None:
    """Nothing new costs one enumeration and no fetch."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2))})
    events = run(session, known=lambda _name, _epoch: frozenset({1, 2}))
    assert fetches(session) == []
    assert events == [
        FolderOpened("INBOX", None, 1, exists=2, new=0),
        FolderDone("INBOX", 1, exists=2, kept="", failed=()),
    ]


def test_batches_are_bounded_in_number() -> None:
    """No command asks for more messages than it may."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2, 3, 4, 5))})
    run(session, batch_messages=2)
    assert fetches(session) == ["fetch 1,2", "fetch 3,4", "fetch 5"]


def test_batches_are_bounded_in_bytes_and_large_messages_come_in_parts() -> None:
    """A message larger than a batch is alone, and never asked for as a whole."""
    sizes: dict[int, int | None] = {1: 40, 2: 60, 3: 1, 4: 101, 5: 10}
    session = FakeSession({"INBOX": FakeFolder(letters(*sizes), sizes=sizes)})
    events = run(session, batch_bytes=100)
    assert fetches(session) == ["fetch 1,2", "fetch 3", "parts 4 101", "fetch 5"]
    assert kept(events) == [1, 2, 3, 4, 5]


def test_a_message_without_a_size_is_fetched_in_parts() -> None:
    """What does not say how large it is may be of any size."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2), sizes={1: None})})
    assert kept(run(session)) == [1, 2]
    assert "parts 1 None" in session.log


def test_more_messages_than_one_outline_command_takes() -> None:
    """The work list is asked about piece by piece."""
    session = FakeSession({"INBOX": FakeFolder(letters(*range(1, OUTLINES + 12)))})
    assert kept(run(session)) == list(range(1, OUTLINES + 12))


def test_one_refused_message_does_not_stop_the_rest() -> None:
    """NO to a batch: each message is asked for by itself, and the bad one is told."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2, 3), refused=frozenset({2}))})
    events = run(session)
    assert (kept(events), lost(events)) == ([1, 3], {2: "NO, said the server"})
    assert isinstance(events[-1], FolderDone)
    assert (events[-1].kept, events[-1].failed) == ("1,3", ((2, "NO, said the server"),))


def test_a_message_without_content_is_told() -> None:
    """NIL is no message, and the others of its batch are kept."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2), empty=frozenset({1}))})
    events = run(session)
    assert kept(events) == [2]
    assert lost(events) == {1: "the server sent no content for the message"}


def test_a_message_sent_empty_is_told() -> None:
    """No bytes although the server counts some: nothing to keep."""
    folder = FakeFolder({1: b"", 2: b""}, sizes={1: 5000})
    events = run(FakeSession({"INBOX": folder}))
    assert kept(events) == [2]  # the server says that it is empty
    assert lost(events) == {1: "the server sent the message empty"}


def test_a_message_that_vanishes_meanwhile_is_told() -> None:
    """Somebody deletes while we read."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2), gone=frozenset({2}))})
    events = run(session)
    assert kept(events) == [1]
    assert lost(events) == {2: "the server lists the message but no longer has it"}


def test_a_message_too_large_to_hold_is_told() -> None:
    """A size beyond the limit is not even tried."""
    session = FakeSession({"INBOX": FakeFolder(letters(1), sizes={1: MAX_MESSAGE + 1})})
    assert lost(run(session)) == {1: "the message is larger than the archiver can hold"}


def test_a_folder_that_cannot_be_opened_does_not_stop_the_rest() -> None:
    """A refused EXAMINE is an event; the next folder follows."""

    class Refusing(FakeSession):
        def examine(self, folder: str):  # noqa: ANN202 - as in the base class
            return super().examine("nowhere" if folder == "Broken" else folder)

    events = run(Refusing({"Broken": FakeFolder({}), "Fine": FakeFolder(letters(1))}))
    assert events[0] == FolderFailed("Broken", "no such mailbox")
    assert kept(events) == [1]


def test_drafts_are_left_out_and_said_to_be() -> None:
    """Nothing is skipped in silence."""
    session = FakeSession({"Brouillons": FakeFolder(letters(1), role="drafts")})
    assert run(session) == [FolderLeftOut("Brouillons", "drafts")]


def test_a_named_folder_that_is_missing_is_told() -> None:
    """The account names what the server does not have."""
    events = walk(FakeSession({}), account(folders=["Clients"]), known=nothing_known)
    assert list(events) == [FolderFailed("Clients", "there is no such folder on the server")]


def test_a_server_without_any_folder_is_told() -> None:
    """There is always an INBOX: something is wrong."""
    assert run(FakeSession({})) == [FolderFailed("INBOX", "the server lists no folder at all")]


def test_a_server_that_lists_less_than_it_counts_is_told() -> None:
    """What is listed is kept; the difference shows."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2, 3), unlisted=frozenset({2}))})
    events = run(session)
    assert kept(events) == [1, 3]
    assert events[-1] == FolderFailed("INBOX", "the server has 3 messages there and lists 2")


def test_a_lost_connection_ends_the_walk_after_what_was_fetched() -> None:
    """Batches before the break are handed out; then the error says that it may pass."""
    session = FakeSession({"INBOX": FakeFolder(letters(1, 2, 3), deadly=frozenset({3}))})
    events: list[Event] = []
    with pytest.raises(TemporaryNetworkError):
        events.extend(walk(session, account(), known=nothing_known, batch_messages=1))
    # list.extend keeps what came before the error
    assert kept(events) == [1, 2]


def test_a_message_that_breaks_the_connection_is_passed_over() -> None:
    """With a way to connect again, the culprit is found and told, the rest is kept."""
    folders = {
        "INBOX": FakeFolder(letters(*range(1, 8)), deadly=frozenset({4})),
        "Sent": FakeFolder(letters(1)),
    }
    made: list[FakeSession] = []

    def reconnect() -> FakeSession:
        made.append(FakeSession(folders))
        return made[-1]

    events = run(FakeSession(folders), reconnect=reconnect)
    assert kept(events) == [1, 2, 3, 5, 6, 7, 1]
    assert "the connection broke when the message was asked for" in lost(events)[4]
    assert all(session.closed for session in made)


def test_a_folder_renumbered_between_two_connections_is_told_and_the_walk_goes_on() -> None:
    """UIDs of another epoch name other messages: nothing is fetched under the old ones."""
    folder = FakeFolder(letters(1, 2), deadly=frozenset({1}), uidvalidity=1)
    sent = FakeFolder(letters(7))
    renumbered = {"INBOX": FakeFolder(letters(1, 2), uidvalidity=2), "Sent": sent}
    events = run(
        FakeSession({"INBOX": folder, "Sent": sent}), reconnect=lambda: FakeSession(renumbered)
    )
    assert kept(events) == [7]
    (failed,) = [event for event in events if isinstance(event, FolderFailed)]
    assert failed.folder == "INBOX"
    assert "its UIDVALIDITY changed" in failed.reason


def test_a_network_that_stays_away_ends_the_walk() -> None:
    """When connecting again fails too, no message is blamed."""

    def reconnect() -> FakeSession:
        raise TemporaryNetworkError("no route", advice="wait")

    session = FakeSession({"INBOX": FakeFolder(letters(1), deadly=frozenset({1}))})
    with pytest.raises(TemporaryNetworkError, match="no route"):
        run(session, reconnect=reconnect)


def test_the_next_batch_is_fetched_while_the_caller_works() -> None:
    """One batch ahead, in another thread; known is asked in the caller's."""
    threads: list[str] = []

    class Watched(FakeSession):
        def fetch(self, uids):  # noqa: ANN001, ANN202 - as in the base class
            threads.append(threading.current_thread().name)
            return super().fetch(uids)

    def known(_folder: str, _uidvalidity: int) -> frozenset[int]:
        assert threading.current_thread() is threading.main_thread()
        return NOTHING

    session = Watched({"INBOX": FakeFolder(letters(1, 2))})
    assert kept(run(session, known=known, batch_messages=1)) == [1, 2]
    assert all(name.startswith("archiver-ahead") for name in threads)


@pytest.mark.parametrize("prefetch", [True, False])
def test_a_caller_may_stop_early(*, prefetch: bool) -> None:
    """Closing the walk ends its thread and leaves the rest unfetched."""
    session = FakeSession({"INBOX": FakeFolder(letters(*range(1, 20)))})
    events = walk(session, account(), known=nothing_known, batch_messages=1, prefetch=prefetch)
    assert isinstance(events, Iterator)
    for event in events:
        if isinstance(event, Fetched):
            break
    events.close()  # type: ignore[attr-defined]
    assert len(fetches(session)) <= 3
    assert not [one for one in threading.enumerate() if one.name.startswith("archiver-ahead")]
