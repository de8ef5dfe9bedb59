"""The real browser: Debian's Chromium, driven by Playwright, and what is looked at in every page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.conftest import LiveServer, browser_of

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
_RUN_AXE = """async (options) => {
  const { violations, passes } = await axe.run(document, options);
  return { violations, passes: passes.length };  // to carry all that passed out of the browser takes long
}"""
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # One process draws all pages of a window; a process for each site is of no use where there is one site.
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--disable-software-rasterizer",
    # Pages are left so soon that to compile their scripts well takes longer than it saves.
    "--js-flags=--no-maglev,--no-turbofan",
]
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
WIDE: ViewportSize = {"width": 1280, "height": 900}
TABLET: ViewportSize = {"width": 820, "height": 1100}
PAPER: ViewportSize = {"width": 718, "height": 1000}
"""A4 upright within its margins."""
NARROW: ViewportSize = {"width": 360, "height": 740}


def executable() -> str | None:
    """Where Chromium is, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def started(path: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def window(browser: Browser, **options: Any) -> BrowserContext:
    """A window of its own, wide unless told otherwise. Its bounds of time end a test that hangs: on a machine
    with much else to do a page may take many seconds."""
    made = browser.new_context(**{"viewport": WIDE, **options})
    made.set_default_timeout(PATIENCE_MS)
    return made


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    """Sign in through the form, and go on to the list of models."""
    page.goto(url + "/signin")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(url + "/now")
    page.goto(url + "/models")


def let_in(page: Page, server: LiveServer, email: str) -> None:
    """Have somebody signed in without the form, which takes three pages."""
    cookie = browser_of(server.app, email).get_cookie("muster")
    assert cookie is not None, "a session is kept in it"
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": server.url}])


@contextmanager
def without_scripts(browser: Browser, server: LiveServer, email: str) -> Iterator[Page]:
    """A page in a window of its own that runs no scripts, with this person signed in."""
    context = window(browser, java_script_enabled=False)
    page = context.new_page()
    let_in(page, server, email)
    yield page
    context.close()


def complaints(page: Page, *rules: str) -> list[str]:
    """What axe-core finds wrong with the page as it is now, a line each; by all its rules, or by these."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found: dict[str, Any] = page.evaluate(_RUN_AXE, options)
    assert found["passes"], "axe-core looked at nothing"
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:160]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("() => document.documentElement.scrollWidth - innerWidth"))


def cut_off(page: Page, parts: str = "main *") -> list[str]:
    """What of these parts can't be read where nothing scrolls: what is wider than its place."""
    found: list[str] = page.evaluate(
        """(parts) => [...document.querySelectorAll(parts)].filter((one) =>
          one.clientWidth > 2 && one.scrollWidth > one.clientWidth + 1 && one.checkVisibility()
          && getComputedStyle(one).overflowX !== "visible"
          && !one.matches("input, select, textarea, .visually-hidden")
        ).map((one) => one.outerHTML.slice(0, 120))""",
        parts,
    )
    return found


@contextmanager
def watched_console(page: Page) -> Iterator[list[str]]:
    """A list that fills with what the browser complains of: errors of scripts, breaches of the CSP."""
    heard: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # An answer of 400 or more is part of what is tested.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            heard.append(message.text)

    def hear_of(error: Error) -> None:
        heard.append(str(error))

    page.on("console", hear)
    page.on("pageerror", hear_of)
    yield heard
    page.remove_listener("console", hear)
    page.remove_listener("pageerror", hear_of)


def forget(page: Page, server: LiveServer) -> None:
    """Make a page as good as new: no cookie, nothing stored, nothing emulated, nothing under way."""
    page.context.set_offline(False)
    page.goto(server.url + "/healthz")  # has no script that could store anything more
    page.context.clear_cookies()
    page.context.clear_permissions()
    page.emulate_media(media="null")
    page.set_viewport_size(WIDE)
    page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
