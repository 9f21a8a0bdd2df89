"""Both engines on real mail: the same answers, and what indexing costs."""

import random
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from itertools import islice
from pathlib import Path

import pytest
from sampling import sample

from index.analysis import words
from index.engine import TEXT_FIELDS, Document, Engine
from index.memory_engine import MemoryEngine
from index.query import Phrase, Prefix, Query, Word
from index.segments.whoosh_engine import WhooshEngine

pytestmark = pytest.mark.shared


def mails(folder: Path) -> Iterator[Document]:
    """Give the mails in FOLDER, read in a hurry."""
    paths = sample(sorted(path for path in folder.rglob("*") if path.is_file()))
    for key, path in enumerate(paths):
        message = message_from_bytes(path.read_bytes())
        fields = {name: str(message.get(name, "")) for name in TEXT_FIELDS}
        yield Document(key=key, date=0, fields=fields | {"body": text_of(message)})


def text_of(message: Message) -> str:
    """Join the text parts, undecodable bytes replaced."""
    parts = (part for part in message.walk() if part.get_content_maintype() == "text")
    return "\n".join(
        (part.get_payload(decode=True) or b"").decode("utf-8", "replace") for part in parts
    )


def queries(documents: list[Document], chance: random.Random) -> Iterator[Query]:
    """Draw words, phrases and prefixes from the texts themselves."""
    for document in chance.sample(documents, 25):
        field = chance.choice([name for name in TEXT_FIELDS if document.fields.get(name)])
        found = words(document.fields[field])
        if found:
            at = chance.randrange(len(found))
            yield Word(found[at], chance.choice([None, field]))
            yield Phrase(tuple(found[at : at + 3]), field)
            yield Prefix(found[at][:3], field)


def test_both_engines_agree_on_real_mail(corpora: Path, tmp_path: Path) -> None:
    """Over words that real mail holds."""
    documents = list(islice(mails(corpora / "business"), 600))
    memory, disk = MemoryEngine(), WhooshEngine.create(tmp_path / "i")
    disk.most_postings = 20_000
    disk.most_completions = 10**6
    engines: tuple[Engine, Engine] = (memory, disk)
    for engine in engines:
        engine.add(documents)
        engine.commit(position=len(documents))
    for query in queries(documents, random.Random(1)):
        assert disk.search(query).keys == memory.search(query).keys, query
    disk.check()
    disk.close()


@pytest.mark.long
def test_every_word_of_a_large_corpus_is_found(corpora: Path, tmp_path: Path) -> None:
    """Every document by each kind of word that it holds."""
    documents = list(mails(corpora / "linux-serial"))
    engine = WhooshEngine.create(tmp_path / "i")
    engine.add(documents)
    engine.commit(position=len(documents))
    assert engine.count() == len(documents)
    chance = random.Random(2)
    for document in chance.sample(documents, min(300, len(documents))):
        if found := words(document.fields["body"]):
            at = chance.randrange(len(found))
            assert document.key in engine.search(Phrase(tuple(found[at : at + 4]), "body")).keys
            assert document.key in engine.search(Word(found[at])).keys
    engine.check()
    engine.close()
