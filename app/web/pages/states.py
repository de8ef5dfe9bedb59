"""How states look on a page: word, shape and tone, a row each."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.pages.display import label_of


@dataclass(frozen=True, slots=True)
class Badge:
    """A state on a page: its word, its shape (`templates/_shapes.html`) and its tone (`app.css`)."""

    label: str
    shape: str
    tone: str


BADGES: dict[str, Badge] = {
    "up": Badge("Up", "ok", "ok"),
    "degraded": Badge("Degraded", "warn", "warn"),
    "down": Badge("Down", "bad", "bad"),
    "unknown": Badge("Unknown", "idle", "idle"),
    "stale": Badge("Stale", "stale", "stale"),
    "open": Badge("Open", "bad", "bad"),
    "resolved": Badge("Resolved", "ok", "idle"),
    "acknowledged": Badge("Acknowledged", "tick", "idle"),
    "look-good": Badge("Works", "ok", "ok"),
    "look-failed": Badge("Failed", "bad", "bad"),
    "look-refused": Badge("Refused", "bad", "bad"),
    "look-untold": Badge("Not clear", "idle", "idle"),
    "sent": Badge("Sent", "ok", "ok"),
    "pending": Badge("Waiting", "run", "idle"),
    "dropped": Badge("Dropped", "off", "idle"),
    "passed": Badge("Passed", "ok", "ok"),
    "failed": Badge("Failed", "bad", "bad"),
    "inconclusive": Badge("Not clear", "idle", "idle"),
    "skipped": Badge("Skipped", "skip", "idle"),
    "running": Badge("Running", "run", "idle"),
    "accepted": Badge("Accepted", "ok", "ok"),
    "rejected": Badge("Rejected", "bad", "bad"),
    "enabled": Badge("Enabled", "ok", "ok"),
    "disabled": Badge("Disabled", "off", "idle"),
    "valid": Badge("Valid", "ok", "ok"),
    "revoked": Badge("Revoked", "off", "idle"),
    "expired": Badge("Expired", "off", "idle"),
    "suspended": Badge("Maker shut out", "off", "idle"),
    "active": Badge("May sign in", "ok", "ok"),
    "shut-out": Badge("Shut out", "off", "idle"),
    "yes": Badge("Yes", "tick", "ok"),
    "no": Badge("No", "cross", "idle"),
    "not_told": Badge("Not told", "idle", "idle"),
    "contradicted": Badge("No, but declared", "warn", "warn"),
}


def look_of(word: str) -> Badge:
    """How a state looks; one that is not known reads as itself."""
    return BADGES.get(word) or Badge(label_of(word), "idle", "idle")
