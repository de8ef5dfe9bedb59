"""Second round, words and secrets: keys in every coding (`r31-…`), keys that are common words."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable

from app.practice.models import Model
from app.practice.wire import error
from tests.endpoints.base import KEY, Simulator
from tests.endpoints.replies import text
from tests.endpoints.second import accepted, rejected

CODINGS: dict[str, tuple[Callable[[str], str], str]] = {
    "percent": (lambda key: "".join(f"%{byte:02X}" for byte in key.encode()), "https://www.rfc-editor.org/rfc/rfc3986#section-2.1"),
    "entities": (lambda key: "".join(f"&#{byte};" for byte in key.encode()), "https://html.spec.whatwg.org/multipage/named-characters.html"),
    "hexadecimal": (lambda key: key.encode().hex().upper(), "https://www.rfc-editor.org/rfc/rfc4648#section-8"),
    "base64-without-padding": (lambda key: base64.b64encode(key.encode()).decode().rstrip("="), "https://www.rfc-editor.org/rfc/rfc4648#section-4"),
    "base32": (lambda key: base64.b32encode(key.encode()).decode(), "https://www.rfc-editor.org/rfc/rfc4648#section-6"),
}  # fmt: skip


def repeating(coded: Callable[[str], str]) -> Callable[[Simulator], None]:
    """A gateway that repeats the key in a coding of its own where it refuses it."""

    def change(sim: Simulator) -> None:
        """The refusal holds the key, coded."""
        sim.every(
            error(401, f"Unknown credential {coded(KEY)} in the authorization header", code="invalid_api_key")
        )

    return change


for _name, (_coded, _source) in CODINGS.items():
    rejected(f"r31-key-in-{_name}", _source, "invalid_credentials", "api_key", shows=_coded(KEY))(
        repeating(_coded)
    )


@rejected(
    "r31-key-in-escapes",
    "https://www.rfc-editor.org/rfc/rfc8259#section-7",
    "invalid_credentials",
    "api_key",
    shows="Unknown credential",
)
def _(sim: Simulator) -> None:
    """The refusal holds the key in escapes that are escaped once more."""
    coded = "".join(f"\\u{byte:04x}" for byte in KEY.encode())
    sim.every(error(401, f"Unknown credential {coded} in the authorization header", code="invalid_api_key"))


@rejected(
    "r31-key-is-a-common-word",
    "https://docs.ollama.com/api/openai-compatibility",
    "model_not_found",
    "model_id",
    model="llama9",
    words=("registry.ollama.ai/library/llama9",),
    shows="registry.ollama.ai",
)
def _(sim: Simulator) -> None:
    """The usual key of Ollama is `ollama`; the word in the refusal is no secret and stays."""
    sim.api_key, sim.key = "ollama", ""
    sim.serve_instead()
    refusal = error(
        404, "model registry.ollama.ai/library/llama9 not found, try pulling it first", kind="api_error"
    )
    sim.catalog({"object": "list", "data": []})
    sim.unknown_reply = lambda name: refusal


@rejected(
    "r31-short-key-where-keys-stand",
    "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    "invalid_credentials",
    "api_key",
    unsaid=("Bearer tok-42", '"tok-42"', "'tok-42'"),
    shows="Bearer tok-42",
)
def _(sim: Simulator) -> None:
    """A short key is hidden where it stands as a key: after `Bearer`, and in quotes."""
    sim.api_key = "tok-42"
    sim.every(error(401, "Invalid header 'Authorization: Bearer tok-42': token 'tok-42' is unknown"))


@accepted(
    "r31-key-is-the-word-none",
    "https://lmstudio.ai/docs/developer/openai-compat",
    capabilities={"streaming": True},
)
def _(sim: Simulator) -> None:
    """`none` is typed for a key where none is looked at; the word stands in Muster's own sentences too."""
    sim.api_key, sim.key = "none", ""


@rejected(
    "r31-other-words-stay",
    "https://platform.openai.com/docs/guides/error-codes",
    "invalid_credentials",
    "api_key",
    words=("key ending in cdef",),
    shows="ending in cdef",
)
def _(sim: Simulator) -> None:
    """The last letters of the key, which vendors show so that a person finds it, may be told."""
    sim.every(text(401, html.unescape("The key ending in cdef was revoked by its owner.")))


@rejected(
    "r31-retired-and-still-listed",
    "https://console.groq.com/docs/deprecations",
    "model_not_found model_unavailable",
    "model_id",
    path="/openai/v1",
    model="llama-3.1-70b-versatile",
    unsaid=("deploy or start it",),
    shows="has been decommissioned",
)
def _(sim: Simulator) -> None:
    """A hosted model that the vendor retired is listed still: nobody can be told to deploy it."""
    message = (
        f"The model `{sim.model_id}` has been decommissioned and is no longer supported. Please refer to "
        "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead."
    )
    sim.serve_also(Model("llama-3.3-70b-versatile"))
    sim.refuse(error(400, message, code="model_decommissioned"), lambda body: body["model"] == sim.model_id)
