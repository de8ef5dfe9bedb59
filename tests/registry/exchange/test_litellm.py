"""LiteLLM's definitions, read and written. What is written was once loaded into LiteLLM 1.106 and called."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.factory import create_app
from app.registry.exchange.litellm import config_file as litellm_config
from app.registry.exchange.litellm import exported as litellm_export
from app.registry.exchange.litellm import imported as litellm_import
from app.registry.exchange.litellm.names import per_million, per_token
from app.registry.form.json_body import Problem
from tests.registry.exchange.rows import HOSTILE, row

pytestmark = pytest.mark.usefixtures("settings_only")


def definition(**changes: Any) -> dict[str, Any]:
    """A good definition; `params` and `info` change its parts."""
    params = {"model": "openai/served", "api_base": "http://h:1/v1", "api_key": "sk-1"}
    made = {"model_name": "ours", "litellm_params": params | changes.pop("params", {})}
    return made | {"model_info": changes.pop("info", {})} | changes


def definitions(text: str) -> list[Any]:
    """The entries of a file."""
    return litellm_config.parse(text).definitions


def body(**changes: Any) -> dict[str, Any]:
    """What a definition asks to register."""
    entry, problems = litellm_import.read(definition(**changes))
    assert entry is not None, problems
    return entry.body


def problem(**changes: Any) -> Problem:
    """What is wrong with a definition."""
    entry, problems = litellm_import.read(definition(**changes))
    assert entry is None
    return problems[0]


def test_a_definition_becomes_a_request() -> None:
    assert body() == {
        "model_id": "ours",
        "display_name": "ours",
        "region": litellm_import.REGION,
        "base_url": "http://h:1/v1",
        "api_key": "sk-1",
        "model_type": "chat",
        "configuration": {"model_id": "served"},
    }


def test_what_it_declares() -> None:
    info = {
        "mode": "embedding",
        "input_cost_per_token": 1.5e-07,
        "output_cost_per_token": 0,
        "cache_read_input_token_cost": 1e-8,
        "supports_function_calling": True,
        "supports_vision": False,
        "supports_reasoning": None,
        "max_output_tokens": 4096,
        "base_model": "gpt-4o",
    }
    made = body(info=info, params={"temperature": 0.5, "region_name": "eu"})
    wanted: dict[str, Any] = {
        "input_cost": 0.15,
        "output_cost": 0,
        "cache_read_cost": 0.01,
        "supports_tool_calling": True,
    }
    wanted |= {"supports_vision": False, "max_tokens": 4096, "benchmark_model": "gpt-4o", "region": "eu"}
    assert made.items() >= (wanted | {"temperature": 0.5, "model_type": "embedding"}).items()
    assert "has_reasoning" not in made


def test_parameters_win_over_the_information() -> None:
    made = body(params={"max_tokens": 10, "input_cost_per_token": 1e-6}, info={"max_tokens": 20})
    assert (made["max_tokens"], made["input_cost"]) == (10, 1.0)


@pytest.mark.parametrize(
    ("model", "kind", "sent", "model_type"),
    [
        ("openai/a/b", None, "a/b", "chat"),
        ("text-completion-openai/m", None, "m", "completion"),
        ("hosted_vllm/org/m", None, "org/m", "chat"),
        ("groq/m", None, "m", "chat"),
        ("bare", None, "bare", "chat"),
        ("org/m", "openai", "org/m", "chat"),
        ("openai/m", "openai", "m", "chat"),
    ],
)
def test_kinds(model: str, kind: str | None, sent: str, model_type: str) -> None:
    made = body(params={"model": model, "custom_llm_provider": kind})
    assert (made["configuration"], made["model_type"]) == ({"model_id": sent}, model_type)


def test_the_same_name_needs_no_second_id() -> None:
    assert "configuration" not in body(model_name="served")


def test_a_name_of_the_workspaces_own() -> None:
    made = body(model_name="served", model_id="slug")
    assert (made["model_id"], made["configuration"]) == ("slug", {"model_id": "served"})


@pytest.mark.parametrize(
    ("key", "taken"),
    [("os.environ/MUSTER_KEY_A", "env://MUSTER_KEY_A"), ("", ""), (None, ""), ("none", ""), ("sk-2", "sk-2")],
)
def test_keys(key: str | None, taken: str) -> None:
    assert body(params={"api_key": key})["api_key"] == taken


@pytest.mark.parametrize(
    ("changes", "place", "code", "says"),
    [
        ({"params": {"model": "anthropic/claude"}}, "litellm_params.model", "unsupported_kind", "anthropic/"),
        ({"params": {"model": "ollama/m"}}, "litellm_params.model", "unsupported_kind", "11434/v1"),
        ({"params": {"model": "openai/*"}}, "litellm_params.model", "unsupported_kind", "wildcard"),
        ({"info": {"mode": "ocr"}}, "model_info.mode", "unsupported_kind", "ocr"),
        ({"info": {"mode": ["chat"]}}, "model_info.mode", "wrong_type", "an array"),
        ({"params": {"model": None}}, "litellm_params.model", "required", "required"),
        ({"params": {"model": 3}}, "litellm_params.model", "wrong_type", "a number"),
        ({"params": {"model": "openai/"}}, "litellm_params.model", "required", "no model"),
        ({"params": {"api_base": None, "api_key": None}}, "litellm_params.api_key", "required", "missing"),
        (
            {"params": {"api_base": "os.environ/URL"}},
            "litellm_params.api_base",
            "invalid_reference",
            "URL itself",
        ),
        (
            {"params": {"api_key": "os.environ/OPENAI_API_KEY"}},
            "litellm_params.api_key",
            "invalid_reference",
            "--env OPENAI_API_KEY=env://MUSTER_KEY_OPENAI_API_KEY",
        ),
        (
            {"params": {"api_key": "os.environ/my-key.x"}},
            "litellm_params.api_key",
            "invalid_reference",
            "Set MUSTER_KEY_MY_KEY_X where",
        ),
        (
            {"params": {"api_key": "os.environ/-"}},
            "litellm_params.api_key",
            "invalid_reference",
            "Set MUSTER_KEY_NAME ",
        ),
        ({"model_name": ""}, "model_name", "required", "required"),
        ({"model_name": 3}, "model_name", "wrong_type", "a number"),
        ({"litellm_params": None}, "litellm_params", "required", "missing"),
        ({"litellm_params": []}, "litellm_params", "wrong_type", "an array"),
        ({"model_info": "x"}, "model_info", "wrong_type", "a string"),
    ],
)
def test_what_can_not_be_imported(changes: dict[str, Any], place: str, code: str, says: str) -> None:
    found = problem(**changes)
    assert (found.field, found.code) == (place, code) and says in found.message


def test_openai_is_where_it_always_is() -> None:
    assert body(params={"api_base": None})["base_url"] == "https://api.openai.com/v1"


@pytest.mark.parametrize("value", [None, 3, "x", [], True])
def test_what_is_no_object(value: Any) -> None:
    entry, (found,) = litellm_import.read(value)
    assert entry is None and found.code in ("wrong_type", "required") and found.field is None


def test_what_is_lost_is_named() -> None:
    entry, _ = litellm_import.read(definition(params={"rpm": 10, "drop_params": False, "organization": "o"}))
    assert entry and entry.ignored == ("litellm_params.organization", "litellm_params.rpm")


def test_what_is_lost_of_the_information_is_named() -> None:
    info = {
        "mode": "chat",
        "description": "x",
        "input_cost_per_token": 1e-6,
        "team_id": "t",
        "max_input_tokens": 9,
        "supports_vision": None,
        "blocked": False,
    }
    silent = {"id": "1", "db_model": True, "created_at": "2024", "key": "gpt", "litellm_provider": "openai"}
    entry, _ = litellm_import.read(definition(info=info | silent))
    assert entry and entry.ignored == ("model_info.max_input_tokens", "model_info.team_id")


def test_nothing_of_an_export_is_lost() -> None:
    observed = {
        "supports_vision": True,
        "max_output_tokens": 99,
        "max_input_tokens": 9,
        "supports_tool_choice": True,
    }
    declared = {name: 1.5 for name in ("input_cost", "output_cost", "cache_read_cost", "temperature")}
    model = row(
        observed=observed, max_tokens=3, description="d", benchmark_model="b", has_reasoning=True, **declared
    )
    (found,) = definitions(litellm_export.config([model]))
    entry, _ = litellm_import.read(found)
    assert entry and entry.ignored == ()


def test_through_the_proxy_of_the_settings(tmp_path: Any) -> None:
    settings = {"litellm_base_url": "http://proxy/v1", "litellm_api_key": "env://MUSTER_KEY_P"}
    app: Flask = create_app({"instance": tmp_path, **settings})
    with app.app_context():
        without = body(params={"model": "anthropic/claude", "api_base": None})
        asked = body(params={"model": "anthropic/claude", "use_litellm_proxy": True})
        direct = body()
    for made in (without, asked):
        assert (made["base_url"], made["api_key"]) == ("http://proxy/v1", "env://MUSTER_KEY_P")
        assert made["model_id"] == "ours" and "configuration" not in made
    assert direct["base_url"] == "http://h:1/v1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a: 1",
        "model_list: 3",
        "- [",
        "{",
        "a: !!python/object:os.system x",
        "\x00",
        "a: !!set {x}",
        "? [a]\n: b",
    ],
)
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(litellm_config.ConfigError) as caught:
        litellm_config.parse(text)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_entries_that_share_their_beginning() -> None:
    text = "base: &base {api_base: http://h/v1}\nmodel_list: [{litellm_params: {<<: *base, model: m}}]"
    (made,) = definitions(text)
    assert made["litellm_params"] == {"api_base": "http://h/v1", "model": "m"}


def test_files_that_it_includes_are_named() -> None:
    config = litellm_config.parse("include: [a.yaml, b.yaml]\nmodel_list: [{}]")
    assert (config.includes, len(config.definitions)) == (("a.yaml", "b.yaml"), 1)
    assert litellm_config.parse("include: [a.yaml]").definitions == []


def test_what_json_has_no_word_for() -> None:
    (made,) = definitions("model_list: [{a: 2024-01-01, 1: b, null: c, d: .inf}]")
    assert made == {"a": "2024-01-01", "1": "b", "None": "c", "d": float("inf")}


def test_nesting_that_doubles_itself_costs_nothing() -> None:
    levels = "\n".join(f"l{n}: &l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, 60))
    text = f"l0: &l0 [x, x]\n{levels}\nmodel_list: [{{model_name: *l59, litellm_params: {{model: *l59}}}}]"
    (made,) = definitions(text)
    entry, (found,) = litellm_import.read(made)
    assert entry is None and found.code == "wrong_type"


def bomb(pairs: str, levels: str) -> str:
    """A file whose mappings each merge ten times the one before."""
    written = ["a: &a {" + pairs + "}"]
    for before, name in zip(levels, levels[1:], strict=False):
        written.append(f"{name}: &{name}\n  <<: [{', '.join([f'*{before}'] * 10)}]")
    return "\n".join([*written, "model_list: [{model_name: x}]"])


def test_merging_that_multiplies_itself_is_refused() -> None:
    assert definitions(bomb("k: 1", "abcd")) == [{"model_name": "x"}]
    with pytest.raises(
        litellm_config.ConfigError, match=r"come to more than 300,000 pairs, so it is not read"
    ):
        definitions(bomb("k: 1", "abcdefghijklm"))


def test_numbers_without_a_point() -> None:
    (made,) = definitions("model_list: [{a: 1e-07, b: 1.5e-07, c: 15, d: 1e5x}]")
    assert made == {"a": 1e-07, "b": 1.5e-07, "c": 15, "d": "1e5x"}


@given(st.decimals(min_value=0, max_value=10**9, places=6, allow_nan=False))
def test_prices_come_back(price: Any) -> None:
    assert per_million(per_token(float(price))) == float(price)


@pytest.mark.parametrize(
    "model_id",
    [*HOSTILE, "1e5", "7e12", "1E-3", "+.5e1", "1.e9", "0x1f", "1_000", "2024-01-01", "~", "1:30", "="],
)
def test_names_come_back(model_id: str) -> None:
    model = row(model_id=model_id, display_name=model_id, description="a\n\nb: ", key_env="MUSTER_KEY_X")
    (found,) = definitions(litellm_export.config([model]))
    entry, problems = litellm_import.read(found)
    assert entry is not None, problems
    wanted = {"model_id": model_id, "display_name": model_id, "description": "a\n\nb: "}
    assert entry.body.items() >= wanted.items() and "configuration" not in entry.body


_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(_TEXTS | st.from_regex(r"[-+]?[0-9._:]{1,4}([eE][-+]?[0-9]{1,3})?", fullmatch=True))
def test_any_text_comes_back(text: str) -> None:
    (found,) = definitions(litellm_export.config([row(model_id=text, key_ciphertext=None)]))
    assert found["model_name"] == text


def test_what_was_observed_is_told_and_not_declared() -> None:
    observed = {"supports_vision": True, "max_output_tokens": 99, "context_window": 1}
    model = row(observed=observed, supports_tool_calling=True)
    (found,) = definitions(litellm_export.config([model]))
    assert found["model_info"]["supports_vision"] is True and found["model_info"]["max_output_tokens"] == 99
    entry, _ = litellm_import.read(found)
    assert entry and "supports_vision" not in entry.body and "max_tokens" not in entry.body
    assert entry.body["supports_tool_calling"] is True


def keys_of(text: str) -> list[str]:
    """The keys that an export names."""
    return [each["litellm_params"]["api_key"] for each in yaml.safe_load(text)["model_list"]]


def test_no_key_leaves_and_each_has_a_variable_of_its_own() -> None:
    models = [row(), row(), row(key_env="MUSTER_KEY_GOOD_MODEL"), row(key_ciphertext=None)]
    text = litellm_export.config(models)
    keys = keys_of(text)
    assert len(set(keys)) == 4 and keys[3] == "none" and "sealed" not in text
    named = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   ")]
    assert [f"os.environ/{name}" for name in named] == keys[:3]
    assert keys[2] == "os.environ/MUSTER_KEY_GOOD_MODEL"


@pytest.mark.parametrize(
    "ids", [("twin", "twin"), ("a b c", "a/b/c"), ("\u4e2d", "\u6587"), ("x" * 200,) * 2]
)
def test_a_variable_means_one_model_whatever_it_is_exported_with(ids: tuple[str, str]) -> None:
    models = [row(model_id=model_id) for model_id in ids]
    together = keys_of(litellm_export.config(models))
    alone = [key for model in models for key in keys_of(litellm_export.config([model]))]
    artefacts = [yaml.safe_load(litellm_export.single(model))[0] for model in models]
    assert together == alone == [each["litellm_params"]["api_key"] for each in artefacts]
    assert keys_of(litellm_export.config(models[::-1])) == together[::-1]
    assert len(set(together)) == 2
    for key in together:
        entry, problems = litellm_import.read(definition(params={"api_key": key}))
        assert entry is not None, problems


def test_two_models_may_share_a_reference() -> None:
    text = litellm_export.config([row(key_env="MUSTER_KEY_X"), row(key_env="MUSTER_KEY_X")])
    assert set(keys_of(text)) == {"os.environ/MUSTER_KEY_X"} and text.count("#   MUSTER_KEY_X\n") == 1


def test_an_address_with_a_query_comes_back_and_is_warned_of() -> None:
    models = [row(base_url="http://h/v1?a=b&c="), row()]
    text = litellm_export.config(models)
    bases = [each["litellm_params"]["api_base"] for each in definitions(text)]
    assert bases == [model.base_url for model in models]
    warned, plain = (litellm_export.single(model) for model in models)
    assert warned.startswith("# LiteLLM can't send a query string") and warned in text
    assert plain.startswith("- model_name") and text.endswith(plain)


def test_no_model() -> None:
    assert definitions(litellm_export.config([])) == []
