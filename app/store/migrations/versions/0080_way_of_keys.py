"""what is sealed is bound to the way in which it is sent; a column that nothing ever filled goes"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

# As in 0006: only the ring opens what is sealed.
from app.store import vault

revision = "0080"
down_revision = "0070"
branch_labels = None
depends_on = None

log = logging.getLogger("muster.migrations")

_USUAL = ["Authorization", "Bearer", ""]
"""What is sent so is bound as before."""
_WAY = ("auth_header", "auth_scheme", "ca_pem")
_ENDPOINTS = sa.table(
    "endpoints",
    *(sa.column(name) for name in ("id", "base_url", *_WAY, "key_ciphertext", "client_certificate")),
)
_HEADERS = sa.table("endpoint_headers", *(sa.column(name) for name in ("endpoint_id", "name", "ciphertext")))


def upgrade() -> None:
    _seal_anew(bound=True)
    with op.batch_alter_table("endpoints", schema=None) as batch_op:
        batch_op.drop_column("proxy")


def downgrade() -> None:
    _seal_anew(bound=False)
    op.add_column("endpoints", sa.Column("proxy", sa.String(length=2048), nullable=True))


def _seal_anew(*, bound: bool) -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_ENDPOINTS)).all():
        way = _way_of(row)
        if not way:
            continue
        before, after = ("", way) if bound else (way, "")
        mine = _ENDPOINTS.c.id == row.id
        for column, field in (("key_ciphertext", "key"), ("client_certificate", "client_certificate")):
            sealed = _moved(getattr(row, column), _place(row, field), before, after)
            connection.execute(sa.update(_ENDPOINTS).where(mine).values({column: sealed}))
        headers = sa.select(_HEADERS).where(_HEADERS.c.endpoint_id == row.id)
        for header in connection.execute(headers).all():
            sealed = _moved(header.ciphertext, _place(row, f"header {header.name}"), before, after)
            this = (_HEADERS.c.endpoint_id == row.id) & (_HEADERS.c.name == header.name)
            connection.execute(sa.update(_HEADERS).where(this).values(ciphertext=sealed))


def _moved(sealed: bytes | None, place: str, before: str, after: str) -> bytes | None:
    """The same secret, sealed for its new place; what does not open stays as it is."""
    if sealed is None:
        return None
    try:
        ring = vault.ring()
        return ring.seal(ring.open(bytes(sealed), place + before), place + after)
    except vault.VaultError as error:
        log.warning("a stored secret stays as it is: %s", error)
        return sealed


def _way_of(row: Any) -> str:
    sent = [getattr(row, name) or "" for name in _WAY]
    return "" if sent == _USUAL else "\0" + hashlib.sha256(json.dumps(sent).encode()).hexdigest()


def _place(row: Any, field: str) -> str:
    parts = urlsplit(row.base_url.strip())
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port or {"http": 80, "https": 443}[parts.scheme.lower()]
    return "\0".join(("endpoints", row.id, field, f"{parts.scheme.lower()}://{host}:{port}"))
