"""Literals say the text that they were made from: asked of the languages themselves."""

from __future__ import annotations

import ast
import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.registry.exchange.quoting import hcl, identifier, javascript, python
from tests.registry.exchange.rows import HOSTILE

ANY = (*HOSTILE, "two\nlines\r\n\ttab", "\x1b[31m", "\x7f\x85", "$${x} %%{y}", "$", "")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_python_reads_it_back(text: str) -> None:
    literal = python(text)
    assert ast.literal_eval(literal) == text
    assert literal.isprintable()


def test_node_reads_it_back() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not there, so JavaScript literals were NOT tested")
    script = f"console.log(JSON.stringify([{', '.join(javascript(text) for text in ANY)}]))"
    ended = subprocess.run([node, "-e", script], capture_output=True, timeout=60, check=True)
    assert tuple(json.loads(ended.stdout)) == ANY


def test_terraform_reads_it_back(tmp_path: Path) -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not there, so HCL literals were NOT tested")
    expression = f"base64encode(jsonencode([{', '.join(hcl(text) for text in ANY)}]))\n"
    ended = subprocess.run(
        [terraform, "console"], input=expression.encode(), cwd=tmp_path, capture_output=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert tuple(json.loads(base64.b64decode(ended.stdout.strip(b'"\n')))) == ANY


def test_identifiers() -> None:
    made = [identifier(text, "model") for text in ("Org/Name:free", "7b", "\u00fc", "a--b_", "x" * 99)]
    assert made == ["org_name_free", "model_7b", "model", "a_b", "x" * 64]
