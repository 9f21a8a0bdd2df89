"""Tell French from English by the words that carry no meaning.

A vote over the whole message, because a subject or a line is too short to tell.
"""

import re

_LONGEST = 20_000
_FEWEST = 3
_LEAD = 1.5
_SHARE = 0.06  # of all words: in a third language, shared words are rarer than that

_WORD = re.compile(r"[^\W\d_]+")
_QUOTED_LINE = re.compile(r"\n>[^\n]*")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words that the two languages (and as far as may be, their neighbours) do not share.
_FRENCH = _set(
    "le les des du et est dans pour que qui ne pas vous nous je il elle ce cette ces sur avec "
    "par au aux sont mais ou où à été être avoir fait plus votre notre vos nos mes ses leur "
    "leurs bonjour merci cordialement y donc ainsi si comme tout tous bien aussi sans sous chez "
    "ai avez avons ont suis serait sera faire peut dès très après avant entre afin lors"
)
_ENGLISH = _set(
    "the of and to in is that for it with as was this are be have from not you we your our or "
    "by an at which but they their has had will would can could should been were if there what "
    "when who how all any i he she his her its my me us do does did so than then them these "
    "those please thanks regards hello dear about into up out"
)


def language(text: str) -> str:
    """Return ``fr`` or ``en``, or nothing when the words do not say."""
    sample = text[:_LONGEST]
    own = _QUOTED_LINE.sub("", f"\n{sample}") if ">" in sample else sample
    return _vote(own) or (_vote(sample) if own != sample else "")


def _vote(text: str) -> str:
    words = _WORD.findall(text.lower())
    french = sum(map(_FRENCH.__contains__, words))
    english = sum(map(_ENGLISH.__contains__, words))
    most = max(french, english)
    if most < _FEWEST or most < _SHARE * len(words) or most < _LEAD * min(french, english):
        return ""
    return "fr" if french > english else "en"
