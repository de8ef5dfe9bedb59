"""`python -m app.watch.notices.messenger`: one message to a channel of apprise, from a process of its own.

Apprise is a hundred plugins by as many people. They look names up anew, go where a server's answer sends
them, read files that their address names (`?template=`), and wait and read without a bound. So this process
is shut in before it meets an address, has nothing of the server's environment, and is ended after a while.

It reads one JSON object (url, title, body or null, rules, closed) and writes one (ok, name, host, bad).
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from apprise import Apprise, NotifyFormat
from apprise.manager_plugins import NotificationManager

from app.probe.transport.egress.rules import EgressRules
from app.watch.notices.addresses import BadChannel, refuse_denied
from app.watch.notices.shut_in import Guard

_IN_THE_MACHINE = frozenset(
    {
        "syslog", "dbus", "kde", "qt", "glib", "gio", "gnome", "macosx", "windows", "file", "memory", "exec",
        "script", "blink1",
    }
)  # fmt: skip
"""Schemes of apprise that reach into the machine that Muster runs on."""
_CALLS = re.compile(r"<(?=[!@#&])|(?<!\w)@(?=(?:all|channel|everyone|group|here|room|team)\b)", re.IGNORECASE)


def main() -> None:
    """Do what stands in the input, and say how it went."""
    asked = json.load(sys.stdin)
    given = asked["rules"]
    rules = EgressRules(
        given["private"],
        tuple(given["allow"]),
        tuple(given["deny"]),
        tuple((host, port) for host, port in given["own"]),
        proxy=given["proxy"],
    )
    NotificationManager().load_modules()  # type: ignore[no-untyped-call]
    guard = Guard(rules, asked["closed"])
    guard.shut()
    json.dump(_done(asked, rules, guard), sys.stdout)


def _done(asked: dict[str, Any], rules: EgressRules, guard: Guard) -> dict[str, Any]:
    told: dict[str, Any] = {"ok": False, "name": "", "host": "", "bad": ""}
    try:
        plugin = _plugin(asked["url"])
        told |= {"name": str(plugin.service_name), "host": _host(plugin, rules)}
        if asked["body"] is not None:
            told["ok"] = _sent(plugin, *(_calling_nobody(asked[part]) for part in ("title", "body")))
    except BadChannel as error:
        told["bad"] = str(error)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and none of it is for people
        told["name"] = told["name"] or type(error).__name__
    if guard.denied:
        told["bad"] = f"This address may not be contacted: {guard.denied}."
    return told


def _sent(plugin: Any, title: str, body: str) -> bool:
    """Send it as plain text: where a service takes HTML or Markdown, apprise writes it so that none is in it.

    An endpoint's words are in there, and a link in a mail of Muster's is believed.
    """
    service = Apprise()
    service.add(plugin)
    return bool(service.notify(body=body, title=title, body_format=NotifyFormat.TEXT.value))


def _calling_nobody(text: str) -> str:
    """A text in which nothing calls everybody of a channel, as `@here` and `<!channel>` do in many."""
    return _CALLS.sub(r"\g<0> ", text)


def _plugin(url: str) -> Any:
    """What apprise makes of an address."""
    scheme = url.partition(":")[0].strip().lower()
    if scheme in _IN_THE_MACHINE:
        raise BadChannel(f"{scheme}:// reaches into the machine that Muster runs on; that is never allowed.")
    plugin = Apprise.instantiate(url, suppress_exceptions=True)
    if plugin is None:
        raise BadChannel("This is no address that apprise knows: see its list of services.")
    # A redirect leads away from the address that an administrator chose, whatever `redirect=yes` says.
    plugin.redirects = False
    return plugin


def _host(plugin: Any, rules: EgressRules) -> str:
    """What people know the channel by; BadChannel where its host may not be contacted."""
    host = str(getattr(plugin, "host", "") or "")
    named = str(getattr(plugin, "smtp_host", "") or host)
    if not any("{host}" in template for template in getattr(plugin, "templates", ())):
        return str(plugin.service_name)
    refuse_denied(named, int(getattr(plugin, "port", None) or 443), rules)
    return host


if __name__ == "__main__":
    main()
