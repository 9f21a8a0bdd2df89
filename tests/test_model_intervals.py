"""UID sets as intervals: the arithmetic is that of plain sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model.intervals import Intervals, Layers
from archiver.model.uidset import MAX_UID, format_uids, parse_uids

UIDS = st.frozensets(st.integers(1, 40))


@given(UIDS, UIDS)
def test_the_arithmetic_is_that_of_sets(ours: frozenset[int], theirs: frozenset[int]) -> None:
    """Union, difference, intersection, membership and size."""
    mine, yours = Intervals.of(ours), Intervals.of(theirs)
    assert set(mine | yours) == ours | theirs
    assert set(mine - yours) == ours - theirs
    assert set(mine & yours) == ours & theirs
    assert [uid in mine for uid in range(1, 42)] == [uid in ours for uid in range(1, 42)]
    assert (len(mine), bool(mine), mine.highest) == (len(ours), bool(ours), max(ours, default=0))
    assert set(mine.below(20)) == {uid for uid in ours if uid <= 20}


@given(UIDS)
def test_what_is_written_is_what_imap_writes(uids: frozenset[int]) -> None:
    """And is read back as the same set."""
    assert str(Intervals.of(uids)) == format_uids(uids)
    assert Intervals.parse(format_uids(uids)) == Intervals.of(uids)


@given(st.lists(st.tuples(UIDS, st.sampled_from("abc"))))
def test_of_two_statements_the_later_stands(said: list[tuple[frozenset[int], str]]) -> None:
    """As if each were written over the ones before, UID by UID."""
    layers: Layers[str] = Layers()
    plain: dict[int, str] = {}
    for uids, value in said:
        layers.lay(Intervals.of(uids), value)
        plain |= dict.fromkeys(uids, value)
    found = {uid: value for value, uids in layers.seen() for uid in uids}
    assert found == plain


def test_a_set_of_every_uid_costs_nothing() -> None:
    """A server may say 1:4294967295."""
    everything = Intervals.parse(f"1:{MAX_UID}")
    assert len(everything) == MAX_UID
    assert str(everything - Intervals.of([5])) == f"1:4,6:{MAX_UID}"
    assert not everything.complement()


@pytest.mark.parametrize("text", ["0", "1:", ":1", "*", "1,,2", "-1", "4294967296", "١"])
def test_what_is_no_uid_set_is_refused(text: str) -> None:
    """As ``parse_uids`` refuses it."""
    with pytest.raises(ValueError, match="not a UID set"):
        Intervals.parse(text)
    with pytest.raises(ValueError, match="UID set"):
        parse_uids(text)


def test_a_range_may_be_written_backwards() -> None:
    """RFC 3501: 4:2 means 2:4."""
    assert str(Intervals.parse("4:2,9")) == "2:4,9"
