"""What holds for every page, light, dark and narrow: axe-core finds nothing, nothing is too wide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

import pyotp
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.browser.conftest import EMAIL, KEY, Endpoint, open_model
from tests.browser.test_form import fill, unfold
from tests.conftest import PASSWORD, LiveServer

LOOKED_AT: Mapping[str, frozenset[str]] = {
    "test_axe_finds_nothing": frozenset({
        "signin.signin", "models.index", "register.new", "models.detail", "models.history", "models.use",
        "models.as_document", "models.checks", "models.delete",
    }),
    "test_axe_finds_nothing_where_models_are_worked_with": frozenset({
        "models.use", "audit.index", "models.index", "models.bulk.nothing_sent", "api_reference.index",
        "api_reference.calls", "api_reference.schemas",
    }),
    "test_axe_finds_nothing_where_a_price_is_told_first": frozenset({
        "models.costly.ask_deep", "models.costly.ask_repeat", "models.comparing.choose", "models.checks",
    }),
    "test_axe_finds_nothing_in_the_rest_of_the_house": frozenset({
        "tokens.index", "tokens.new", "tokens.detail", "tokens.revoke", "users.index", "users.new",
        "users.detail", "users.delete", "account.index", "second_factor.index", "signin.code", "audit.index",
        "about.index", "error_reference.index", "catalogue.index", "catalogue.detail", "catalogue.compare",
        "find.index", "help.index", "help.page", "register.edit", "models.labels.edit", "models.call",
        "api_reference.objects",
    }),
    "tests/browser/test_watch.py": frozenset({
        "now.index", "models.index", "models.detail", "endpoints.index", "endpoints.many.new",
        "endpoints.detail",
        "endpoints.change.edit", "endpoints.change.rotate", "endpoints.delete", "endpoints.many.choose",
        "incidents.index", "incidents.detail", "channels.index", "channels.new", "channels.detail",
        "channels.delete", "channels.edit", "maintenance.new", "maintenance.index", "catalogue.index",
    }),
}  # fmt: skip
"""Where axe looks, by the test that has it look there."""

NO_PAGES = frozenset({
    "static", "frame.root", "security_txt.show", "health.healthz", "health.readyz", "api_badge.badge",
    "models.badge", "models.as_json", "models.playground.nothing_sent", "single_sign_on.begin",
    "single_sign_on.callback", "single_sign_on.leave",
})  # fmt: skip
"""What answers a browser with no page of its own, or with one that leads on at once."""

HOUSE = (
    "/tokens", "/users", "/users/new", "/account", "/account/second-factor", "/audit",
    "/audit?q=nothing&since=2026-01-01", "/about",
    "/errors#timeout", "/catalogue", "/catalogue?q=nothing", "/catalogue/{model}",
    "/catalogue/compare?id={model}", "/search?q=our", "/search?q=nothing", "/help", "/help/quick-start",
    "/models/{model}/edit", "/models/{model}/labels", "/models/{model}/checks/proof", "/docs/schemas",
)  # fmt: skip


class Watched:
    """A page, what was found wrong with what it showed, by name and look, and where it was looked at."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: dict[str, object] = {}
        self.paths: set[str] = set()

    def look(self, name: str = "") -> None:
        """Have axe look at the page as it is, light, dark and narrow; without a name the address names it."""
        name = name or self.page.url
        self.paths.add(urlsplit(self.page.url).path)
        self._note(name, "light")
        self._keep(f"{name}, wide", chromium.cut_off(self.page, "main .scroll"))
        self.page.emulate_media(color_scheme="dark")
        self._note(name, "dark", "color-contrast")  # the dark look differs in colours alone
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(chromium.NARROW)
        self._note(name, "narrow")
        self.page.set_viewport_size(chromium.TABLET)
        self._keep(f"{name}, tablet", chromium.cut_off(self.page, "main .scroll"))
        self.page.emulate_media(media="print")
        self.page.set_viewport_size(chromium.PAPER)
        self._keep(f"{name}, paper", chromium.cut_off(self.page))
        self.page.emulate_media(media="screen")
        self.page.set_viewport_size(chromium.WIDE)

    def _note(self, name: str, look: str, *rules: str) -> None:
        self._keep(f"{name}, {look}", chromium.complaints(self.page, *rules))

    def _keep(self, place: str, found: list[str]) -> None:
        if (pixels := chromium.overflow(self.page)) > 0:
            found = [*found, f"{pixels} pixels too wide"]
        if found:
            self.found[place] = found


def pages_of(app: Flask, paths: Iterable[str]) -> set[str]:
    """The pages of the program that have these addresses."""
    where = app.url_map.bind("localhost")
    return {str(where.match(path)[0]) for path in paths}


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A page that nobody is signed in on; axe may run in it."""
    context = chromium.window(browser, color_scheme="light", bypass_csp=True)
    yield Watched(context.new_page())
    context.close()


def test_axe_looks_at_every_page(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    pages = {rule.endpoint for rule in rules if not _is_of_programs(rule.rule)}
    assert pages - NO_PAGES == frozenset().union(*LOOKED_AT.values())


def _is_of_programs(path: str) -> bool:
    return path.startswith(("/v1/", "/v2/", "/v3/", "/metrics", "/openapi.json"))


def test_axe_finds_nothing(app: Flask, watched: Watched, live_server: LiveServer, endpoint: Endpoint) -> None:
    page, look = watched.page, watched.look
    page.goto(live_server.url + "/signin")
    look("sign in")
    page.get_by_role("button", name="Sign in").click()
    look("sign in, wrong")
    chromium.sign_in(page, live_server.url, EMAIL, PASSWORD)
    look("empty list")
    page.goto(live_server.url + "/models/new?preset=vllm")
    look("form")
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.locator("#problem")).to_be_visible()
    look("form, wrong")
    fill(page, endpoint, **{"Model id": "practice-chatt"})
    unfold(page, "Declared capabilities", "Prices", "Owner", "Limits", "How it is probed")
    page.get_by_role("group", name="Tool calling").get_by_label("Yes").check()
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.locator("#report")).to_be_visible()
    look("form, rejected")
    with endpoint.silent():
        page.get_by_role("button", name="Use practice-chat-slow and probe again").click()
        expect(page.locator("#live-proof")).to_be_visible()
        look("live")
        page.get_by_role("button", name="Cancel").click()
    fill(page, endpoint, **{"API key": KEY, "Model id": "practice-chat-no-tools"})
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ours")
    look("detail")
    url = page.url
    for part in ("History", "Use", "Document", "Checks"):
        page.get_by_role("link", name=part, exact=True).click()
        for summary in page.locator("main section summary").all():
            summary.click()
        look(part)
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Delete…").click()
    look("delete")
    page.goto(live_server.url + "/models")
    look("list")
    for menu in ("Filters", "Columns"):
        page.get_by_text(menu, exact=True).click()
        look(menu)
    page.keyboard.press("/")
    page.keyboard.type("ours")
    everything = page.get_by_role("search", name="Everything")
    expect(everything.get_by_role("link", name="Ours practice-chat")).to_be_visible()
    look("found")
    page.goto(re.sub(r"[0-9a-f]{4}$", "ffff", url.partition("?")[0]))
    look("not found")
    assert watched.found == {}
    assert pages_of(app, watched.paths) == LOOKED_AT["test_axe_finds_nothing"]


def test_axe_finds_nothing_where_models_are_worked_with(
    app: Flask, watched: Watched, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page, look = watched.page, watched.look
    chromium.let_in(page, live_server, EMAIL)
    open_model(page, live_server, endpoint)
    page.get_by_role("link", name="Use", exact=True).click()
    page.get_by_label("Prompt").fill("Reply with the single word OK.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#tried dl")).to_be_visible()
    look("tried")
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("link", name="History in the audit log").click()
    look("audit log of one model")
    page.goto(live_server.url + "/models")
    page.get_by_label("All on this page").check()
    look("ticked")
    page.get_by_role("button", name="Probe again").click()
    expect(page.get_by_role("link", name="Back to the list")).to_be_visible()
    look("probed many")
    page.goto(live_server.url + "/models")
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("button", name="Delete it")).to_be_visible()
    look("delete many")
    page.goto(live_server.url + "/docs")
    look("reference")
    page.get_by_role("link", name="Models", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    look("calls")
    page.get_by_role("link", name="ModelMetadata", exact=True).or_(
        page.get_by_role("link", name="ModelRequest", exact=True)
    ).first.click()
    expect(page.get_by_role("heading", level=2, name="ModelRequest")).to_be_visible()
    look("objects")
    assert watched.found == {}
    assert pages_of(app, watched.paths) == LOOKED_AT["test_axe_finds_nothing_where_models_are_worked_with"]


def test_axe_finds_nothing_where_a_price_is_told_first(
    app: Flask, watched: Watched, live_server: LiveServer, endpoint: Endpoint
) -> None:
    page, look = watched.page, watched.look
    chromium.let_in(page, live_server, EMAIL)
    open_model(page, live_server, endpoint)
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Deep probe").click()
    look("deep")
    page.get_by_role("link", name="Back").click()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Try 10 times").click()
    look("repeat")
    page.get_by_label("How often").fill("3")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Reliability")).to_be_visible()
    expect(page.locator("#reliability")).to_contain_text("3 of 3")
    look("reliability")
    _compared(watched, live_server, endpoint)
    assert watched.found == {}
    assert pages_of(app, watched.paths) == LOOKED_AT["test_axe_finds_nothing_where_a_price_is_told_first"]


def _compared(watched: Watched, server: LiveServer, endpoint: Endpoint) -> None:
    """The choice, the price and the result of a comparison with a second model."""
    page = watched.page
    page.goto(server.url + "/models/new")
    fill(page, endpoint, **{"Model id": "practice-chat-no-tools", "Display name": "Theirs"})
    page.get_by_role("button", name="Probe and register").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Theirs")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Compare with another…").click()
    page.get_by_label("Compare with").select_option(index=1)
    page.get_by_role("button", name="See the price").click()
    watched.look("price of a comparison")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator("#result")).to_be_visible()
    watched.look("compared")


def test_axe_finds_nothing_in_the_rest_of_the_house(
    app: Flask, watched: Watched, live_server: LiveServer, endpoint: Endpoint, admin: str
) -> None:
    page, look = watched.page, watched.look
    chromium.let_in(page, live_server, admin)
    open_model(page, live_server, endpoint)
    model = page.url.partition("?")[0].rpartition("/")[2]
    page.goto(live_server.url + "/tokens/new")
    page.get_by_role("button", name="Make it").click()
    look()
    page.get_by_label("Name").fill("CI")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("only time it is shown")).to_be_visible()
    look()
    page.get_by_role("link", name="Revoke…").click()
    look()
    for path in HOUSE:
        page.goto(live_server.url + path.format(model=model))
        look()
    page.goto(live_server.url + "/users/new")
    page.get_by_label("Email").fill("grace@example.com")
    page.get_by_role("button", name="Add them").click()
    expect(page.get_by_text("only time it is shown")).to_be_visible()
    look()
    page.get_by_role("link", name="Delete…").click()
    look()
    _second_factor(watched, live_server.url, admin)
    assert watched.found == {}
    assert pages_of(app, watched.paths) == LOOKED_AT["test_axe_finds_nothing_in_the_rest_of_the_house"]


def _second_factor(watched: Watched, url: str, email: str) -> None:
    """Set it up with the code of now, which counts for half a minute more, and be asked for one."""
    page = watched.page
    page.goto(url + "/account/second-factor")
    app_of_theirs = pyotp.TOTP(page.locator("p code").inner_text())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code").fill(app_of_theirs.now())
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    watched.look("recovery codes")
    page.get_by_role("button", name="Sign out").click()
    page.goto(url + "/signin")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Your code")).to_be_visible()
    watched.look("code")


def test_focus_is_always_visible(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + "/models/new")
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "() => { const e = document.activeElement.closest('.three') ?? document.activeElement;"
            " return getComputedStyle(e).outlineStyle }"
        )
        assert outline != "none"


def test_a_call_is_copied(page: Page, live_server: LiveServer, endpoint: Endpoint) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(live_server.url + "/models/new")
    fill(page, endpoint)
    page.get_by_role("button", name="Probe and register").last.click()
    page.get_by_role("button", name="Copy the Python text").click()
    expect(page.get_by_role("button", name="Copied the Python text")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()").startswith("import os")
