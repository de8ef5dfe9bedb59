"""A secret that is shown on exactly one page: the one that the browser is sent to after it was created.

It travels there in the session cookie, sealed as API keys are and bound to the person and to what it is of;
the cookie alone reveals nothing. Showing it takes it out, so that loading the page again shows it no
more, and no form is sent twice.
"""

from __future__ import annotations

import base64
import binascii

from flask import session

from app.store import vault
from app.web.guards import current_actor

_PLACE = "shown_once"


def keep(text: str, of: str) -> None:
    """Keep a secret for the next page that takes the one of `of` (an id). VaultError without a key ring."""
    session[_PLACE] = [of, base64.b64encode(vault.seal(text, _bound(of))).decode()]


def take(of: str) -> str:
    """The secret that was kept for `of`, this once; "" where there is none."""
    kept = session.get(_PLACE)
    if not isinstance(kept, list) or len(kept) != 2 or kept[0] != of:
        return ""
    del session[_PLACE]
    try:
        return vault.open_(base64.b64decode(kept[1]), _bound(of))
    except (vault.VaultError, binascii.Error):
        # The key ring was changed in the meantime, or another person has signed in: nothing to show.
        return ""


def _bound(of: str) -> str:
    return f"shown once:{current_actor().id}:{of}"
