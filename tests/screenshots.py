"""`make screenshots`: a picture of every page, in the folder `screenshots`.

Light, dark and narrow go through the pages as a person would; at the width of a tablet, on paper and without
scripts each address of that walk is opened anew. `python -m tests.screenshots docs` makes the pictures of
README and docs/ anew.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize
from werkzeug.serving import make_server

from app import config
from app.access import people
from app.factory import create_app
from app.practice.api import Practice
from app.practice.server import PracticeServer
from app.store import database, vault
from app.store.base import db
from app.store.migrations import revisions
from tests.browser import chromium
from tests.watched_days import add_watched_days

FOLDER = Path(__file__).parent.parent / "screenshots"
EMAIL, PASSWORD = "ada@example.com", "a password for pictures"
FORMS: dict[str, tuple[str, ViewportSize]] = {
    "light": ("light", chromium.WIDE),
    "dark": ("dark", chromium.WIDE),
    "narrow": ("light", chromium.NARROW),
}
AGAIN: dict[str, dict[str, Any]] = {
    "tablet": {"viewport": chromium.TABLET},
    "paper": {"viewport": {"width": 794, "height": 1123}},
    "plain": {"viewport": chromium.WIDE, "java_script_enabled": False},
}
PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
KEPT: dict[str, tuple[str, int]] = {
    "form-rejected": ("rejected", 720),
    "watch-models": ("list", 404),
    "incident": ("incident", 700),
}
"""What README and docs/ show: the name of the picture there, and how much of it, in pixels from the top."""

MODELS = (
    {"model_id": "practice-chat", "display_name": "Llama 3.1 8B, Frankfurt", "region": "europe",
     "supports_tool_calling": "true", "input_cost": "0.05", "output_cost": "0.08", "description":
     "General chat for internal tools. Run by the platform team; ask in #llm-platform."},
    {"model_id": "practice-chat-no-tools", "display_name": "Mistral 7B, on-prem", "region": "on-prem",
     "supports_tool_calling": "true", "input_cost": "0", "output_cost": "0"},
    {"model_id": "practice-reasoning", "display_name": "Reasoner", "region": "us", "has_reasoning": "true",
     "input_cost": "1.1", "output_cost": "4.4"},
    {"model_id": "practice-embedding", "display_name": "Embeddings for search", "region": "europe",
     "model_type": "embedding", "input_cost": "0.02"},
    {"model_id": "practice-completion", "display_name": "Completion model of the old autocomplete",
     "region": "on-prem", "model_type": "completion"},
)  # fmt: skip


def main() -> int:
    """Take every picture, or those of the forms that are named; exit status 1 where there is no Chromium."""
    keep = sys.argv[1:] == ["docs"]
    forms = ["light"] if keep else sys.argv[1:] or list(FORMS)
    path = chromium.executable()
    if path is None:
        sys.stderr.write("There is no Chromium on this machine: install the package chromium.\n")
        return 1
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    if not sys.argv[1:]:
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    with chromium.started(path) as browser:
        for name in forms:
            with served() as (url, app):
                picture_all(browser, url, name, app, keep=keep)
    count = len(list(FOLDER.iterdir()))
    sys.stdout.write(f"{count} pictures are in {FOLDER}.\n")
    return 0


@contextmanager
def served() -> Iterator[tuple[str, Flask]]:
    """Muster and the practice endpoint on loopback, with an empty database; the URL and Muster itself."""
    practice = PracticeServer(Practice().respond)
    practice.start()
    with tempfile.TemporaryDirectory() as folder:
        app = made(Path(folder), practice.server_port)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", app
        server.shutdown()
        server.server_close()
        with app.app_context():
            database.let_go()
    practice.stop()


def made(folder: Path, practice_port: int) -> Flask:
    """The application with one administrator."""
    app = create_app({"instance": folder, "rate_limit": 0, "practice": True, "practice_port": practice_port})
    config.ensure_secret(app.config["MUSTER"])
    vault.ensure_ring(app.config["MUSTER"])
    with app.app_context():
        revisions.upgrade_database()
        people.create_user(EMAIL, "admin", PASSWORD)
        db.session.commit()
    return app


def picture_all(browser: Browser, url: str, form: str, app: Flask, *, keep: bool = False) -> None:
    """Go through the pages as a person would, and take a picture of each, or those of README and docs/."""
    scheme, size = FORMS[form]
    context = chromium.window(browser, viewport=size, color_scheme=scheme)
    page = context.new_page()
    seen: dict[str, str] = {}

    def take(name: str) -> None:
        page.wait_for_load_state()
        if keep and name in KEPT:
            keep_picture(page, *KEPT[name])
        if keep:
            return
        seen.setdefault(page.url.partition("?done")[0], name)
        # A window as high as the page: what sticks to the window's end then stands where it ends up.
        height = int(page.evaluate("() => document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
        page.screenshot(path=FOLDER / f"{name}-{form}.png")
        page.set_viewport_size(size)

    page.goto(url + "/signin")
    take("signin")
    chromium.sign_in(page, url, EMAIL, PASSWORD)
    take("list-empty")
    for step in STEPS:
        step(page, url, take)
    many_pictures(page, url, take)
    add_watched_days(app)
    watch_pictures(page, url, take)
    context.close()
    if form == "light" and not keep:
        picture_again(browser, url, seen)


def keep_picture(page: Page, name: str, height: int) -> None:
    """A picture for README and docs/: the upper part of the page."""
    page.mouse.move(0, 0)
    page.screenshot(path=PICTURES / f"{name}.png", clip={"x": 0, "y": 0, "width": 1280, "height": height})


def picture_again(browser: Browser, url: str, seen: dict[str, str]) -> None:
    """Each address that was seen, in the other forms."""
    for form, options in AGAIN.items():
        context = chromium.window(browser, **options)
        page = context.new_page()
        chromium.sign_in(page, url, EMAIL, PASSWORD)
        for address, name in seen.items():
            page.goto(address)
            if form == "paper":
                page.emulate_media(media="print")
            page.screenshot(path=FOLDER / f"{name}-{form}.png", full_page=True)
        context.close()


Take = Callable[[str], None]


def form_pictures(page: Page, url: str, take: Take) -> None:
    """The form: empty, wrong, watched, rejected."""
    page.goto(url + "/models/new")
    take("form")
    page.get_by_role("button", name="Probe and register").last.click()
    page.locator("#problem").wait_for()
    take("form-invalid")
    page.goto(url + "/models/new?preset=practice")
    page.get_by_label("Model id", exact=True).fill("practice-chat-slow")
    page.get_by_role("button", name="Probe and register").last.click()
    page.locator("#live-proof").wait_for()
    page.wait_for_timeout(2300)
    take("form-live")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("Model id", exact=True).fill("practice-chatt")
    page.get_by_role("button", name="Probe and register").last.click()
    page.locator("#report").wait_for()
    take("form-rejected")


def model_pictures(page: Page, url: str, take: Take) -> None:
    """The list with models in it, a model's page, deleting, a page that is not there."""
    for values in MODELS:
        page.goto(url + "/models/new?preset=practice")
        register(page, values)
    take("detail-registered")
    page.goto(url + "/models")
    take("list")
    page.goto(url + "/models?q=nothing")
    take("list-no-match")
    page.goto(url + "/models")
    page.get_by_role("link", name=MODELS[1]["display_name"]).click()
    take("detail")
    for part in ("Checks", "History", "Use", "Document"):
        page.get_by_role("link", name=part, exact=True).click()
        take(f"detail-{part.lower()}")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Delete…").click()
    take("delete")
    page.goto(url + "/models/00000000-0000-7000-8000-000000000000")
    take("not-found")


def house_pictures(page: Page, url: str, take: Take) -> None:
    """Tokens, people, the audit log, settings, errors, the catalogue, one's own account."""
    page.goto(url + "/tokens/new")
    page.get_by_role("button", name="Make it").click()
    take("token-form")
    page.get_by_label("Name").fill("Nightly import")
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("only time it is shown").wait_for()
    take("token-made")
    page.get_by_role("link", name="Revoke…").click()
    take("token-revoke")
    page.goto(url + "/users/new")
    take("user-form")
    page.get_by_label("Email").fill("grace@example.com")
    page.get_by_role("button", name="Add them").click()
    page.get_by_text("only time it is shown").wait_for()
    take("user-added")
    page.get_by_role("link", name="Delete…").click()
    take("user-delete")
    for name in (
        "tokens",
        "users",
        "account",
        "audit",
        "catalogue",
        "about",
        "errors",
        "docs",
        "docs/models",
        "docs/schemas",
        "docs/schemas/models",
    ):
        page.goto(f"{url}/{name}")
        take(name.replace("/", "-"))
    page.goto(url + "/catalogue")
    page.get_by_role("rowheader").get_by_role("link", name=MODELS[0]["display_name"]).click()
    take("catalogue-model")
    page.goto(url + "/catalogue")
    for box in page.get_by_role("checkbox").all()[:4]:
        box.check()
    page.get_by_role("button", name="Compare side by side").click()
    take("catalogue-compare")
    page.goto(url + "/search?q=search")
    take("search")


def use_pictures(page: Page, url: str, take: Take) -> None:
    """Many models probed at once, a model with a history, and one that was tried."""
    page.goto(url + "/models")
    tick_all(page)
    take("list-ticked")
    page.get_by_role("button", name="Probe again").click()
    page.get_by_role("link", name="Back to the list").wait_for()
    take("bulk-probed")
    page.goto(url + "/models")
    tick_all(page)
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete them all").wait_for()
    take("bulk-delete")
    page.goto(url + "/models?sort=cost")
    take("list-sorted")
    page.get_by_role("link", name=MODELS[2]["display_name"]).click()
    page.get_by_role("link", name="Use", exact=True).click()
    page.get_by_label("Prompt").fill("Reply with the single word OK.")
    page.get_by_role("button", name="Send").click()
    page.locator("#tried dl").wait_for()
    take("detail-tried")


def compare_pictures(page: Page, url: str, take: Take) -> None:
    """Two models side by side: the choice, the price, while both are asked, and the answer."""
    page.goto(url + "/models")
    page.get_by_role("link", name=MODELS[0]["display_name"]).click()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Compare with another…").click()
    take("compare")
    page.get_by_label("Compare with").select_option(index=1)
    page.get_by_role("button", name="See the price").click()
    page.get_by_role("button", name="Compare").wait_for()
    take("compare-price")
    page.get_by_role("button", name="Compare").click()
    page.locator("#live-checks li").or_(page.locator("#result")).first.wait_for()
    take("compare-live")
    page.locator("#result").wait_for()
    take("compare-result")


def tick_all(page: Page) -> None:
    """Tick every model of the list."""
    for box in page.locator("#bulk input[name=id]").all():
        box.check()


def edit_pictures(page: Page, url: str, take: Take) -> None:
    """Changing a model, and a form that had a look at the endpoint's list."""
    page.goto(url + "/models")
    page.get_by_role("link", name=MODELS[0]["display_name"]).click()
    page.get_by_role("link", name="Change", exact=True).click()
    page.get_by_role("button", name="List the endpoint's models").click()
    page.get_by_text("The endpoint lists").or_(page.get_by_text("tokens of context")).first.wait_for()
    take("edit")


def many_pictures(page: Page, url: str, take: Take) -> None:
    """Endpoints, and many models of one registered at once."""
    page.goto(url + "/endpoints")
    take("endpoints")
    page.get_by_role("rowheader").get_by_role("link").click()
    take("endpoint")
    for name, label in (("endpoint-rotate", "Rotate the key"), ("endpoint-edit", "Change")):
        page.get_by_role("link", name=label, exact=True).click()
        take(name)
        page.go_back()
    page.get_by_role("button", name="See what it lists now").click()
    take("many")
    page.get_by_role("checkbox", name="practice-moderation").check()
    page.get_by_role("checkbox", name="practice-broken-stream").or_(
        page.get_by_role("checkbox", name="practice-rerank")
    ).first.check()
    page.get_by_label("Type of practice-moderation").select_option("embedding")
    page.get_by_label("Region of all of them").fill("europe")
    page.get_by_role("button", name="Probe and register").click()
    page.locator("#problem").wait_for()
    take("many-failed")
    page.goto(url + "/endpoints/new")
    take("many-new")


def watch_pictures(page: Page, url: str, take: Take) -> None:
    """What the watch brings: the first page, an incident, the list and a model that is down, channels."""
    for name in ("now", "models", "incidents", "channels", "maintenance", "channels/new", "maintenance/new"):
        page.goto(f"{url}/{name}")
        take("watch-" + name.replace("/", "-"))
    page.goto(url + "/now")
    page.get_by_role("rowheader").get_by_role("link").click()
    take("incident")
    page.goto(url + "/models?health=down")
    page.get_by_role("rowheader").get_by_role("link").first.click()
    take("detail-down")
    page.goto(url + "/models?health=stale")
    page.get_by_role("rowheader").get_by_role("link").first.click()
    take("detail-stale")
    page.goto(url + "/channels")
    page.get_by_role("link", name="On call").click()
    take("channel")


def register(page: Page, values: dict[str, str]) -> None:
    """Fill in the form that the practice preset began, and send it."""
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    for name, value in values.items():
        field = page.locator(f"[name={name}]")
        if name == "model_type":
            field.select_option(value)
        elif field.first.get_attribute("type") == "radio":
            page.locator(f"[name={name}][value={value}]").check()
        else:
            field.fill(value)
    page.get_by_role("button", name="Probe and register").last.click()
    page.get_by_role("heading", level=1, name=values["display_name"]).wait_for()


STEPS: tuple[Callable[[Page, str, Take], None], ...] = (
    form_pictures,
    model_pictures,
    use_pictures,
    compare_pictures,
    edit_pictures,
    house_pictures,
)

if __name__ == "__main__":
    sys.exit(main())
