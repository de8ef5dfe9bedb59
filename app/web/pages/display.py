"""How values read on a page: times, money and durations as words for people."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from app.probe.capabilities import CAPABILITY_BY_NAME
from app.probe.model_types import MODEL_TYPES
from app.registry.declared.price_catalogue import ListedPrices
from app.registry.document import rfc3339
from app.registry.endpoints.catalog import OfferedModel
from app.web.pages import locales

SAMPLE_IN, SAMPLE_OUT = 1000, 500
_STEPS = ((60, 1, "second"), (3600, 60, "minute"), (86400, 3600, "hour"), (30 * 86400, 86400, "day"))


def label_of(name: str) -> str:
    """A check's or capability's name as words: `tool_calling` is "Tool calling"."""
    row = CAPABILITY_BY_NAME.get(name)
    return row.label if row else name.replace("_", " ").capitalize()


def type_label(name: str) -> str:
    """A model type in words; one that is not known reads as itself."""
    kind = MODEL_TYPES.get(name)
    return kind.label if kind else name


def moment_of(value: datetime | str) -> datetime:
    """A time of the database or of a report (RFC 3339) as an aware one in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def exact(value: datetime | str) -> str:
    """The exact time for a person, 2026-03-01 12:00:00 UTC, as people of the page's language write it."""
    return locales.current().moment(moment_of(value))


def number(value: float, digits: int | None = None) -> str:
    """A number as people of the page's language write it, with so many digits behind the point or its own."""
    if digits is not None:
        return locales.current().number(f"{value:,.{digits}f}")
    text = f"{value:,.12f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
    return locales.current().number(text)


def range_of(skipped: int, shown: int, total: int) -> str:
    """Which models of how many a page of a list shows: "31–60 of 305 models", or "6 models"."""
    noun = "model" if total == 1 else "models"
    if shown >= total:
        return f"{number(total)} {noun}"
    return f"{number(skipped + 1)}–{number(skipped + shown)} of {number(total)} {noun}"


def ago(value: datetime | str, now: datetime | None = None) -> str:
    """How long ago a time was, or how soon it comes, as words; past 30 days it is the date."""
    moment = moment_of(value)
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    distance = abs(seconds)
    if distance < 5:
        return "just now"
    for bound, unit, word in _STEPS:
        if distance < bound:
            count = int(distance // unit)
            amount = f"{count} {word}{'' if count == 1 else 's'}"
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return locales.current().date(moment)


def lasting(value: datetime | str, now: datetime | None = None) -> str:
    """How long something has lasted, as the end of a sentence: "for 47 minutes", "since 2026-03-01"."""
    words = ago(value, now)
    if words == "just now":
        return "for a moment"
    return f"for {words.removesuffix(' ago')}" if words.endswith(" ago") else f"since {words}"


def since(value: datetime | str, now: datetime | None = None) -> str:
    """When something began: the time of a moment of the last day, else the day too."""
    moment = moment_of(value)
    if (now or datetime.now(UTC)) - moment < timedelta(days=1):
        return f"since {moment:%H:%M} UTC"
    return f"since {locales.current().date(moment)}, {moment:%H:%M} UTC"


def brief(value: datetime | str, now: datetime | None = None) -> str:
    """How long ago a time was, short enough for a table: "47 min", "9 days"; past 30 days it is the date."""
    words = ago(value, now).removesuffix(" ago")
    short = words.replace("minute", "min").replace("second", "s").replace("hour", "h")
    return _PLURAL.sub(r"\1", short)


_PLURAL = re.compile(r"(?<= )(min|s|h)s$")


def brief_ago(value: datetime | str, now: datetime | None = None) -> str:
    """The same of something that happened: "47 min ago", "just now"."""
    words = brief(value, now)
    return f"{words} ago" if ago(value, now).endswith(" ago") else words


def money(value: float | None) -> str:
    """An amount in US dollars with the digits that it has, at least two behind the point."""
    if value is None:
        return ""
    whole, _, part = f"{value:.12f}".rstrip("0").partition(".")
    return "$" + locales.current().number(f"{int(whole):,}.{part.ljust(2, '0')}")


def dollars(stated: str | None) -> str:
    """The same of an amount as a form holds it, "?" where nobody stated one."""
    return money(float(stated)) if stated else "?"


def duration(milliseconds: float | None) -> str:
    """A time span: 340 ms, 1.2 s, 2 min 5 s."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{number(milliseconds / 1000, 1)} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"


def percent(share: float) -> str:
    """A share of 1 as people read uptimes: 99.95 %, and 100 % only where it is whole."""
    return "100 %" if share >= 1 else f"{number(min(share * 100, 99.99), 2)} %"


def host_of(url: str) -> str:
    """The host and port of a URL, as the list shows it."""
    return urlsplit(url).netloc or url


def as_text(value: Any) -> str:
    """A value of the document as words."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(as_text(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{label_of(key).lower()}: {as_text(item)}" for key, item in value.items())
    if isinstance(value, int | float):
        return number(value)
    text = str(value)
    with suppress(ValueError, OverflowError):  # a name that looks like a time and is none
        return exact(text) if _MOMENT.fullmatch(text) else text
    return text


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def sample_cost(input_cost: float | None, output_cost: float | None) -> str:
    """What a request of a usual size costs at these prices, as a sentence; "" where none is known."""
    if input_cost is None and output_cost is None:
        return ""
    cost = ((input_cost or 0) * SAMPLE_IN + (output_cost or 0) * SAMPLE_OUT) / 1_000_000
    sent, answered = number(SAMPLE_IN), number(SAMPLE_OUT)
    return f"A request with {sent} tokens in and {answered} out costs {money(round(cost, 8))}."


def offer_words(offer: OfferedModel) -> str:
    """What an endpoint's list says of a model, beside its id: context, prices, type."""
    values = offer.values
    parts = [f"{number(offer.context_window)} tokens of context"] if offer.context_window else []
    if "input_cost" in values or "output_cost" in values:
        parts.append(
            f"{dollars(values.get('input_cost'))} in, {dollars(values.get('output_cost'))} out per million"
        )
    if offer.source:
        parts.append(f"prices from {offer.source}")
    if "model_type" in values:
        parts.append(values["model_type"])
    return "; ".join(parts)


def listed_words(listed: ListedPrices) -> str:
    """What the price catalogue knows of a model, with its name and version."""
    known = ", ".join(f"{dollars(value)} {_PRICE_WORDS[name]}" for name, value in listed.values.items())
    return f"{listed.source} has for this model: {known}. Nothing of it is stored unless you fill it in."


_PRICE_WORDS = {
    "input_cost": "in",
    "output_cost": "out",
    "cache_read_cost": "cache read",
    "cache_write_cost": "cache write",
}


def coded(text: str) -> Markup:
    """A sentence with what stands between `backticks` as code; everything else is escaped."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


_CODE = re.compile(r"`([^`\n]{1,200})`")

_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "Android": "Android", "iPhone": "an iPhone", "iPad": "an iPad", "Windows": "Windows", "Mac OS": "a Mac",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


def browser_words(sent: str) -> str:
    """What a browser calls itself, in words such as "Firefox on Linux"; many name others too."""
    browser = next((name for sign, name in _BROWSERS.items() if sign in sent), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in sent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or sent[:40] or "A browser that does not say"


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": ago, "lasting": lasting, "since": since, "brief": brief, "brief_ago": brief_ago,
    "exact": exact, "rfc3339": lambda value: rfc3339(moment_of(value)), "money": money, "number": number,
    "dollars": dollars, "duration": duration, "percent": percent,
    "host_of": host_of, "type_label": type_label,
    "shown": as_text, "words_of": label_of, "coded": coded, "offer_words": offer_words,
    "listed_words": listed_words,
    "browser_words": browser_words,
}  # fmt: skip
