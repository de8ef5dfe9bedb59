"""The recipes of CONTRIBUTING.md are true: each is read from there, is short, and does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.probe.base_url import Base
from app.probe.capabilities import CapabilityRow
from app.probe.conversation.request import Request
from app.probe.conversation.talk import Conversation
from app.probe.model_types import MODEL_TYPES
from app.probe.model_types.chat.alone import ask_alone
from app.probe.model_types.chat.question import ChatReply, Draft, Question
from app.probe.model_types.chat.state import ChatState
from app.probe.model_types.model_type import ModelType
from app.probe.proof import Proof, Proven
from app.probe.reading.refusal import Refusal
from app.probe.reading.wordings import RULES, Rule, lowered
from app.probe.run import run
from app.probe.shape import Shape
from app.probe.transport.answer import Answer
from app.probe.transport.client import Client
from app.probe.transport.deadline import Cancellation
from app.probe.transport.egress.rules import EgressRules
from app.probe.values import Finished, Limits, Target
from app.registry.metadata import FIELDS, Field
from tests.endpoints.base import Simulator
from tests.endpoints.changes import KEY

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
RECIPES = dict(re.findall(r"```python\n# recipe: ([\w ]+) \([^\n]*\)\n(.*?)```", TEXT, re.S))
OFFERED: dict[str, Any] = {
    "annotations": None,
    **{
        thing.__name__: thing
        for thing in (Answer, CapabilityRow, Question, Draft, Field, ChatReply, ModelType, Proof, Request)
    },
    **{thing.__name__: thing for thing in (Rule, Conversation, Shape, Proven)},
    "lowered": lowered,
}


def cooked(name: str) -> dict[str, Any]:
    """What the recipe defines; a bare expression is the value of `it`."""
    made = dict(OFFERED)
    code = RECIPES[name]
    exec(code if "def " in code else f"it = {code}", made)
    return made


def test_each_recipe_is_there_and_short() -> None:
    assert set(RECIPES) == {"capability", "question", "metadata field", "model type", "wording"}
    for name, code in RECIPES.items():
        assert len([line for line in code.splitlines() if line.strip()]) < 10, name


@pytest.mark.parametrize("heeds", [True, False])
def test_a_question_tells_who_heeds_it(heeds: bool) -> None:
    ask = cooked("question")["TIER"]
    endpoint = Simulator()
    if not heeds:
        endpoint.ignore("service_tier")
    with endpoint, Client(EgressRules(), Limits()) as client:
        talk = Conversation(
            Target(endpoint.base_url, KEY, endpoint.model_id),
            Base.of(endpoint.base_url),
            client,
            Limits(),
            time.monotonic() + 20,
            lambda event: None,
            {},
            cancelled=Cancellation(),
        )
        (finding,) = ask_alone(talk, ask, ChatState(talk)).findings
    assert (finding.name, finding.observed) == ("service_tier", heeds), finding.evidence


def test_a_capability_is_one_row_and_one_question(tmp_path: Path) -> None:
    """In a copy of the program with the recipes followed, chip, filter, document field and page are there."""
    for name in ("app", "templates", "static", "tests", "docs", "pyproject.toml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, tmp_path / name)
    probe = tmp_path / "app/probe"
    follow(probe / "capabilities.py", "CAPABILITIES: tuple[CapabilityRow, ...] = (", RECIPES["capability"])
    with (probe / "model_types/chat/questions/messages.py").open("a") as messages:
        messages.write(RECIPES["question"])
    tests = ["-m", "pytest", "-q", "--database", "sqlite", "tests/recipes/capability.py"]
    tests += ["tests/registry/test_document.py", "tests/registry/test_clients.py"]
    run_ = subprocess.run([sys.executable, *tests], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run_.returncode == 0, run_.stdout + run_.stderr


def follow(path: Path, opening: str, row: str) -> None:
    """Write a row of a recipe as the first of its table."""
    text = path.read_text()
    assert text.count(opening) == 1
    path.write_text(text.replace(opening, f"{opening}\n    {row.strip()},"))


def test_a_metadata_field_is_one_row() -> None:
    field = cooked("metadata field")["it"]
    assert {field.kind, field.section} <= {known for other in FIELDS for known in (other.kind, other.section)}


@pytest.mark.parametrize("key,verdict", [(KEY, "accepted"), ("sk-wrong", "rejected")])
def test_a_model_type_is_one_row_and_two_functions(key: str, verdict: str) -> None:
    kind = cooked("model type")["SAFETY"]
    assert kind.name not in MODEL_TYPES
    with Simulator(model_type="moderation") as endpoint:
        *_, last = run(Target(endpoint.base_url, key, endpoint.model_id), kind, {})
    assert isinstance(last, Finished)
    assert last.report.verdict == verdict, last.report.diagnosis


def test_a_wording_is_one_rule() -> None:
    rule = cooked("wording")["it"]
    refusal = Refusal(500, "The model is being swapped in.", "", None, (), True, False, True, None)
    assert rule.fits(refusal)
    assert rule.meaning in {other.meaning for other in RULES}
