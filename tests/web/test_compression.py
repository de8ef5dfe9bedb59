"""What is sent compressed, and what browsers keep."""

from __future__ import annotations

import gzip
import re

import pytest
from flask.testing import FlaskClient

GZIP = {"Accept-Encoding": "gzip, deflate"}


def style_sheet(client: FlaskClient) -> str:
    """The address of the style sheet that a page names."""
    (found,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', client.get("/about").text)
    return str(found)


@pytest.mark.parametrize("path", ["/models/new", "style"])
def test_pages_and_static_files_are_compressed(editor: FlaskClient, path: str) -> None:
    path = style_sheet(editor) if path == "style" else path
    plain, packed = editor.get(path, buffered=True), editor.get(path, headers=GZIP, buffered=True)
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert len(gzip.decompress(packed.data)) == len(plain.data)
    assert "Accept-Encoding" in plain.headers["Vary"] and "Accept-Encoding" in packed.headers["Vary"]


def test_programs_get_what_they_got(editor: FlaskClient) -> None:
    assert "Content-Encoding" not in editor.get("/openapi.json", headers=GZIP, buffered=True).headers


def test_a_static_file_is_kept_for_good_and_a_page_is_not(editor: FlaskClient) -> None:
    path = style_sheet(editor)
    assert re.fullmatch(r"/static/[0-9a-f]{12}/app\.css", path)
    assert editor.get(path, buffered=True).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert editor.get("/models/new").headers["Cache-Control"] == "no-store"
    assert "immutable" not in editor.get(path + ".none").headers["Cache-Control"]


def test_a_kept_file_is_not_sent_again(editor: FlaskClient) -> None:
    path = style_sheet(editor)
    tag = editor.get(path, headers=GZIP, buffered=True).headers["ETag"]
    assert editor.get(path, headers=GZIP | {"If-None-Match": tag}, buffered=True).status_code == 304
