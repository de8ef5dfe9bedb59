"""LiteLLM's `config.yaml` as a file that others wrote: what of YAML is read, and what is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import yaml

from app.registry.exchange.litellm.names import ENVIRON

MOST_PAIRS = 300_000
"""How many pairs of names and values a file may come to when what its mappings merge is written out."""


class ConfigError(ValueError):
    """A file is no LiteLLM configuration; the text is one sentence."""


class Config(NamedTuple):
    """What a file holds: entries that nobody has judged yet, and the names of files that belong to it."""

    definitions: list[Any]
    includes: tuple[str, ...]
    credentials: dict[str, dict[str, Any]]
    """What entries name by `litellm_credential_name`: parameters by the name of a credential."""


class _Loader(yaml.SafeLoader):
    """Gives what JSON can hold and nothing else: dates stay text, names are text.

    It reads 1e-07 as the number that LiteLLM's users mean by it, where YAML 1.1 asks for a point.
    """

    yaml_implicit_resolvers = {
        start: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for start, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
    }

    pairs = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Write out what a mapping merges, counting: merging lists of merges grows by powers of ten."""
        super().flatten_mapping(node)
        self.pairs += len(node.value)
        if self.pairs > MOST_PAIRS:
            message = f"The mappings of this YAML come to more than {MOST_PAIRS:,} pairs, so it is not read."
            raise ConfigError(message)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        made = super().construct_mapping(node, deep)
        if not all(isinstance(name, str | int | float | None) for name in made):
            raise yaml.constructor.ConstructorError(None, None, "a name is a list", node.start_mark)
        return {str(name): value for name, value in made.items()}


def add_numbers(reader: type[yaml.resolver.BaseResolver]) -> None:
    """Let a loader read 1e-07 as a number, or a dumper know that one does."""
    reader.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?(?:\d+(?:\.\d*)?|\.\d+)[eE][-+]?\d+$"),
        list("-+0123456789."),
    )


add_numbers(_Loader)


def load(text: str) -> Any:
    """YAML, or JSON, as what JSON can hold; ConfigError where it is neither."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"This is not YAML{where}.") from error
    except ConfigError:
        raise
    except (ValueError, RecursionError) as error:
        raise ConfigError("This YAML holds a value that can't be read.") from error


def parse(text: str) -> Config:
    """A `config.yaml`; ConfigError where it is none. The files that it includes are not read."""
    config = load(text)
    if not isinstance(config, dict):
        config = {"model_list": config}
    found, includes = _list(config, "model_list"), _list(config, "include")
    credentials = _credentials(_list(config, "credential_list") or [])
    if found is None and not includes and not credentials:
        raise ConfigError("There is no `model_list` in this file, so it is no LiteLLM configuration.")
    return Config(found or [], tuple(name for name in includes or () if isinstance(name, str)), credentials)


def joined(configs: Iterable[Config]) -> Config:
    """Several files as one: what one of them names, another may hold."""
    made = Config([], (), {})
    for config in configs:
        made.definitions.extend(config.definitions)
        made.credentials.update(config.credentials)
    return made


def resolved(config: Config, read: Callable[[str], str | None]) -> list[Any]:
    """The definitions with the credentials that they name and the variables that `read` knows put in.

    `read` takes the name in `os.environ/NAME`, for a key and for an address; None leaves it as it is.
    """
    return [_resolved(definition, config.credentials, read) for definition in config.definitions]


def _resolved(
    definition: Any, credentials: Mapping[str, Mapping[str, Any]], read: Callable[[str], str | None]
) -> Any:
    params = definition.get("litellm_params") if isinstance(definition, dict) else None
    if not isinstance(params, dict):
        return definition
    name = params.get("litellm_credential_name")
    named = credentials.get(name) if isinstance(name, str) else None
    if named is not None:
        own = {key: value for key, value in params.items() if key != "litellm_credential_name"}
        params = {**named, **own}
    known = {key: _read(params[key], read) for key in _FROM_ENVIRONMENT if key in params}
    return {**definition, "litellm_params": {**params, **known}}


_FROM_ENVIRONMENT = ("api_key", "api_base", "base_url")


def _read(value: Any, read: Callable[[str], str | None]) -> Any:
    if not isinstance(value, str) or not value.startswith(ENVIRON):
        return value
    found = read(value.removeprefix(ENVIRON))
    return value if found is None else found


def _credentials(entries: list[Any]) -> dict[str, dict[str, Any]]:
    """`credential_list`: what stands in `credential_values` by the name of each."""
    return {
        entry["credential_name"]: entry["credential_values"]
        for entry in entries
        if isinstance(entry, dict)
        and isinstance(entry.get("credential_name"), str)
        and isinstance(entry.get("credential_values"), dict)
    }


def _list(config: dict[str, Any], name: str) -> list[Any] | None:
    value = config.get(name)
    return value if isinstance(value, list) else None
