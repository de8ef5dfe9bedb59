"""Where models are served: base URL, key, further headers, TLS. What is secret of it is kept sealed."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Self

from sqlalchemy import (
    JSON,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.probe.base_url import origin_of
from app.store.base import Base, UTCDateTime, db, new_id, now
from app.store.vault import open_, place

_USUAL = ["Authorization", "Bearer", ""]


class Endpoint(Base):
    """One base URL with its key and its settings; models refer to it. `name` is for people."""

    __tablename__ = "endpoints"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(255))
    base_url: Mapped[str] = mapped_column(String(2048))
    origin: Mapped[str] = mapped_column(String(300), index=True)
    """Scheme, host and port of the base URL, to find by. What a key may go to is worked out of the URL."""
    identity: Mapped[str] = mapped_column(String(64), unique=True)
    """A keyed digest of all that is sent: no two endpoints are the same."""
    key_env: Mapped[str | None] = mapped_column(String(256))
    """NAME of a key that is the reference `env://NAME`, to show and to find by."""
    key_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The key, or the reference to it, sealed: so neither is used where it was not entered for."""
    key_digest: Mapped[str] = mapped_column(String(64), index=True)
    """A keyed digest of the key, or of the reference to it: tells equal ones without opening any."""
    key_changed: Mapped[datetime | None] = mapped_column(UTCDateTime)
    key_ends: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When this key ends, as a person stated it: most keys don't tell. Another key has another end."""
    auth_header: Mapped[str] = mapped_column(String(128), default="Authorization")
    auth_scheme: Mapped[str] = mapped_column(String(32), default="Bearer")
    """What stands before the key, "" for nothing."""
    ca_pem: Mapped[str | None] = mapped_column(Text)
    client_certificate: Mapped[bytes | None] = mapped_column(LargeBinary)
    """A certificate with its private key, as PEM, sealed."""
    client_certificate_shown: Mapped[dict[str, str] | None] = mapped_column(JSON)
    """What of it may be seen: subject, sha256, not_after."""
    proxy: Mapped[str | None] = mapped_column(String(300))
    """`http://host:port` of a proxy of its own, without who signs in there."""
    proxy_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    """`user:password` at that proxy, as a URL writes it, sealed."""
    created: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    updated: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    headers: Mapped[list[EndpointHeader]] = relationship(
        cascade="all, delete-orphan", order_by="EndpointHeader.name", passive_deletes=True
    )

    @property
    def has_key(self) -> bool:
        """Whether a key goes with each call."""
        return bool(self.key_env or self.key_ciphertext)

    @classmethod
    def by_id(cls, id: str) -> Self | None:
        """The endpoint with this id, or None."""
        return db.session.get(cls, id)

    @classmethod
    def locked(cls, id: str) -> Self | None:
        """The endpoint as it is now, which nobody else can write until this transaction ends; or None."""
        db.session.execute(update(cls).where(cls.id == id).values(id=cls.id))
        return db.session.get(cls, id, populate_existing=True)

    def place_of(self, field: str) -> str:
        """Where a sealed value of this row belongs: to whom it is sent, and in which way.

        A base URL that somebody rewrote opens none of them, and neither does another header for the key,
        another certificate to trust or another proxy.
        """
        return place("endpoints", self.id, field, origin_of(self.base_url)) + self._way()

    def _way(self) -> str:
        """How it is sent, where that is not the usual way."""
        sent = [self.auth_header, self.auth_scheme, self.ca_pem or "", *([self.proxy] if self.proxy else [])]
        if sent == _USUAL:
            return ""
        return "\0" + hashlib.sha256(json.dumps(sent).encode()).hexdigest()


def require_opens() -> None:
    """VaultError unless this machine's ring opens the newest stored key: one with another ring does not."""
    sealed = select(Endpoint).where(Endpoint.key_ciphertext.is_not(None))
    endpoint = db.session.scalars(sealed.order_by(Endpoint.id.desc()).limit(1)).first()
    if endpoint is not None and endpoint.key_ciphertext is not None:
        open_(endpoint.key_ciphertext, endpoint.place_of("key"))


class EndpointHeader(Base):
    """A further header of every call to an endpoint. Its name may be seen, its value is sealed."""

    __tablename__ = "endpoint_headers"

    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)


DIGEST_PLACE = place("digest_secrets", "1", "secret", "")


class DigestSecret(Base):
    """One row: what keys are digested with. Random, and sealed, so that it outlives the keys of the ring."""

    __tablename__ = "digest_secrets"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
