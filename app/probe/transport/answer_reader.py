"""Taking in one answer: its head, its body in pieces, and when each piece came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from http.client import IncompleteRead

from urllib3 import HTTPResponse
from urllib3.exceptions import DecodeError, HTTPError

from app.probe.transport.answer import Answer
from app.probe.transport.call import Call
from app.probe.transport.concurrency import large_body
from app.probe.transport.deadline import Deadline
from app.probe.transport.failure import Failure, TransportError
from app.probe.transport.stream import Stream
from app.probe.values import Limits

_PIECE = 16384
_TAIL = 8192
# In bytes. A body beyond the first waits for a turn; one that broke the limit is of no use any more, and
# would only fill the memory: the second is what it keeps, for the evidence.
_LARGE = 32768
_KEPT_OF_TOO_LARGE = 16384
# Each layer of a packed body may unpack to so many times the limit of the body: the next may pack again.
_UNPACKED_PER_BODY = 4
_CODINGS_AT_MOST = 3
# Pieces share an entry where they arrive in the same ms, or, past so many, in the same 50 ms.
_ARRIVALS_EXACT = 4096
_COARSE_MS = 50


class Reading:
    """Collects what comes back for one call."""

    def __init__(self, call: Call, limits: Limits, deadline: Deadline) -> None:
        self.failure: Failure | None = None
        self.stopped = False
        self.status: int | None = None
        self._call = call
        self._limits = limits
        self._deadline = deadline
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._first_byte_ms: int | None = None
        self._arrivals: list[tuple[int, int]] = []
        self._turn = ExitStack()

    def take(self, response: HTTPResponse, stream: Stream) -> None:
        """Read the whole answer, or as much as the limits and the call's `stop` allow; raises Broken."""
        self.status = response.status
        self._headers = {name.lower(): response.headers[name] for name in response.headers}
        self._first_byte_ms = self._deadline.ms()
        self._deadline.last_step("the answer was not complete within the time limit")
        with self._turn:
            try:
                self._read_body(response)
            except HTTPError as error:
                raise _body_broke(error, stream) from None
            except TransportError as broken:
                if broken.failure.kind == "too_large":
                    del self._body[_KEPT_OF_TOO_LARGE:]
                raise

    def _read_body(self, response: HTTPResponse) -> None:
        codings = _codings(self._headers)
        refusal = _refusal_of(codings)
        if refusal and response.read1(1):  # of an empty body the coding does not matter
            raise refusal
        for coding in reversed(codings):
            response = _Layer(response, coding, _UNPACKED_PER_BODY * self._limits.body_bytes)
        while piece := response.read1(_PIECE):
            self._add(piece)
            if self.stopped:
                return

    def _add(self, piece: bytes) -> None:
        room = self._limits.body_bytes - len(self._body)
        if len(self._body) <= _LARGE < len(self._body) + len(piece):
            self._turn.enter_context(large_body(self._deadline))
        before = len(self._body)
        self._body += piece[:room]
        self._note_arrival(self._deadline.ms())
        if len(piece) > room:
            limit = self._limits.body_bytes // 1024
            raise TransportError("too_large", f"the answer does not end within {limit} KiB")
        if self._call.stop and self._call.stop(bytes(self._body[max(0, before - _TAIL) :])):
            self.stopped = True

    def _note_arrival(self, now: int) -> None:
        if not self._arrivals:
            self._first_byte_ms = now
        together = 0 if len(self._arrivals) < _ARRIVALS_EXACT else _COARSE_MS
        if len(self._arrivals) > 1 and now - self._arrivals[-1][0] <= together:
            now = self._arrivals.pop()[0]
        self._arrivals.append((now, len(self._body)))

    def answer(self) -> Answer:
        """What was collected."""
        return Answer(
            call=self._call,
            status=self.status,
            headers=self._headers,
            body=bytes(self._body),
            duration_ms=self._deadline.ms(),
            first_byte_ms=self._first_byte_ms,
            arrivals=tuple(self._arrivals),
            failure=self.failure,
        )


class _Layer(HTTPResponse):
    """One coding of a body undone by urllib3, which since 2.6 unpacks no more at once than is asked for.

    All that it unpacks is bounded here: the next layer may make nothing of it, for as long as it comes.
    """

    def __init__(self, packed: HTTPResponse, coding: str, limit: int) -> None:
        # Left open at the end of what is packed: the next layer takes no more from one that is closed.
        super().__init__(packed, {"Content-Encoding": coding}, preload_content=False, auto_close=False)
        self._coding = coding
        self._unpacked_left = limit

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        """At most `amt` bytes in clear, as soon as there are any; raises Broken."""
        try:
            piece = super().read1(amt, decode_content)
        except DecodeError:
            words = f"the body is not the {self._coding} that its headers say it is"
            raise TransportError("undecodable", words) from None
        self._unpacked_left -= len(piece)
        if self._unpacked_left < 0:
            raise TransportError("too_large", "the body unpacks to much more than an answer may hold")
        return piece


def _codings(headers: Mapping[str, str]) -> list[str]:
    """The codings of a body in the order in which they were applied."""
    named = ",".join(headers.get(f"{name}-encoding", "") for name in ("content", "transfer"))
    codings = (coding.strip().lower().removeprefix("x-") for coding in named.split(","))
    return [coding for coding in codings if coding not in ("", "identity", "chunked", "none")]


def _refusal_of(codings: Sequence[str]) -> TransportError | None:
    """Why these codings can't be undone."""
    unknown = [coding for coding in codings if coding not in ("gzip", "deflate")]
    if unknown:
        shown = "".join(c if c.isascii() and c.isprintable() else "?" for c in unknown[0][:20])
        return TransportError("undecodable", f"the body is encoded as {shown}, which was not asked for")
    if len(codings) > _CODINGS_AT_MOST:
        return TransportError("undecodable", f"the body is encoded {len(codings)} times over")
    return None


def _body_broke(error: HTTPError, stream: Stream) -> TransportError:
    cause = error.args[-1] if error.args else None
    if not stream.ended:
        return TransportError("protocol", "the body of the answer is not framed as HTTP asks (broken chunks)")
    if isinstance(cause, IncompleteRead) and cause.expected:
        total = len(cause.partial) if isinstance(cause.partial, bytes) else cause.partial
        return TransportError(
            "reset", f"the connection closed after {total} bytes of the body, {cause.expected} before its end"
        )
    return TransportError("reset", "the connection closed before the end of the body")
