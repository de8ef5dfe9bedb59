"""How people of a language write numbers and dates; the texts stay English.

The browser says which language in Accept-Language. Separators and the order of a date are those of the
Unicode CLDR (short dates, with the year in four digits); a language that is not in the table, or no language
at all, gets 1,234.5 and 2026-03-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import g, has_request_context, request

_NARROW, _NO_BREAK = "\u202f", "\u00a0"


@dataclass(frozen=True, slots=True)
class Manner:
    """Separators of a number, and the patterns of a date and of a time (`strftime`)."""

    group: str = ","
    decimal: str = "."
    day: str = "%Y-%m-%d"
    time: str = "%H:%M:%S"

    def number(self, text: str) -> str:
        """A number that was formatted as Python does it, `1,234.5`, as these people write it."""
        return text.translate(str.maketrans(",.", self.group + self.decimal))

    def date(self, moment: datetime) -> str:
        """The day of a moment."""
        return moment.strftime(self.day)

    def short(self, moment: datetime) -> str:
        """A moment of the last weeks, for the foot of a chart: day, month, hour and minute."""
        day, time = self.day.replace("%Y", "").strip("./- "), self.time.replace(":%S", "").replace(".%S", "")
        return moment.strftime(f"{day} {time}")

    def moment(self, moment: datetime) -> str:
        """Day and time of a moment in UTC."""
        return moment.strftime(f"{self.day} {self.time} UTC")


USUAL = Manner()
_DOTTED, _SLASHED, _DASHED = "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y"
_HALVES = "%I:%M:%S %p"
MANNERS: Mapping[str, Manner] = {
    "en": USUAL,
    "en-US": Manner(day="%m/%d/%Y", time=_HALVES),
    "en-GB": Manner(day=_SLASHED),
    "en-IE": Manner(day=_SLASHED),
    "en-AU": Manner(day=_SLASHED, time=_HALVES),
    "en-NZ": Manner(day=_SLASHED, time=_HALVES),
    "en-IN": Manner(day=_SLASHED, time=_HALVES),
    "de": Manner(".", ",", _DOTTED),
    "de-AT": Manner(_NO_BREAK, ",", _DOTTED),
    "de-CH": Manner("’", ".", _DOTTED),
    "nl": Manner(".", ",", _DASHED),
    "fr": Manner(_NARROW, ",", _SLASHED),
    "fr-CH": Manner(_NARROW, ",", _DOTTED),
    "it": Manner(".", ",", _SLASHED),
    "es": Manner(".", ",", _SLASHED),
    "es-MX": Manner(",", ".", _SLASHED),
    "pt": Manner(".", ",", _SLASHED),
    "pt-PT": Manner(_NO_BREAK, ",", _SLASHED),
    "da": Manner(".", ",", _DOTTED, "%H.%M.%S"),
    "nb": Manner(_NO_BREAK, ",", _DOTTED),
    "no": Manner(_NO_BREAK, ",", _DOTTED),
    "sv": Manner(_NO_BREAK, ","),
    "fi": Manner(_NO_BREAK, ",", _DOTTED, "%H.%M.%S"),
    "pl": Manner(_NO_BREAK, ",", _DOTTED),
    "cs": Manner(_NO_BREAK, ",", _DOTTED),
    "hu": Manner(_NO_BREAK, ",", "%Y. %m. %d."),
    "el": Manner(".", ",", _SLASHED),
    "tr": Manner(".", ",", _DOTTED),
    "ru": Manner(_NO_BREAK, ",", _DOTTED),
    "uk": Manner(_NO_BREAK, ",", _DOTTED),
    "ja": Manner(day="%Y/%m/%d"),
    "zh": Manner(day="%Y/%m/%d"),
    "ko": Manner(day="%Y. %m. %d."),
}
"""By the tag of the language; a tag that is not here is looked for without its region."""


def current() -> Manner:
    """The manner of whose request it is; the usual one outside of a request."""
    if not has_request_context():
        return USUAL
    if "manner" not in g:
        g.manner = MANNERS[request.accept_languages.best_match(MANNERS, default="en")]
    manner: Manner = g.manner
    return manner
