"""Who acts: roles of people, scopes of tokens, and what each may do."""

from __future__ import annotations

from dataclasses import dataclass

from app.operator_error import OperatorError
from app.store.accounts import User

ROLES = {
    "viewer": frozenset({"read"}),
    "editor": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
}
# What a token's scope lets it do. Reading keys in clear is a thing of its own that nothing else implies.
SCOPES = {
    "read": frozenset({"read"}),
    "write": frozenset({"read", "write"}),
    "admin": frozenset({"read", "write", "admin"}),
    "credentials": frozenset({"credentials"}),
}
# The most that a token does whose maker has this role now.
MOST_OF_ROLE = ROLES | {"admin": ROLES["admin"] | SCOPES["credentials"]}


class AccessError(OperatorError):
    """A user or token can't be made or changed as asked; the text is one sentence for who asked."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and `scopes` is all that they may do.

    The kind is `user`, `token`, `address` (a stranger), `cli` or `system`.
    """

    kind: str
    name: str
    scopes: frozenset[str]
    id: str = ""

    @property
    def label(self) -> str:
        """How the audit log names the actor."""
        return f"{self.kind}:{self.name}"

    def may(self, scope: str) -> bool:
        """Whether the actor has this scope."""
        return scope in self.scopes


COMMAND_LINE = Actor("cli", "muster", ROLES["admin"])
SYSTEM = Actor("system", "muster", ROLES["admin"])


def stranger(address: str | None) -> Actor:
    """Somebody who is not signed in, known by their address alone."""
    return Actor("address", address or "unknown", frozenset())


def user_actor(user: User) -> Actor:
    """The actor that a user is."""
    return Actor("user", user.email, ROLES.get(user.role, frozenset()), user.id)
