"""Where a redirect leads, which base it means, and what to do about it. None is followed with the key."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from app.probe.base_url import Base
from app.probe.conversation.talk import Conversation
from app.probe.proof import Outcome

_SIGN_IN = ("login", "signin", "sign-in", "sso", "/auth", "access/", "oauth")


def redirect_target(talk: Conversation, outcome: Outcome) -> tuple[str, Base | None]:
    """Where a redirect leads, and the base that it means: the target without the route that was asked for.
    No base for a login page, or for the one typed.
    """
    location = outcome.answer.headers.get("location", "")
    target = urljoin(outcome.answer.call.url, location) if location else ""
    parts, route = urlsplit(target), outcome.request.route.partition("?")[0]
    path = parts.path.rstrip("/")
    if parts.scheme not in ("http", "https") or not parts.netloc or not path.endswith(route):
        return target, None
    base = Base(parts.scheme, parts.netloc, path[: -len(route)].rstrip("/"), talk.base.query)
    return target, base if base != talk.base else None


def after_redirect(talk: Conversation, outcome: Outcome, where: str, base: Base | None) -> str:
    """What to do about a redirect to `where` (shown without its query), which means `base` if any."""
    if not where:
        return "It does not say to where: take the address of the API from its documentation."
    if base and base.netloc.lower() == talk.base.netloc.lower():
        return f"Use {base} as the base URL: a key is never sent along a redirect."
    if base:
        return f"If you trust it, use {base} as the base URL: a key is never sent along a redirect."
    if where == f"{outcome.answer.call.url.partition('?')[0]}/":
        return (
            "It wants a slash at the end of this route, which clients of the OpenAI API do not send: "
            "have the server take the route as it is."
        )
    if any(word in where.lower() for word in _SIGN_IN):
        return (
            "That looks like a sign-in before the API: use an address of the API without one, or "
            "have Muster's calls let past it."
        )
    return "A key is never sent along a redirect: take the address of the API from its documentation."
