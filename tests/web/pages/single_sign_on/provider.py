"""An OpenID Connect provider on loopback that can be told to differ in one thing from a good one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import requests
from flask import Flask, Response, g, request
from flask.testing import FlaskClient
from joserfc import jws, jwt
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from tests.conftest import served

CLIENT_ID = "muster-test"
SECRET = "client-secret-9c41e07b"
SUBJECT = "8f1c-ada"
GOOD = {"email": "ada@example.com", "email_verified": True, "groups": ["ops"]}
EVENT = "http://schemas.openid.net/event/backchannel-logout"
Facts = dict[str, Any]


@dataclass
class FakeProvider:
    """What the provider says of SUBJECT, and how its tokens differ: `changes` replaces claims, None drops."""

    app: Flask
    url: str = ""
    person: Facts = field(default_factory=lambda: dict(GOOD))
    changes: Facts = field(default_factory=dict)
    metadata: Facts = field(default_factory=dict)
    foreign_key: RSAKey | None = None
    token_header: Facts | None = None
    asked: list[Facts] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    fetches: int = 0
    """How often its keys were fetched."""
    _storage: Any = None

    def settings(self, **more: Any) -> Facts:
        """The settings of a Muster whose people sign in here."""
        usual = {"oidc_issuer": self.url, "oidc_client_id": CLIENT_ID, "oidc_client_secret": SECRET}
        table = {"oidc_roles": (("admins", "admin"), ("ops", "editor")), "public_url": "http://localhost"}
        return usual | table | more

    def roll_key(self) -> None:
        """From now on another key signs, and it alone is published."""
        self._storage.jwk = type(self._storage.jwk).generate_key(is_private=True)

    def sign(self, claims: Facts, header: Facts | None = None) -> str:
        """A token with these claims by the provider's key, or by a foreign one where that is set."""
        own = RSAKey.import_key(self._storage.jwk.as_pem(is_private=True))
        return jwt.encode(header or self.token_header or {"alg": "RS256"}, claims, self.foreign_key or own)

    def logout_token(self, **changes: Any) -> str:
        """A good logout token for SUBJECT, with some claims replaced (None: left out)."""
        moment = int(time.time())
        good = {"iss": self.url, "aud": CLIENT_ID, "iat": moment, "exp": moment + 120, "jti": "1"}
        claims = good | {"sub": SUBJECT, "events": {EVENT: {}}} | changes
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def note(self) -> None:
        """Before each request: what was asked of the token endpoint, and the person as set now."""
        self._storage = g.oidc_provider_mock_storage
        self._storage.store_user(oidc_provider_mock.User(sub=SUBJECT, claims=self.person))
        self.fetches += "jwk" in request.path
        if request.path == "/oauth2/token":
            self.asked.append(request.form.to_dict())

    def differ(self, response: Response) -> Response:
        """After each request: change the metadata, or the claims of the token."""
        if request.path == "/.well-known/openid-configuration":
            response.set_data(json.dumps(response.get_json() | self.metadata))
        if request.path == "/oauth2/token" and response.status_code == 200:
            body = response.get_json()
            body["id_token"] = self._changed(body["id_token"])
            self.tokens += [body["id_token"], body["access_token"]]
            response.set_data(json.dumps(body))
        return response

    def _changed(self, token: str) -> str:
        signed = jws.extract_compact(token.encode())
        claims = json.loads(signed.payload) | self.changes
        kept = {name: value for name, value in claims.items() if value is not None}
        return self.sign(kept, dict(signed.headers()))


@contextmanager
def provider() -> Iterator[FakeProvider]:
    """The provider, served for the block."""
    app = oidc_provider_mock.app()
    fake = FakeProvider(app)
    app.before_request(fake.note)
    app.after_request(fake.differ)
    with served(app) as server:
        fake.url = server.url
        yield fake


def begin(browser: FlaskClient, wanted: str = "") -> str:
    """Where the browser is sent to sign in."""
    answer = browser.get("/signin/provider" + (f"?next={wanted}" if wanted else ""))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def consent(url: str) -> str:
    """The way back that the provider gives who signs in there as SUBJECT: path and query."""
    answer = requests.post(url, data={"sub": SUBJECT}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def sign_in(browser: FlaskClient, wanted: str = "") -> TestResponse:
    """The whole way; the answer to the way back."""
    return browser.get(consent(begin(browser, wanted)))


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
