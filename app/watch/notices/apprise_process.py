"""Asking the process that knows apprise (`messenger`), which is shut in and ends in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.config import ROOT
from app.probe.transport.egress.rules import EgressRules

_COMMAND = (sys.executable, "-m", "app.watch.notices.messenger")
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What it gets of this process's environment, which may hold keys."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whether a message was taken, the service's name, the host; `bad` is why the address can't be used."""

    ok: bool = False
    name: str = ""
    host: str = ""
    bad: str = ""


def ask(url: str, title: str, text: str | None, rules: EgressRules, *, closed: Path, within_s: float) -> Told:
    """Send a message to an address of apprise; without a text only look at the address.

    `closed` is a folder of which nothing may be read. Never raises for what a channel does.
    """
    kept = {"private": rules.private, "allow": rules.allow, "deny": rules.deny, "own": rules.own}
    given = {
        "url": url,
        "title": title,
        "body": text,
        "rules": kept | {"proxy": rules.proxy},
        "closed": str(closed),
    }
    try:
        ended = subprocess.run(
            _COMMAND,
            input=json.dumps(given).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=within_s,
            cwd=ROOT,
            env=environment(rules.proxy),
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Told(name=f"The channel was not done within {within_s:.0f} seconds, so it")
    try:
        return Told(**json.loads(ended.stdout))
    except ValueError:
        return Told()


def environment(proxy: str | None) -> dict[str, str]:
    """What the process gets of this one's environment."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | ({"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy} if proxy else {})
