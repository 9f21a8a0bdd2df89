"""Real mail, much of it."""

from itertools import islice
from pathlib import Path

import pytest
from evidence_case import create, reopen, seen
from sampling import sample

from archiver.evidence.checks.check import verify
from archiver.model.digest import Digest


@pytest.mark.shared
@pytest.mark.long
def test_twenty_thousand_real_messages_are_kept_exactly(corpora: Path, tmp_path: Path) -> None:
    """Every byte is read back and re-hashed; a second time adds nothing."""
    paths = sample(sorted((corpora / "linux-serial").rglob("*.eml")))
    digests = set()
    with create(tmp_path) as evidence:
        for _again in range(2):
            messages = enumerate(paths, 1)
            while some := list(islice(messages, 200)):
                batch = [seen(path.read_bytes(), uid) for uid, path in some]
                digests.update(Digest.of(incoming.data) for incoming in batch)
                evidence.keep(batch)
            assert evidence.count_records() == len(digests)
            assert evidence.known_uids("work", "INBOX", 1) == set(range(1, len(paths) + 1))
            assert evidence.size == 2 + len(digests) + len(paths)
        root = evidence.tree_root()
    with reopen(tmp_path, recover=False) as evidence:
        report = verify(evidence, read_data=1.0)
        assert report.findings == ()
        assert dict(report.checked)["objects-read"] == len(digests)
        assert evidence.tree_root() == root
