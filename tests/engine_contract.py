"""What every engine must do: one suite, which each engine's test class inherits."""

from datetime import date

import pytest

from index.engine import Document, Engine
from index.language.parser import parse
from index.query import All, And, DateRange, Not, Or, Phrase, Prefix, Query, Size, Term, Word


def document(key: int, body: str = "", **fields: str) -> Document:
    """Make a document; ``from`` is written ``from_``."""
    named = {name.rstrip("_"): text for name, text in fields.items()}
    return Document(key=key, date=0, fields={"body": body, **named})


class EngineContract:
    """Inherit, and give an ``engine`` fixture with an empty engine."""

    def fill(self, engine: Engine, *documents: Document) -> None:
        """Add and commit."""
        engine.add(documents)
        engine.commit(position=len(documents))

    def find(self, engine: Engine, query: str | Query) -> set[int]:
        """Search and return the keys."""
        if isinstance(query, str):
            query = parse(query, today=date(2026, 3, 2))
        return set(engine.search(query).keys)

    def bodies(self, engine: Engine, *bodies: str) -> None:
        """Add documents with these bodies; their keys count from 0."""
        self.fill(engine, *(document(key, body) for key, body in enumerate(bodies)))

    # Words

    def test_a_new_index_is_empty(self, engine: Engine) -> None:
        """It holds nothing, has read nothing and finds nothing."""
        assert (engine.count(), engine.position) == (0, 0)
        assert self.find(engine, "*") == set()
        assert self.find(engine, "word") == set()

    def test_a_word_is_found_whatever_its_case_and_accents(self, engine: Engine) -> None:
        """On either side."""
        self.bodies(engine, "Le délai est DÉPASSÉ", "rien")
        assert self.find(engine, "delai") == {0}
        assert self.find(engine, "Délai dépasse") == {0}
        assert self.find(engine, Word("DELAI")) == {0}

    def test_other_forms_of_a_word_are_found(self, engine: Engine) -> None:
        """French and English, with and without accents."""
        self.bodies(engine, "nos livraisons", "we delivered it", "les activités")
        assert self.find(engine, "livraison") == {0}
        assert self.find(engine, "delivering") == {1}
        assert self.find(engine, "activite") == {2}

    def test_names_of_people_have_no_other_forms(self, engine: Engine) -> None:
        """Marie is not Mario; a word in prose still has its forms."""
        self.fill(engine, document(1, from_="Marie"), document(2, from_="Maries"))
        assert self.find(engine, "from:marie") == {1}
        assert self.find(engine, "marie") == {1}

    def test_a_word_without_a_field_is_looked_for_in_all(self, engine: Engine) -> None:
        """Each of the seven."""
        fields = ("subject", "body", "attachment", "from_", "to", "cc", "filename")
        self.fill(engine, *(document(n, **{name: "pelican"}) for n, name in enumerate(fields)))
        assert self.find(engine, "pelican") == set(range(7))
        for n, name in enumerate(fields):
            assert self.find(engine, f"{name.rstrip('_')}:pelican") == {n}

    def test_an_address_is_found_whole_and_in_parts(self, engine: Engine) -> None:
        """Its words must stand in this order."""
        self.fill(
            engine,
            document(1, from_="Marie <marie@acme.fr>"),
            document(2, from_="<fr@acme.marie>"),
        )
        assert self.find(engine, "from:marie@acme.fr") == {1}
        assert self.find(engine, "from:acme") == {1, 2}

    @pytest.mark.parametrize("word", ["aujourd'hui", "o'brien", "e-mail", "2026/03", "rapport_v2"])
    def test_a_word_with_punctuation_is_found_as_typed(self, engine: Engine, word: str) -> None:
        """It is a phrase of its parts."""
        self.bodies(engine, f"voici {word}, donc", "".join(reversed(word)))
        assert self.find(engine, word) == {0}

    def test_ideographs_are_found_inside_longer_runs(self, engine: Engine) -> None:
        """Chinese and Japanese do not set words apart."""
        self.bodies(engine, "我们在东京开会", "会议在京东")
        assert self.find(engine, "东京") == {0}
        assert self.find(engine, "会议") == {1}

    def test_hangul_words_are_words(self, engine: Engine) -> None:
        """Korean has spaces."""
        self.bodies(engine, "회의 자료", "회의자료")
        assert self.find(engine, "회의") == {0}
        assert self.find(engine, "회의*") == {0, 1}

    def test_a_word_without_letters_finds_nothing(self, engine: Engine) -> None:
        """Nothing raises either."""
        self.bodies(engine, "a !! b")
        assert self.find(engine, Word("!!")) == set()
        assert self.find(engine, Phrase(())) == set()
        assert self.find(engine, Prefix("*")) == set()

    def test_very_long_words_are_found_by_their_beginning(self, engine: Engine) -> None:
        """As much of them as counts."""
        self.bodies(engine, "x" * 5000, "x" * 20)
        assert self.find(engine, "x" * 5000) == {0}
        assert self.find(engine, "x" * 20) == {1}

    # Phrases and prefixes

    def test_a_phrase_is_found_in_its_order_only(self, engine: Engine) -> None:
        """Next to each other, accents and case ignored, no other forms."""
        self.bodies(engine, "Comité de pilotage", "pilotage de comité", "comités de pilotage")
        assert self.find(engine, '"comite de PILOTAGE"') == {0}

    def test_a_phrase_of_one_word_is_that_word_exactly(self, engine: Engine) -> None:
        """Quotes turn other forms off."""
        self.bodies(engine, "livraison", "livraisons")
        assert self.find(engine, '"livraison"') == {0}

    def test_a_phrase_does_not_cross_fields(self, engine: Engine) -> None:
        """Nor do words of several fields make one."""
        self.fill(engine, document(1, "fixed", subject="price"), document(2, "price fixed"))
        assert self.find(engine, '"price fixed"') == {2}
        assert self.find(engine, 'subject:"price fixed"') == set()

    def test_a_phrase_with_a_repeated_word_is_found(self, engine: Engine) -> None:
        """Positions are told apart."""
        self.bodies(engine, "no no yes", "no yes no")
        assert self.find(engine, '"no no"') == {0}

    def test_a_prefix_finds_all_words_that_start_so(self, engine: Engine) -> None:
        """Accents and case are ignored."""
        self.bodies(engine, "Livrées", "livre", "délivré", "liv")
        assert self.find(engine, "livr*") == {0, 1}
        assert self.find(engine, "LIVRÉ*") == {0, 1}
        assert self.find(engine, "delivr*") == {2}

    def test_a_prefix_after_an_apostrophe_is_the_end_of_a_phrase(self, engine: Engine) -> None:
        """``l'accor*``."""
        self.bodies(engine, "selon l'accord", "accord l", "l'avis, accord")
        assert self.find(engine, "l'accor*") == {0}

    # Boolean

    def test_words_are_combined(self, engine: Engine) -> None:
        """And, or, not and everything."""
        self.bodies(engine, "red", "red blue", "blue green", "")
        assert self.find(engine, "red blue") == {1}
        assert self.find(engine, "red or green") == {0, 1, 2}
        assert self.find(engine, "blue -red") == {2}
        assert self.find(engine, "-red -blue") == {3}
        assert self.find(engine, "*") == {0, 1, 2, 3}
        assert self.find(engine, "not (red or (blue green))") == {3}
        assert self.find(engine, And(())) == {0, 1, 2, 3}
        assert self.find(engine, Or(())) == set()
        assert self.find(engine, Not(All())) == set()

    @pytest.mark.parametrize("node", [Term("tag", "a"), DateRange(None, None), Size(1, None)])
    def test_what_is_not_text_is_refused(self, engine: Engine, node: Query) -> None:
        """Wherever it stands: the caller intersects those."""
        for query in (node, Not(node), And((Word("nowhere"), node))):
            with pytest.raises(ValueError, match="textual"):
                engine.search(query)

    # Writing

    def test_additions_are_seen_after_commit_only(self, engine: Engine) -> None:
        """And the position with them."""
        engine.add([document(7, "word")])
        assert (self.find(engine, "word"), engine.count(), engine.position) == (set(), 0, 0)
        engine.commit(position=12)
        assert (self.find(engine, "word"), engine.count(), engine.position) == ({7}, 1, 12)

    def test_a_document_is_replaced_by_its_key(self, engine: Engine) -> None:
        """In another commit, or in the same."""
        self.fill(engine, document(1, "old"), document(2, "other"))
        self.fill(engine, document(1, "middle"), document(1, "new"))
        assert self.find(engine, "old or middle") == set()
        assert self.find(engine, "new") == {1}
        assert engine.count() == 2

    def test_documents_are_removed(self, engine: Engine) -> None:
        """Committed ones, fresh ones; unknown ones are no error."""
        self.bodies(engine, "word", "word")
        engine.add([document(2, "word"), document(3, "word")])
        engine.remove([0, 2, 99])
        engine.commit(position=9)
        assert self.find(engine, "word") == {1, 3}
        assert self.find(engine, "*") == {1, 3}
        assert engine.count() == 2

    def test_a_removed_document_can_come_back(self, engine: Engine) -> None:
        """The last word counts."""
        self.bodies(engine, "word")
        engine.remove([0])
        engine.add([document(0, "word again")])
        engine.commit(position=2)
        assert self.find(engine, "again") == {0}

    def test_removing_everything_leaves_an_empty_index(self, engine: Engine) -> None:
        """Which can be filled again."""
        self.bodies(engine, "one", "two")
        engine.remove([0, 1])
        engine.commit(position=3)
        assert (engine.count(), self.find(engine, "one or two or *")) == (0, set())
        self.fill(engine, document(5, "three"))
        assert self.find(engine, "three") == {5}

    def test_a_commit_without_changes_moves_the_position(self, engine: Engine) -> None:
        """The caller has read on and found nothing to index."""
        self.bodies(engine, "word")
        engine.commit(position=40)
        assert (engine.position, engine.count(), self.find(engine, "word")) == (40, 1, {0})

    def test_a_document_without_words_is_counted(self, engine: Engine) -> None:
        """An empty record is a record."""
        self.fill(engine, document(1, ""), Document(key=2, date=0, fields={}))
        assert engine.count() == 2
        assert self.find(engine, "*") == {1, 2}

    def test_a_long_document_is_indexed_to_its_end(self, engine: Engine) -> None:
        """Positions beyond 65,535 as well."""
        self.bodies(engine, "filler " * 70_000 + "final clause", "clause final")
        assert self.find(engine, '"final clause"') == {0}
        assert self.find(engine, "filler final") == {0}

    def test_many_small_commits_answer_as_one(self, engine: Engine) -> None:
        """However an engine arranges them."""
        for key in range(30):
            engine.add([document(key, f"word number {key}")])
            engine.commit(position=key)
        assert self.find(engine, "word") == set(range(30))
        assert self.find(engine, '"number 17"') == {17}
        assert engine.count() == 30

    # Relevance

    def test_scores_come_only_when_asked_for(self, engine: Engine) -> None:
        """One for each match."""
        self.bodies(engine, "word", "other")
        query = Word("word")
        assert engine.search(query).scores == {}
        assert engine.search(query, scored=True).scores.keys() == {0}

    def test_exact_words_score_above_other_forms(self, engine: Engine) -> None:
        """Even when those are more frequent."""
        self.bodies(engine, "livraisons livraisons dites", "une livraison dite")
        assert self.best(engine, Word("livraison")) == [1, 0]

    def test_a_subject_scores_above_a_body(self, engine: Engine) -> None:
        """All else being equal."""
        self.fill(engine, document(1, "price", subject="x"), document(2, "x", subject="price"))
        assert self.best(engine, Word("price")) == [2, 1]

    def test_rare_words_count_more(self, engine: Engine) -> None:
        """Of two words asked for."""
        self.bodies(engine, *["common word"] * 9, "rare word")
        assert self.best(engine, Or((Word("common"), Word("rare"))))[0] == 9

    def best(self, engine: Engine, query: Query) -> list[int]:
        """Return the keys by falling score."""
        scores = engine.search(query, scored=True).scores
        return sorted(scores, key=lambda key: -scores[key])
