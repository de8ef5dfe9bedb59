"""a reference to a variable is sealed like a key, bound to the row and the origin that it was entered for"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

# As in 0006: only the ring seals.
from app.store import vault

revision = "0130"
down_revision = "0120"
branch_labels = None
depends_on = None

_USUAL = ["Authorization", "Bearer", ""]
_WAY = ("auth_header", "auth_scheme", "ca_pem", "proxy")
_ENDPOINTS = sa.table(
    "endpoints", *(sa.column(name) for name in ("id", "base_url", *_WAY, "key_env", "key_ciphertext"))
)
_NAMED = _ENDPOINTS.c.key_env.is_not(None)


def upgrade() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(_ENDPOINTS).where(_NAMED)).all():
        sealed = vault.ring().seal(f"env://{row.key_env}", _place(row))
        mine = _ENDPOINTS.c.id == row.id
        connection.execute(sa.update(_ENDPOINTS).where(mine).values(key_ciphertext=sealed))


def downgrade() -> None:
    op.get_bind().execute(sa.update(_ENDPOINTS).where(_NAMED).values(key_ciphertext=None))


def _place(row: Any) -> str:
    parts = urlsplit(row.base_url.strip())
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port or {"http": 80, "https": 443}[parts.scheme.lower()]
    return "\0".join(("endpoints", row.id, "key", f"{parts.scheme.lower()}://{host}:{port}")) + _way_of(row)


def _way_of(row: Any) -> str:
    """As `Endpoint._way` had it at this revision."""
    sent = [row.auth_header, row.auth_scheme, row.ca_pem or "", *([row.proxy] if row.proxy else [])]
    return "" if sent == _USUAL else "\0" + hashlib.sha256(json.dumps(sent).encode()).hexdigest()
