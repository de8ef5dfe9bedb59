"""What only all answers of a probe together tell: reasoning, sampling, the calls of tools."""

from __future__ import annotations

from app.probe.model_types.chat.attempt import UNUSABLE
from app.probe.model_types.chat.questions.tools import NO_CALL
from app.probe.model_types.chat.state import ChatState
from app.probe.reading.completion.whole import Completion
from app.probe.tasks import Finding


def settle_reasoning(chat: ChatState, found: dict[str, Finding]) -> None:
    """Any answer that held thinking shows it; none of several whole ones shows that there is none."""
    if chat.thinks:
        found["reasoning"] = Finding("reasoning", True, chat.thought)
    elif chat.hollow:
        evidence = "A block of thinking came, and nothing stood in it: the model may think, and did not here."
        found["reasoning"] = Finding("reasoning", None, evidence)
    elif chat.whole_answers:
        found["reasoning"] = Finding(
            "reasoning", False, f"None of {chat.whole_answers} whole answers held reasoning."
        )
    else:
        found["reasoning"] = Finding("reasoning", None, "No answer was whole enough to tell.")


def settle_sampling(found: dict[str, Finding]) -> None:
    """Taken values count only where a value that means nothing was refused."""
    read_it = found.pop("_temperature_read", None)
    taken = found.get("sampling_params")
    if taken is None or taken.observed is not True or read_it is None:
        return
    if read_it.observed is True:
        evidence = f"{taken.evidence} A temperature of -1 was refused: {read_it.evidence}"
        found["sampling_params"] = Finding("sampling_params", True, evidence)
    else:
        evidence = (
            f"{taken.evidence} But so was a temperature of -1, so they may be ignored."
            if read_it.observed is False
            else taken.evidence
        )
        found["sampling_params"] = Finding("sampling_params", None, evidence)


def settle_calls(chat: ChatState, found: dict[str, Finding]) -> None:
    """Findings about tools are compared, and the ids of all calls judged together."""
    _compare(found)
    if chat.thought_before_a_call and _is(found, "tool_calling", True):
        evidence = "The model reasoned before it made a call, without an effort being set."
        found["tools_with_reasoning"] = Finding("tools_with_reasoning", True, evidence)
    wrong = next((why for answer in chat.calls if (why := _wrong_ids(answer))), "")
    if wrong:
        found["tool_call_ids"] = Finding("tool_call_ids", False, wrong)
    elif chat.calls:
        count = sum(len(answer.calls) for answer in chat.calls)
        evidence = f"Each of {count} calls had an id of its own, the same in all of its pieces."
        found["tool_call_ids"] = Finding("tool_call_ids", True, evidence)
    else:
        found["tool_call_ids"] = Finding("tool_call_ids", None, "No call was made whose id there could be.")


_FREE = ("streamed_tool_calling", "strict_tool")
"""Capabilities that a call shows which the model made by itself."""
_FORCED = ("tool_choice",)


def _compare(found: dict[str, Finding]) -> None:
    """A call that was seen excludes that there are no calls."""
    plain = found.get("tool_calling")
    if plain is None or plain.observed:
        return
    like = next((name for name in (*_FREE, *_FORCED) if _is(found, name, True)), None)
    if like is None or plain.observed is False and NO_CALL not in plain.evidence:
        return
    if plain.observed is None and (like not in _FREE or UNUSABLE not in plain.evidence):
        return
    if plain.observed is None:
        evidence = f"A call was made: {found[like].evidence} Asked plainly: {plain.evidence}"
        found["tool_calling"] = Finding("tool_calling", True, evidence)
    else:
        evidence = f"{plain.evidence} But a call was made elsewhere: {found[like].evidence}"
        found["tool_calling"] = Finding("tool_calling", None, evidence)


def _is(found: dict[str, Finding], name: str, observed: bool) -> bool:
    return name in found and found[name].observed is observed


def _wrong_ids(answer: Completion) -> str:
    """What is wrong with the ids of an answer's calls; "" where nothing is."""
    ids = [call.id for call in answer.calls]
    if not all(ids):
        return "A call came without an id."
    if len(set(ids)) < len(ids):
        return f"Two calls of one answer have the same id, {ids[0]}."
    if not all(call.is_steady for call in answer.calls):
        return "The id of a call changes from piece to piece of its stream."
    return ""
