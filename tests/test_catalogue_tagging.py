"""Facts for rules, decisions of persons, tags, open questions and exhibit numbers."""

from pathlib import Path

from readings import KEPT, MARIE, SENT, US, add, ask, catalogue_of, digest, imap, reading, see, tag
from readings import sighting as seen

from archiver.catalogue.catalogue import Catalogue
from archiver.model.digest import Position
from archiver.model.entries import Export, Tag, Undo, Untag
from archiver.model.reading import Mailbox
from archiver.model.sources import FileSource
from archiver.model.tagging import Decision, RecordFacts


def decide(catalogue: Catalogue, entry: int, payload: Tag | Untag | Undo) -> frozenset[Position]:
    """Take in a decision in a batch of its own; return the threads that it touched."""
    with catalogue.batch() as batch:
        batch.add_decision(Position(entry), "person:claire", payload)
        return batch.touched_threads()


def test_facts_tell_what_rules_look_at(tmp_path: Path) -> None:
    """To, Cc and Bcc together, each folder once, files left out."""
    cc, bcc = Mailbox("C", "c@x.example"), Mailbox("B", "b@x.example")
    catalogue = catalogue_of(tmp_path, reading(subject="S", cc=[cc], bcc=[bcc]))
    with catalogue.batch() as batch:
        places = (imap("Sent"), imap("INBOX"), imap("Sent", uid=7))
        for entry, source in enumerate((*places, FileSource(path="/f", member=0, offset=0)), 2):
            see(batch, entry, seen(1, source))
    assert catalogue.facts(Position(1)) == (
        RecordFacts(
            position=Position(1),
            when=SENT,
            from_=(MARIE,),
            to=(US, cc, bcc),
            subject="S",
            folders=(("work", "Sent"), ("work", "INBOX")),
        ),
    )


def test_a_sighting_touches_its_thread(tmp_path: Path) -> None:
    """A folder may be a reason for a tag."""
    catalogue = catalogue_of(
        tmp_path, reading(message_id="a"), reading(), reading(references=["a"])
    )
    with catalogue.batch() as batch:
        see(batch, 4, seen(3))
        assert batch.touched_threads() == {1}


def test_the_last_decision_about_a_record_and_engagement_counts(tmp_path: Path) -> None:
    """Each engagement is decided apart."""
    catalogue = catalogue_of(tmp_path, reading())
    assert decide(catalogue, 2, Tag(record=Position(1), engagement="acme")) == {1}
    decide(catalogue, 3, Tag(record=Position(1), engagement="other"))
    decide(catalogue, 4, Untag(record=Position(1), engagement="acme"))
    assert [
        (item.engagement, item.belongs, item.by) for item in catalogue.decisions(Position(1))
    ] == [("other", True, "claire"), ("acme", False, "claire")]


def test_what_is_taken_back_does_not_count(tmp_path: Path) -> None:
    """The decision before it stands again; the thread is touched."""
    catalogue = catalogue_of(tmp_path, reading())
    decide(catalogue, 2, Tag(record=Position(1), engagement="acme"))
    decide(catalogue, 3, Untag(record=Position(1), engagement="acme"))
    assert decide(catalogue, 4, Undo(entry=Position(3))) == {1}
    expected = Decision(
        record=Position(1), engagement="acme", belongs=True, entry=Position(2), by="claire"
    )
    assert catalogue.decisions(Position(1)) == (expected,)
    decide(catalogue, 5, Undo(entry=Position(2)))
    assert catalogue.decisions(Position(1)) == ()


def test_taking_back_what_is_no_decision_changes_nothing(tmp_path: Path) -> None:
    """A hostile or mistaken Undo raises nothing."""
    catalogue = catalogue_of(tmp_path, reading())
    assert decide(catalogue, 2, Undo(entry=Position(1))) == frozenset()


def test_the_entries_of_a_decision_are_found_by_its_name(tmp_path: Path) -> None:
    """In journal order, each with whether it still stands; nothing by a name nobody gave."""
    catalogue = catalogue_of(tmp_path, reading(), reading())
    decide(catalogue, 3, Tag(record=Position(1), engagement="acme", decision="ab"))
    decide(catalogue, 4, Untag(record=Position(2), engagement="acme", decision="ab"))
    decide(catalogue, 5, Tag(record=Position(2), engagement="acme", decision="cd"))
    decide(catalogue, 6, Undo(entry=Position(3)))
    assert catalogue.decision("ab") == {3: False, 4: True}
    assert catalogue.decision("nobody's") == {}


def test_the_last_word_about_records_is_told(tmp_path: Path) -> None:
    """For one engagement; what was taken back, and what rules say, is no word of a person."""
    catalogue = catalogue_of(tmp_path, reading(), reading(), reading())
    decide(catalogue, 4, Tag(record=Position(1), engagement="acme"))
    decide(catalogue, 5, Untag(record=Position(1), engagement="acme"))
    decide(catalogue, 6, Tag(record=Position(2), engagement="other"))
    decide(catalogue, 7, Tag(record=Position(3), engagement="acme"))
    decide(catalogue, 8, Undo(entry=Position(7)))
    with catalogue.batch() as batch:
        tag(batch, 2, "acme")
    assert catalogue.said([1, 2, 3], "acme") == {1: False}


def test_tagging_a_thread_again_replaces_tags_and_questions(tmp_path: Path) -> None:
    """Nothing of the last tagging is left."""
    catalogue = catalogue_of(tmp_path, reading(), reading())
    with catalogue.batch() as batch:
        tag(batch, 1, "acme", "other", reason="was sent by Marie")
        tag(batch, 2, "acme")
    assert [item.engagement for item in catalogue.tags_of([1])] == ["acme", "other"]
    assert catalogue.tags_of([1])[0].reason == "was sent by Marie"
    with catalogue.batch() as batch:
        ask(batch, 1, "acme", "other")
    assert catalogue.tags_of([1]) == ()
    assert catalogue.tagged("acme") == {2}


def test_open_questions_come_newest_record_first_and_best_candidate_first(tmp_path: Path) -> None:
    """The order of the candidates is kept."""
    catalogue = catalogue_of(tmp_path, reading(), reading(date=SENT.replace(day=9)))
    with catalogue.batch() as batch:
        ask(batch, 1, "z", "a")
        ask(batch, 2, "b")
    first, second = catalogue.undecided()
    assert (first.record, second.record) == (2, 1)
    assert second.candidates == (("z", "a domain fits"), ("a", "a domain fits"))


def test_an_exhibit_number_keeps_its_record(tmp_path: Path) -> None:
    """A later export adds numbers; it cannot move one. Engagements count apart."""
    catalogue = catalogue_of(tmp_path, reading(), reading())
    numbers = (((1, Position(2)), (2, Position(1))), ((1, Position(1)), (3, Position(1))))
    with catalogue.batch() as batch:
        for entry, given in enumerate(numbers, 3):
            export = Export(engagement="acme", numbers=given, manifest=digest(9))
            batch.add_export(Position(entry), KEPT, export)
    assert catalogue.exports("acme") == {1: 2, 2: 1, 3: 1}
    assert catalogue.exports("other") == {}


def test_decisions_about_records_that_are_not_there_are_kept_aside(tmp_path: Path) -> None:
    """They count once the record comes."""
    catalogue = catalogue_of(tmp_path)
    assert decide(catalogue, 9, Tag(record=Position(5), engagement="acme")) == frozenset()
    with catalogue.batch() as batch:
        add(batch, 5)
        assert len(batch.decisions(Position(5))) == 1
