"""The outcome of sending the form, in the words and places of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import url_for

from app.errors import ApiError
from app.probe.diagnosis.codes import CODES
from app.store.models import RegisteredModel
from app.web.pages.register.submission import Submission


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong: the field's label and anchor ("" where it is about no field) and the sentence."""

    field: str
    label: str
    anchor: str
    message: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go on."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is shown above the form; `suggestions` maps a field's name to values that are accepted."""

    title: str = ""
    text: str = ""
    tone: str = "bad"
    problems: Sequence[FieldProblem] = ()
    suggestions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None
    link: Link | None = None
    status: int = 200

    @property
    def troubles(self) -> dict[str, str]:
        """The first sentence for each field."""
        return {problem.field: problem.message for problem in reversed(self.problems) if problem.field}


NOTHING = Outcome()


def invalid(attempt: Submission) -> Outcome:
    """The form was filled in wrongly; nothing was contacted."""
    problems = [
        FieldProblem(row.name, row.label.text, row.id, str(text))
        for row in attempt.form.inputs()
        for text in row.errors[:1]
    ]
    count = "One field needs" if len(problems) == 1 else f"{len(problems)} fields need"
    return Outcome(f"{count} a correction", "Nothing was probed yet.", problems=problems, status=400)


def rejected(attempt: Submission, report: Mapping[str, Any]) -> Outcome:
    """The probe said no."""
    diagnosis = report["diagnosis"]
    placed = {_place(name, attempt): values for name, values in diagnosis["suggestions"].items()}
    code = CODES.get(diagnosis["code"])
    what = "Not changed" if attempt.model else "Not registered"
    title = f"{what}: {_lowered(code.title) if code else diagnosis['code']}"
    trouble = _trouble(attempt, diagnosis["field"], diagnosis["message"])
    return Outcome(title, problems=[trouble], suggestions=placed, report=report, status=400)


def probed(attempt: Submission, report: Mapping[str, Any]) -> Outcome:
    """The probe was asked for alone."""
    if report["verdict"] == "rejected":
        return rejected(attempt, report)
    text = "Nothing is registered yet. The result is at the end of this page."
    return Outcome("The probe was accepted", text, "ok", report=report)


def refused(attempt: Submission, error: ApiError, existing: RegisteredModel | None) -> Outcome:
    """Registration was refused: the model exists already, or this is not allowed."""
    link = None
    if existing:
        link = Link(url_for("models.detail", id=existing.id), f"Open “{existing.display_name}”")
    title = "This model is registered already" if error.code == "already_exists" else "Nothing was saved"
    trouble = _trouble(attempt, error.field, error.message)
    return Outcome(title, problems=[trouble], link=link, status=error.status)


def _trouble(attempt: Submission, field: str | None, message: str) -> FieldProblem:
    name = _place(field, attempt) if field else ""
    row = attempt.form[name] if name and name in attempt.form else None
    return (
        FieldProblem(name, row.label.text, row.id, message)
        if row is not None
        else FieldProblem("", "", "", message)
    )


def _place(wire: str, attempt: Submission) -> str:
    """The name of the form's field that a wire name means here."""
    if wire == "model_id":
        return attempt.remote_field
    return wire.replace(".", "_")


def _lowered(sentence: str) -> str:
    """A sentence as the second half of another; names in capitals stay."""
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence
