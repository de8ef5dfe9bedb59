"""The calls that are answered before Flask: alike both ways, and never where something is not plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import Client
from werkzeug.wrappers import Response

from app.api.quickly import Quickly
from app.models import RegisteredModel, Token, db, new_id, now
from tests.conftest import new_token

Headers = dict[str, str]


def new_model(app: Flask) -> str:
    """The id of a new model."""
    with app.app_context():
        made = RegisteredModel(
            id=new_id(), model_id="m", display_name="M\u00fc", model_type="chat", region="eu",
            base_url="https://x.example.com/v1", observed={}, capabilities={},
        )  # fmt: skip
        db.session.add(made)
        db.session.commit()
        return made.id


@pytest.fixture
def model(app: Flask) -> str:
    """The id of a model."""
    return new_model(app)


@pytest.fixture
def reader(app: Flask) -> Headers:
    """A token that was just used, so that its use need not be noted again."""
    text = new_token(app, "read")
    with app.app_context():
        db.session.query(Token).update({Token.last_used: now()})
        db.session.commit()
    return {"Authorization": f"Bearer {text}"}


def both(app: Flask, path: str, headers: Headers) -> tuple[Response, Response, bool]:
    """The answer, the ordinary way's answer, and whether the ordinary way was needed for the first."""
    quick = app.wsgi_app
    assert isinstance(quick, Quickly)
    needed: list[str] = []

    def counting(environ: Any, start_response: Any) -> Any:
        needed.append(environ["PATH_INFO"])
        return ordinary(environ, start_response)

    ordinary, quick.ordinary = quick.ordinary, counting
    try:
        first = Client(app, Response).get(path, headers=headers)
    finally:
        quick.ordinary = ordinary
    return first, Client(ordinary, Response).get(path, headers=headers), bool(needed)


def same(one: Response, other: Response) -> None:
    assert (one.status, one.data) == (other.status, other.data)
    mine, others = ({k: v for k, v in answer.headers if k != "X-Request-Id"} for answer in (one, other))
    assert mine == others and len(one.headers["X-Request-Id"]) == 36


def test_a_model_is_answered_alike(app: Flask, model: str, reader: Headers) -> None:
    quick, ordinary, needed = both(app, f"/v2/models/{model}", reader)
    same(quick, ordinary)
    assert quick.status_code == 200 and not needed
    known = reader | {"If-None-Match": quick.headers["ETag"]}
    quick, ordinary, needed = both(app, f"/v2/models/{model}", known)
    same(quick, ordinary)
    assert (quick.status_code, quick.data, needed) == (304, b"", False)


@pytest.mark.parametrize("query", ["", "?limit=2&region=eu", "?q=%C3%BC"])
def test_a_list_that_is_known_is_answered_alike(app: Flask, model: str, reader: Headers, query: str) -> None:
    first, _, needed = both(app, f"/v2/models{query}", reader)
    assert first.status_code == 200 and needed
    quick, ordinary, needed = both(
        app, f"/v2/models{query}", reader | {"If-None-Match": first.headers["ETag"]}
    )
    same(quick, ordinary)
    assert (quick.status_code, needed) == (304, False)
    quick, ordinary, needed = both(app, f"/v2/models{query}", reader)
    same(quick, ordinary)
    assert (quick.data, needed) == (first.data, False)
    with app.app_context():
        db.session.delete(RegisteredModel.by_id(model))
        db.session.commit()
    changed, _, needed = both(app, f"/v2/models{query}", reader | {"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, needed) == (200, True)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer mst_no"},
        {"Authorization": "Basic eDp5"},
        {"If-None-Match": 'W/"x", "y"'},
        {"If-None-Match": "*"},
    ],
)
def test_what_is_not_plain_goes_the_ordinary_way(
    app: Flask, model: str, reader: Headers, headers: Headers
) -> None:
    sent = headers if "If-None-Match" not in headers else reader | headers
    answer, ordinary, needed = both(app, f"/v2/models/{model}", sent)
    assert answer.status == ordinary.status
    assert needed
    assert answer.status_code == {"*": 304, 'W/"x", "y"': 200}.get(headers.get("If-None-Match", ""), 401)


def test_an_etag_that_a_proxy_made_weak_is_known_too(app: Flask, model: str, reader: Headers) -> None:
    for path in (f"/v2/models/{model}", "/v2/models"):
        etag = both(app, path, reader)[0].headers["ETag"]
        for sent in (f"W/{etag}", f'"other", {etag}'):
            answer, ordinary, _ = both(app, path, reader | {"If-None-Match": sent})
            assert answer.status_code == ordinary.status_code == 304


@pytest.mark.parametrize(
    "path", ["/v2/models/{id}?x=1", "/v2/models/{id}/probes", "/v2/models/{id}x", "/v2/modelsx"]
)
def test_other_addresses_go_the_ordinary_way(app: Flask, model: str, reader: Headers, path: str) -> None:
    answer, ordinary, needed = both(app, path.format(id=model), reader)
    assert needed and answer.status == ordinary.status


def test_who_may_not_read_is_refused(app: Flask, model: str) -> None:
    keeper = {"Authorization": f"Bearer {new_token(app, 'credentials')}"}
    answer, _, needed = both(app, f"/v2/models/{model}", keeper)
    assert (answer.status_code, needed) == (403, True)


def test_a_first_use_is_noted_and_a_revoked_token_is_nobody(app: Flask, model: str) -> None:
    text = new_token(app, "read")
    headers = {"Authorization": f"Bearer {text}"}
    assert both(app, f"/v2/models/{model}", headers)[2]
    with app.app_context():
        token = db.session.query(Token).one()
        assert token.last_used is not None
        assert not both(app, f"/v2/models/{model}", headers)[2]
        token.revoked = now()
        db.session.commit()
    assert both(app, f"/v2/models/{model}", headers)[0].status_code == 401


def test_rates_are_counted_this_way_too(make_app: Callable[..., Flask]) -> None:
    app = make_app(rate_limit=3)
    id = new_model(app)
    headers = {"Authorization": f"Bearer {new_token(app, 'read')}"}
    client = Client(app, Response)
    answers = [client.get(f"/v2/models/{id}", headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_a_database_that_fails_has_the_answer_of_the_ordinary_way(
    app: Flask, model: str, reader: Headers
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        db.session.execute(text("ALTER TABLE tokens RENAME TO lost"))
        db.session.commit()
    for path in (f"/v2/models/{model}", "/v2/models"):
        answer, _, needed = both(app, path, reader)
        assert needed and answer.status_code == 500
        assert answer.get_json()["error"]["code"] == "internal_error"
