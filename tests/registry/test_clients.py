"""Which clients a model works with: the table, and the answer for each."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from app.probe.capabilities import CAPABILITIES, CAPABILITY_BY_NAME
from app.registry.clients import CLIENT_BY_NAME, CLIENTS, WorksWith, works_with
from app.store.models import SEARCHED, seen_text

ALL: dict[str, dict[str, Any]] = {row.name: {"observed": True} for row in CAPABILITIES}


def found(client: str, capabilities: dict[str, dict[str, Any]]) -> WorksWith:
    """The answer for one client."""
    return next(one for one in works_with("chat", capabilities) if one.client.name == client)


@pytest.mark.parametrize("client", CLIENTS, ids=[client.name for client in CLIENTS])
def test_a_row_names_capabilities_that_exist_and_its_source(client: Any) -> None:
    assert {*client.required, *client.helpful} <= set(CAPABILITY_BY_NAME)
    assert not set(client.required) & set(client.helpful)
    assert client.source.startswith("https://") and client.read <= date.today()
    assert all(CAPABILITY_BY_NAME[name].is_filter for name in client.required), "the list filters by them"


def test_names_are_unique() -> None:
    assert len(CLIENT_BY_NAME) == len(CLIENTS)


def test_a_model_that_can_do_everything_works_with_all() -> None:
    assert {one.works for one in works_with("chat", ALL)} == {"yes"}


def test_a_required_capability_that_is_missing_decides() -> None:
    one = found("codex-cli", ALL | {"responses_tools": {"observed": False}})
    assert (one.works, one.decided_by) == ("no", ("responses_tools",))


def test_what_no_probe_could_tell_is_not_told() -> None:
    one = found("codex-cli", ALL | {"responses_tools": {"observed": None, "declared": True}})
    assert (one.works, one.decided_by) == ("not_told", ("responses_tools",))
    assert found("codex-cli", {}).works == "not_told"


def test_what_is_missing_outweighs_what_could_not_be_told() -> None:
    known = ALL | {"responses_api": {"observed": False}, "responses_tools": {"observed": None}}
    one = found("codex-cli", known)
    assert (one.works, one.decided_by) == ("no", ("responses_api",))


def test_a_helpful_capability_only_limits() -> None:
    one = found("cline", ALL | {"vision": {"observed": False}})
    assert (one.works, one.limited_by) == ("yes", ("vision",))


def test_a_client_of_any_chat_model_takes_one_of_which_nothing_is_known() -> None:
    assert found("aider", {}).works == "yes"


def test_other_model_types_are_not_in_the_table() -> None:
    assert works_with("embedding", {}) == []


def test_every_filter_fits_into_the_index() -> None:
    """Even a model that can do everything is found by each of its capabilities.

    Where they no longer fit: a longer SEARCHED, with its migration, or `is_filter=False` in the new row.
    """
    text = seen_text(ALL)
    assert len(text) < SEARCHED
    assert all(f",{row.name}," in text for row in CAPABILITIES if row.is_filter)
