"""Which role the claims of a provider give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.access.actors import AccessError
from app.access.single_sign_on import judge, role_of
from app.config import SettingError, Settings, load

TABLE = (("ops", "editor"), ("admins", "admin"), ("guests", "viewer"))
CHOSEN = replace(Settings(), oidc_roles=TABLE)
GOOD = {"iss": "https://id.example.com", "sub": "1", "email": "a@b.de", "email_verified": True}


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["ops"], "editor"),
        (["ops", "admins"], "admin"),
        (["guests", "ops"], "editor"),
        ("ops", "editor"),
        (["OPS"], ""),
        (["/ops"], ""),
        ([], ""),
        (None, ""),
        ([None, 7, {"ops": 1}], ""),
        ({"ops": "editor"}, ""),
    ],
    ids=str,
)
def test_the_table_gives_the_highest_role(groups: Any, role: str) -> None:
    assert role_of({"groups": groups}, CHOSEN) == role


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["ops"]}}),
        ("resource_access.muster.roles", {"resource_access": {"muster": {"roles": ["ops"]}}}),
        ("https://example.com/roles", {"https://example.com/roles": ["ops"]}),
    ],
)
def test_where_the_claim_is(name: str, claims: dict[str, Any]) -> None:
    """Keycloak nests its roles (Server Administration Guide, protocol mappers), others name them as a URL."""
    assert role_of(claims, replace(CHOSEN, oidc_role_claim=name)) == "editor"
    assert role_of({"realm_access": "ops"}, replace(CHOSEN, oidc_role_claim=name)) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"email": "nobody"},
        {"email": "a\u202eb@c.de"},
        {"email": "a b@c.de"},
        {"email": "a" * 65 + "@c.de"},
        {"email_verified": 1.5},
    ],
    ids=str,
)
def test_claims_that_can_not_be_taken(changes: dict[str, Any]) -> None:
    assert judge(GOOD, CHOSEN).subject == "1"
    with pytest.raises(AccessError):
        judge(GOOD | changes, CHOSEN)


def test_the_letter_case_of_an_address_does_not_matter() -> None:
    chosen = replace(CHOSEN, oidc_domains=("B.de",))
    assert judge(GOOD | {"email": "A@b.DE"}, chosen).email == "a@b.de"


def test_the_table_is_read() -> None:
    given = {"MUSTER_OIDC_ROLES": "admins=admin, CN=ops=Editor"}
    assert load(given).oidc_roles == (("admins", "admin"), ("CN=ops", "editor"))


@pytest.mark.parametrize(
    "environ",
    [
        {"MUSTER_OIDC_ROLES": "admins"},
        {"MUSTER_OIDC_ROLES": "admins=king"},
        {"MUSTER_OIDC_ROLES": "=admin"},
        {"MUSTER_OIDC_DEFAULT_ROLE": "king"},
        {"MUSTER_OIDC_ISSUER": "http://id.example.com", "MUSTER_OIDC_CLIENT_ID": "m"},
        {"MUSTER_OIDC_ISSUER": "https://id.example.com?x=1", "MUSTER_OIDC_CLIENT_ID": "m"},
        {"MUSTER_OIDC_ISSUER": "https://id.example.com"},
        {"MUSTER_LOCAL_SIGNIN": "0"},
    ],
    ids=str,
)
def test_settings_that_let_nobody_in(environ: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="^MUSTER_(OIDC|LOCAL)"):
        load(environ)
