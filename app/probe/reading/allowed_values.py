"""Values that a refusal offers in place of the one it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from app.probe.reading.refusal import Refusal

_CUE = re.compile(
    r"\b(supported|available|valid|allowed|accepted|permitted|known|possible)\b(?! by| in | for )"
    r"[^:.\[('\"`]{0,40}(:|\bare\b|\[|\(|\bis\b)|one of|choose from|choose one|"
    r"\b(options|voices|formats|values|types|sizes|languages)( are)?:|"
    r"(should|must|expected to) be( one of)?|expected( one of)?|instead of|\b(try|use)\b( one of)?|"
    r"such as|e\.g\.|did you mean|\bonly(?= ['\"`\[])",
    re.I,
)
_QUOTED = re.compile(r"['\"`‘“]([^'\"`’”\s]{1,80})['\"`’”](?!: )")
"""A quoted word, but the name of a value in what Python prints of an error."""
_BARE = re.compile(r"\[([\w.:+-]+(?: [\w.:+-]+)+)\]")
"""A list as Go prints it: neither quotes nor commas."""
_PLAIN = re.compile(r"[A-Za-z][\w./:+-]{0,79}")
_CUES_READ, _LIST_READ = 20, 600
_LITTLE_WORDS = frozenset(
    "a an and are be following for from is list model must non-empty none not null of one or please provided "
    "given present required sent set should size sizes specified str string the these this use valid value "
    "values voice voices with".split()
)


_ANY = frozenset(
    "allowed allowed_values available available_values enum options possible_values supported "
    "supported_values valid_values".split()
)
"""Names of lists that do not say of which field they are."""


def offers_for(refusal: Refusal, name: str, sent: str) -> Iterator[str]:
    """The values that a refusal offers for the field `name` but `sent`: as data, else in its words."""
    of_this = name.rpartition("_")[2]
    for listed, values in refusal.offers:
        if of_this in listed or listed in _ANY:
            yield from (value for value in values if value.lower() != sent.lower())
            return
    yield from offered(refusal.text, sent)


def offered(text: str, sent: str) -> Iterator[str]:
    """The values that `text` lists after words such as "supported" or "one of", in its order, but `sent`.

    Quoted ones where there are any, else the words of the first list.
    """
    seen = {sent.lower()}
    for value in _listed(text):
        if value.lower() not in seen:
            seen.add(value.lower())
            yield value


def _listed(text: str) -> Iterator[str]:
    first = _CUE.search(text)
    if first is None:
        return
    quoted = _QUOTED.findall(text, first.start())
    if quoted:
        yield from quoted
        return
    bare = _BARE.search(text, first.start())
    if bare:
        yield from bare.group(1).split()
        return
    for cue in islice(_CUE.finditer(text), _CUES_READ):
        rest = re.split(r"[\])}]|\.\s|\.$|;", text[cue.end() : cue.end() + _LIST_READ], maxsplit=1)[0]
        words = [word.strip(" .:'\"[(") for word in re.split(r",|\||\bor\b|\band\b|/(?=\s)", rest)]
        words = [word for word in words if _PLAIN.fullmatch(word) and word.lower() not in _LITTLE_WORDS]
        if words:
            yield from words
            return
