"""Talking to the OpenID Connect provider: discovery, the code flow with PKCE, and its signed tokens.

Authlib does the protocol. What is stricter here: no redirect is followed, each call has a timeout, only
asymmetric signatures count, issuer and audience must be the expected ones, and the keys are fetched again
where a signature does not fit (the provider may have rolled them over). No token and no code gets into a
log or a message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import FrameworkIntegration
from authlib.integrations.flask_client import FlaskOAuth2App
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from flask import current_app
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from app.access.actors import AccessError
from app.config import Settings, settings
from app.probe.transport import tls

TIMEOUT_S = 10.0
CLOCK_SKEW_S = 60
"""So many seconds the clocks of Muster and the provider may differ."""
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_HOLDS_S = 120
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""A shared secret signs nothing here, and `none` even less."""
_METADATA_HOLDS_S = 3600.0
_KEPT = "muster.single_sign_on"
_OTHERS_WAIT_S = 1.0
_KEYS_ANEW_S = 5.0
"""Anybody may send a token that no key fits: so often at most the keys are fetched for it."""


class ProviderError(AccessError):
    """The provider can't be reached, or said what can't be taken; the text is for who signs in."""


class _Session(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
    """A session that follows no redirect: it would take the client's secret along."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        kwargs["allow_redirects"] = False
        if settings().ca_bundle:
            trusted = tls.context(settings().ca_bundle)
            self.get_adapter("https://").init_poolmanager(2, 2, ssl_context=trusted)
        return super().request(method, url, *args, **kwargs)


class _App(FlaskOAuth2App):  # type: ignore[misc]  # Authlib has no types
    client_cls = _Session


class Provider:
    """The provider of these settings. One for an application, as it keeps what discovery said."""

    def __init__(self, chosen: Settings) -> None:
        self.issuer = chosen.oidc_issuer
        self._client_id = chosen.oidc_client_id
        self._chosen = chosen
        self._made_at = 0.0
        self._keys_at = -_KEYS_ANEW_S
        self._app: Any = None
        self._asking = threading.Lock()

    def ask(self, redirect_uri: str) -> dict[str, str]:
        """What a sign-in begins with: the `url` to go to, and state, nonce and code_verifier to keep."""
        with _in_words():
            asked: dict[str, str] = self._client().create_authorization_url(redirect_uri)
        return asked

    def claims(self, code: str, redirect_uri: str, kept: Mapping[str, str]) -> dict[str, Any]:
        """The claims that a code is worth, the signature and all conditions of Core 1.0, 3.1.3.7, checked."""
        with _in_words():
            client = self._client()
            verifier = kept["code_verifier"]
            token = client.fetch_access_token(redirect_uri, code=code, code_verifier=verifier)
            if "id_token" not in token:
                raise ProviderError("The provider sent no ID token. Is openid among the scopes?")
            params = {"nonce": kept["nonce"], "client_id": self._client_id}
            params["access_token"] = token.get("access_token", "")
            said, header = self._opened(token["id_token"])
            checked = CodeIDToken(said, header, self._options(), params)
            checked.validate(leeway=CLOCK_SKEW_S)
            return self._completed(dict(checked), token)

    def logout_claims(self, token: str) -> dict[str, Any]:
        """What a logout token says, by Back-Channel Logout 1.0, 2.6. ProviderError where it does not hold.

        Its `jti` is not kept: a second time it could only end what is over.
        """
        with _in_words():
            said, header = self._opened(token)
            options = self._options() | {"iat": {"essential": True}, "jti": {"essential": True}}
            jwt.JWTClaimsRegistry(leeway=CLOCK_SKEW_S, **options).validate(said)
        events = said.get("events")
        wrong = not isinstance(events, dict) or _LOGOUT not in events or "nonce" in said
        old = time.time() - said["iat"] > _LOGOUT_HOLDS_S + CLOCK_SKEW_S
        named = [said[name] for name in ("sub", "sid") if name in said]
        if wrong or old or not named or not all(isinstance(name, str) and name for name in named):
            raise ProviderError("This is no logout token that holds.")
        return said

    def end_session_url(self, back_to: str) -> str:
        """Where a browser ends its session at the provider, "" where it offers no such place."""
        with _in_words():
            client = self._client()
            if not client.load_server_metadata().get("end_session_endpoint"):
                return ""
            url: str = client.create_logout_url(back_to, client_id=self._client_id)["url"]
        return url

    def _client(self) -> Any:
        if self._is_known():
            return self._app
        # Anybody may begin a sign-in: a provider that is slow must not hold a thread for each.
        if not self._asking.acquire(timeout=_OTHERS_WAIT_S):
            raise ProviderError("The provider is slow to answer. Try again soon.")
        try:
            if not self._is_known():
                self._discover()
        finally:
            self._asking.release()
        return self._app

    def _is_known(self) -> bool:
        return self._app is not None and time.monotonic() - self._made_at <= _METADATA_HOLDS_S

    def _discover(self) -> None:
        app = self._new_client()
        metadata = app.load_server_metadata()
        # Discovery 1.0, 4.3: it must be the very issuer that was asked, but for a slash at the end.
        if str(metadata.get("issuer", "")).rstrip("/") != self.issuer:
            raise ProviderError("The provider calls itself by another address than MUSTER_OIDC_ISSUER.")
        self._app, self._made_at = app, time.monotonic()

    def _new_client(self) -> Any:
        return _App(
            FrameworkIntegration("provider"),
            "provider",
            client_id=self._client_id,
            client_secret=self._chosen.oidc_client_secret or None,
            server_metadata_url=f"{self.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": " ".join(self._chosen.oidc_scopes),
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
            }
            | ({} if self._chosen.oidc_client_secret else {"token_endpoint_auth_method": "none"}),
        )

    def _options(self) -> dict[str, Any]:
        issuer = self._client().load_server_metadata()["issuer"]
        return {
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": self._client_id},
        }

    def _opened(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The claims and the header of a signed token; the keys are fetched anew where none fits."""
        client, registry = self._client(), JWSRegistry(algorithms=list(_SIGNATURES))
        for anew in (False, True):
            if anew:
                self._keys_at = time.monotonic()
            keys = KeySet.import_key_set(client.fetch_jwk_set(force=anew))
            try:
                opened = jwt.decode(token, keys, registry=registry)
                return dict(opened.claims), dict(opened.header)
            except (InvalidKeyIdError, BadSignatureError):
                if anew or time.monotonic() - self._keys_at < _KEYS_ANEW_S:
                    raise
        raise AssertionError("the second turn raises or returns")

    def _completed(self, claims: dict[str, Any], token: Mapping[str, Any]) -> dict[str, Any]:
        """The claims, with those of the UserInfo endpoint where the ID token is thin.

        Core 1.0, 5.3.2: they count only where their subject is the same.
        """
        client = self._client()
        place = client.load_server_metadata().get("userinfo_endpoint")
        role_claim = self._chosen.oidc_role_claim.partition(".")[0]
        if not place or ("email" in claims and role_claim in claims):
            return claims
        told = client.userinfo(token=token)
        return dict(told) | claims if told.get("sub") == claims["sub"] else claims


@contextmanager
def _in_words() -> Iterator[None]:
    """Turns what goes wrong with the provider into a ProviderError that holds no token."""
    try:
        yield
    except JoseError as error:
        raise ProviderError(f"The provider's token does not hold ({error.error}).") from None
    except AuthlibBaseError:
        raise ProviderError("The provider did not accept this sign-in. Try once more.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        # No connection, an error status, no JSON, or JSON that is something else.
        raise ProviderError("The provider can't be reached, or it answers oddly. Try again soon.") from None


def current() -> Provider | None:
    """The provider of the application at hand, None where none is set."""
    chosen = settings()
    if not chosen.oidc_issuer:
        return None
    kept = current_app.extensions.setdefault(_KEPT, {})
    made = kept.get("provider")
    if made is None:
        made = kept["provider"] = Provider(chosen)
    return made if isinstance(made, Provider) else None
