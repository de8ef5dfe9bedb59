"""Who signs in at the proxy that was chosen for a new endpoint: typed once, sealed from then on, never shown.

It is kept for the next step as a typed key is, and for that proxy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from app.registry.endpoints.proxies import address_shown, joined, parts_of
from app.registry.form.fields import FieldError, Input
from app.web.guards import current_actor
from app.web.pages.register import held_keys
from app.web.pages.register.held_keys import Held

USER, PASSWORD, HELD = "proxy_user", "proxy_password", "held_proxy"
_ELSEWHERE = "The user and password were typed for {origin}. Type them again for this proxy."
_NOBODY = "Type the user that goes with the password."


@dataclass(slots=True)
class ProxySignIn:
    """What is kept from the step before, and what is wrong with what was typed."""

    held: Held | None = None
    problem: str = ""

    def keep(self, proxy: Input) -> None:
        """Hold what the field's URL signs in with for the next step. Commits."""
        origin, signs_in = parts_of(proxy.data) if proxy.data and not proxy.errors else ("", "")
        if signs_in and not (self.held and self.held.key(origin) == signs_in):
            self.held = held_keys.hold(signs_in, origin, current_actor().id)

    def drop(self) -> None:
        """Forget what was held: the endpoint has it now. Commits."""
        if self.held:
            held_keys.drop(self.held.id)

    def is_valid(self, proxy: Input) -> bool:
        """Whether it can be used; otherwise the proxy's field says why not."""
        if self.problem:
            proxy.errors = [FieldError(self.problem, "required")]
        return not self.problem


def read(sent: Mapping[str, str], proxy: Input) -> ProxySignIn:
    """Put the typed user and password, or those of the step before, into the URL of the field."""
    user, password, address = sent.get(USER, "").strip(), sent.get(PASSWORD, ""), proxy.data or ""
    if not address:
        return ProxySignIn()
    if user:
        proxy.data = joined(address_shown(address), f"{quote(user, safe='')}:{quote(password, safe='')}")
        return ProxySignIn()
    if password:
        return ProxySignIn(problem=_NOBODY)
    held = held_keys.find(sent.get(HELD, ""), current_actor().id)
    if held is None:
        return ProxySignIn()
    if not held.fits(address):
        return ProxySignIn(problem=_ELSEWHERE.format(origin=held.origin))
    proxy.data = joined(address_shown(address), held.key(address))
    return ProxySignIn(held)
