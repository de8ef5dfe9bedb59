"""LiteLLM's `config.yaml` as a file that others wrote: what of YAML is read, and what is not."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, NamedTuple

import yaml

MOST_PAIRS = 300_000
"""How many pairs of names and values a file may come to when what its mappings merge is written out."""


class ConfigError(ValueError):
    """A file is no LiteLLM configuration; the text is one sentence."""


class Config(NamedTuple):
    """What a file holds: entries that nobody has judged yet, and the names of files that belong to it."""

    definitions: list[Any]
    includes: tuple[str, ...]


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
        re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
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
    if found is None and not includes:
        raise ConfigError("There is no `model_list` in this file, so it is no LiteLLM configuration.")
    return Config(found or [], tuple(name for name in includes or () if isinstance(name, str)))


def _list(config: dict[str, Any], name: str) -> list[Any] | None:
    value = config.get(name)
    return value if isinstance(value, list) else None
