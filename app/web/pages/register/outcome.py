"""The outcome of sending the form, in the words and places of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for

from app.errors import ApiError
from app.probe.diagnosis.codes import CODES
from app.registry.endpoints.trials import KEPT
from app.store.models import RegisteredModel
from app.web.pages.display import type_label
from app.web.pages.label_fields import LABELS
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
class Remedy:
    """A button of the banner that would work: what it sends, its words, the value that it puts in place."""

    name: str
    value: str
    words: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is shown above the form, with the buttons that would work."""

    title: str = ""
    text: str = ""
    tone: str = "bad"
    problems: Sequence[FieldProblem] = ()
    remedies: Sequence[Remedy] = ()
    report: Mapping[str, Any] | None = None
    trial: str = ""
    link: Link | None = None
    status: int = 200

    @property
    def troubles(self) -> dict[str, str]:
        """The first sentence for each field."""
        return {problem.field: problem.message for problem in reversed(self.problems) if problem.field}


NOTHING = Outcome()


def invalid(tried: Submission) -> Outcome:
    """The form was filled in wrongly; nothing was contacted."""
    problems = [
        FieldProblem(row.name, row.label.text, row.id, str(text))
        for row in tried.form.inputs()
        for text in row.errors[:1]
    ]
    problems += [FieldProblem(name, LABELS[name], name, text) for name, text in tried.labels.errors.items()]
    count = "One field needs" if len(problems) == 1 else f"{len(problems)} fields need"
    return Outcome(f"{count} a correction", "Nothing was probed yet.", problems=problems, status=400)


def rejected(tried: Submission, report: Mapping[str, Any]) -> Outcome:
    """The probe said no."""
    diagnosis = report["diagnosis"]
    code = CODES.get(diagnosis["code"])
    what = "Not changed" if tried.model else "Not registered"
    title = f"{what}: {_lowered(code.title) if code else diagnosis['code']}"
    trouble = _trouble(tried, diagnosis["field"], diagnosis["message"])
    remedies = list(_remedies(tried, diagnosis))
    return Outcome(title, problems=[trouble], remedies=remedies, report=report, status=400)


def probed(tried: Submission, report: Mapping[str, Any], trial: str) -> Outcome:
    """The probe was asked for alone."""
    if report["verdict"] == "rejected":
        return rejected(tried, report)
    minutes = KEPT.seconds // 60
    text = (
        "Nothing is registered yet. The result is at the end of this page. Registered within "
        f"{minutes} minutes and without a change of what was probed, it is not probed again."
    )
    register = (Remedy("do", "save", "Register it"),) if trial else ()
    return Outcome("The probe was accepted", text, "ok", remedies=register, report=report, trial=trial)


def _remedies(tried: Submission, diagnosis: Mapping[str, Any]) -> Iterator[Remedy]:
    """The values that the probe found to work or the endpoint lists; else what else may help at once."""
    for wire, values in diagnosis["suggestions"].items():
        name = _place(wire, tried)
        for value in values:
            shown = type_label(value) if wire == "model_type" else value
            yield Remedy("use", f"{name}={value}", "and probe again", shown)
    if diagnosis["code"] == "capability_contradicted" and tried.strict:
        yield Remedy("use", "strict=no", "Register it all the same, with a warning")
    if diagnosis["code"] in _PASSING:
        yield Remedy("do", "save", "Probe again")


_PASSING = ("timeout", "rate_limited", "model_unavailable", "endpoint_error", "endpoint_unreachable")
"""Codes of what may be over in a minute."""


def refused(tried: Submission, error: ApiError, existing: RegisteredModel | None) -> Outcome:
    """Registration was refused: the model exists already, or this is not allowed."""
    link = None
    if existing:
        link = Link(url_for("models.detail", id=existing.id), f"Open “{existing.display_name}”")
    title = "This model is registered already" if error.code == "already_exists" else "Nothing was saved"
    trouble = _trouble(tried, error.field, error.message)
    return Outcome(title, problems=[trouble], link=link, status=error.status)


def _trouble(tried: Submission, field: str | None, message: str) -> FieldProblem:
    name = _place(field, tried) if field else ""
    row = tried.form[name] if name and name in tried.form else None
    return (
        FieldProblem(name, row.label.text, row.id, message)
        if row is not None
        else FieldProblem("", "", "", message)
    )


def _place(wire: str, tried: Submission) -> str:
    """The name of the form's field that a wire name means here."""
    if wire == "model_id":
        return tried.remote_field
    return wire.replace(".", "_")


def _lowered(sentence: str) -> str:
    """A sentence as the second half of another; names in capitals stay."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
