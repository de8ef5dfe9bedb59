"""A model as a block of Terraform.

The resource is `orq_model` of the provider `orq-ai/orq`; its attributes are those of docs/resources/model.md
in github.com/orq-ai/terraform-provider-orq (read in November 2026): api_key, base_url, display_name,
model_id, model_type and region are required; description, input_cost, output_cost, cost_per_image,
max_tokens, temperature, has_reasoning and supports_image_edit, _strict_tool, _tool_calling, _vision are
optional. It has no word for cache costs, the benchmark model or a second model id, takes four model types,
refuses a query string in base_url, and per-token costs for images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.registry.document import plain_number
from app.registry.exchange.first_call import is_keyed, is_special, mark_of
from app.registry.exchange.quoting import hcl, identifier
from app.store.models import RegisteredModel

_TYPES = ("chat", "completion", "embedding", "image")
_COSTS = ("input_cost", "output_cost")
_OPTIONAL = (
    "description",
    *_COSTS,
    "cost_per_image",
    "max_tokens",
    "temperature",
    "has_reasoning",
    "supports_image_edit",
    "supports_strict_tool",
    "supports_tool_calling",
    "supports_vision",
)
_HEAD = """# The provider orq-ai/orq talks to this Muster with:
#   export ORQ_URL=<where this Muster is reached> ORQ_API_KEY=<a token with the scope write>
"""


_PROVIDER = """terraform {
  required_providers {
    orq = {
      source = "orq-ai/orq"
    }
  }
}
"""


def config(models: Iterable[RegisteredModel]) -> str:
    """A file of the whole registry. What the provider refuses stands in it as a comment that says why."""
    return "\n".join([_HEAD + _PROVIDER, *(_part(model) for model in models)])


def block(model: RegisteredModel) -> str:
    """The resource, and the variable of its key where it has one that is no reference.

    Blocks of any models can stand in one file: label and variable are the model's alone.
    """
    return _HEAD + _block(model)


def _part(model: RegisteredModel) -> str:
    made = _block(model)
    refused = model.model_type not in _TYPES or "?" in model.base_url
    return "".join(f"# {line}".rstrip() + "\n" for line in made.splitlines()) if refused else made


def _block(model: RegisteredModel) -> str:
    label = f"{identifier(model.model_id, 'model')}_{mark_of(model)}"
    variable = f"{label}_api_key"
    sealed = is_keyed(model) and not model.endpoint.key_env
    lines = list(_attributes(model, f"var.{variable}" if sealed else hcl(_reference(model))))
    width = max(len(name) for name, _ in lines)
    body = "\n".join(f"  {name:<{width}} = {value}" for name, value in lines)
    parts = ["".join(f"# {note}\n" for note in _notes(model))]
    if sealed:
        parts.append(f'variable "{variable}" {{\n  type      = string\n  sensitive = true\n}}\n\n')
    return "".join([*parts, f'resource "orq_model" "{label}" {{\n{body}\n}}\n'])


def _reference(model: RegisteredModel) -> str:
    """The reference; without a key some text, since the provider refuses an empty one."""
    return f"env://{model.endpoint.key_env}" if model.endpoint.key_env else "none"


def _attributes(model: RegisteredModel, key: str) -> Iterator[tuple[str, str]]:
    yield "display_name", hcl(model.display_name)
    yield "model_id", hcl(model.wire_model_id)
    yield "model_type", hcl(model.model_type)
    yield "region", hcl(model.region)
    yield "base_url", hcl(model.base_url)
    yield "api_key", key
    for name in _OPTIONAL:
        value = getattr(model, name)
        if value is not None and not (name in _COSTS and model.model_type == "image"):
            yield name, _value(value)


def _value(value: str | bool | float) -> str:
    if isinstance(value, str):
        return hcl(value)
    return str(value).lower() if isinstance(value, bool) else str(plain_number(value))


def _notes(model: RegisteredModel) -> Iterator[str]:
    if not is_keyed(model):
        yield "It refuses an empty api_key; the endpoint needs none and passes over this text."
    if is_special(model):
        yield "It has no words for the endpoint's key header, further headers, certificates and proxy: Muster"
        yield "knows them, as long as the endpoint with this base_url and key is there."
    if model.model_type not in _TYPES:
        yield f"It takes {', '.join(_TYPES)} models only, so it refuses this one."
    if "?" in model.base_url:
        yield "It refuses a base_url with a query string, so it refuses this one."
    if model.remote_model_id is not None:
        yield "It has no model id of the workspace's own; this is the id that the endpoint knows."
