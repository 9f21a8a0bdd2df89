"""UID sets are written shortest and read back; what is no set is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.model.uidset import format_uids, parse_uids

UIDS = st.frozensets(st.integers(1, 60) | st.integers(2**32 - 20, 2**32 - 1))


@given(UIDS)
def test_a_set_reads_back_as_it_was(uids: frozenset[int]) -> None:
    """Formatting and parsing are inverse."""
    assert parse_uids(format_uids(uids)) == uids


@given(UIDS)
def test_a_set_is_written_as_short_as_can_be(uids: frozenset[int]) -> None:
    """There are as many items as there are runs of consecutive numbers."""
    runs = sum(uid - 1 not in uids for uid in uids)
    text = format_uids(uids)
    assert (text.count(",") + 1 if text else 0) == runs


def test_order_and_repetition_do_not_matter() -> None:
    """A set is ascending, however it came in."""
    assert format_uids([7, 1, 3, 2, 4, 7]) == "1:4,7"


def test_a_range_may_be_written_backwards() -> None:
    """RFC 3501: 4:2 and 2:4 are the same."""
    assert parse_uids("4:2") == {2, 3, 4}


@pytest.mark.parametrize(
    "text", ["0", "1,", "a", "1:*", "-1", "1:2:3", " 1", "1:4294967296", "1:4000000000", "٣"]
)
def test_what_is_no_set_is_refused(text: str) -> None:
    """Neither nonsense nor a set that would exhaust memory is taken."""
    with pytest.raises(ValueError, match="UID set"):
        parse_uids(text)


@pytest.mark.parametrize("uid", [0, -3, 2**32])
def test_a_number_that_is_no_uid_is_refused(uid: int) -> None:
    """UIDs are positive 32-bit numbers."""
    with pytest.raises(ValueError, match="not a UID"):
        format_uids([uid])
