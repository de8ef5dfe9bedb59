"""Whether a body speaks of an error, whatever its status says.

Clients of Go and Java fill an `error` in beside a good answer, with nothing in it; gateways put one inside a
choice, or end a choice with it. All of the probe asks here, so that it never reads the same body two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_FINE_WORDS = frozenset({"", "0", "200", "success", "succeeded", "ok", "none", "null", "no error"})
_DEEP = 3
_FAILED_EVENT = re.compile(r"(^|[._])(error|closed|failed|expired)$")


def is_error_value(value: Any) -> bool:
    """Whether what stands under `error` tells of one: null, false, 0, "", "success", or an object in which
    nothing else stands does not.
    """
    return not _says_nothing(value, 0)


def _says_nothing(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return value.strip(" .!").lower() in _FINE_WORDS
    if isinstance(value, Mapping):
        return depth < _DEEP and all(_says_nothing(inner, depth + 1) for inner in value.values())
    if isinstance(value, list):
        return depth < _DEEP and all(_says_nothing(inner, depth + 1) for inner in value)
    return value is None or value is False or value is not True and value in (0, 200)


def is_error_event(event: Any) -> bool:
    """Whether an event of a session tells that something failed, or that the session is over."""
    if not isinstance(event, Mapping):
        return False
    return is_error_value(event.get("error")) or bool(_FAILED_EVENT.search(str(event.get("type", ""))))


def choice_errors(body: Any) -> Iterator[Any]:
    """The errors that choices of a completion hold, where gateways put what their upstream said."""
    choices = body.get("choices") if isinstance(body, Mapping) else None
    for choice in choices[:8] if isinstance(choices, list) else ():
        if isinstance(choice, Mapping) and is_error_value(choice.get("error")):
            yield choice["error"]


def ends_in_error(choice: Mapping[str, Any]) -> bool:
    """Whether a choice says that it failed, with or without saying why."""
    return is_error_value(choice.get("error")) or end_of(choice.get("finish_reason")) == "error"


_FILTER_ENDS = frozenset(
    "content_filter content_filtered content_filtering contentfilter safety sensitive recitation "
    "prohibited_content blocklist spii refusal image_safety image_prohibited_content image_recitation "
    "guardrail_intervened content_blocked content_policy censored censorship moderation language".split()
)
"""What vendors call the end that the OpenAI API calls `content_filter`."""


def end_of(finish: Any) -> str:
    """A finish reason as one word of lower case: some servers shout it, some add a reason after a colon.

    A filter's end is `content_filter`, whatever the vendor calls it.
    """
    word = finish.partition(":")[0].strip().lower() if isinstance(finish, str) else ""
    word = word.rpartition(".")[2].removeprefix("finish_reason_")
    return "content_filter" if word in _FILTER_ENDS else word


def speaks_of_error(body: Any) -> bool:
    """Whether a body says that something failed, in any of the shapes met in the field."""
    if isinstance(body, list):
        return bool(body) and isinstance(body[0], Mapping) and is_error_value(body[0].get("error"))
    if not isinstance(body, Mapping):
        return False
    if is_error_value(body.get("error")) or body.get("errors") or _holds_failed_choice(body):
        return True
    if body.get("object") == "error" or body.get("type") == "error" or _has_error_code(body):
        return True
    base = body.get("base_resp")
    if isinstance(base, Mapping) and base.get("status_code") not in (0, None):
        return True
    return body.get("success") is False or ("detail" in body and "choices" not in body)


def _has_error_code(body: Mapping[str, Any]) -> bool:
    """Whether it counts its errors beside a sentence (Baidu), or wraps one under `Response` (Tencent)."""
    inner = body.get("Response")
    if isinstance(inner, Mapping) and is_error_value(inner.get("Error")):
        return True
    code, said = body.get("error_code", body.get("errcode")), body.get("error_msg", body.get("errmsg"))
    return bool(said) and is_error_value(said) and is_error_value(code)


def _holds_failed_choice(body: Mapping[str, Any]) -> bool:
    choices = body.get("choices")
    found = choices[:8] if isinstance(choices, list) else ()
    return any(isinstance(choice, Mapping) and ends_in_error(choice) for choice in found)
