"""Callers that begin a request and send no more of it."""

from __future__ import annotations

import resource
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from app.cli.serving.web_worker import HEAD, PatientSocket, Within
from tests.load.running import Running, running


@pytest.fixture(scope="module")
def muster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of this file's own, which may open as few files at first as many systems allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    with running(tmp_path_factory.mktemp("muster"), practice=False, workers=1, threads=8) as started:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        yield started


@pytest.mark.parametrize(
    "sent", [b"GET / ", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "], ids=["line", "header"]
)
def test_a_request_that_is_never_finished_holds_no_thread(tmp_path: Path, sent: bytes) -> None:
    """Every thread is held, three times over; who holds one has less time then, and soon all are free."""
    with running(tmp_path, practice=False, workers=1, threads=8) as muster, ExitStack() as opened:
        for _ in range(24):
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", muster.port)))
            slow.sendall(sent)
        with pytest.raises(requests.Timeout):
            requests.get(f"{muster.url}/healthz", timeout=1.5)
        for _ in range(5):
            assert requests.get(f"{muster.url}/healthz", timeout=3 * HEAD.calm_s - 2).ok
    assert "Traceback" not in muster.logged()


def test_an_answer_that_is_never_read_holds_no_thread(tmp_path: Path) -> None:
    """Every thread is held by who asks for a large page again and again and takes none of it."""
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 20
    with running(tmp_path, practice=False, workers=1, threads=4) as muster, ExitStack() as opened:
        for _ in range(8):
            deaf = opened.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.connect(("127.0.0.1", muster.port))
            deaf.sendall(asked)
        with pytest.raises(requests.Timeout):
            for _ in range(20):  # the first come in before all threads are held
                requests.get(f"{muster.url}/healthz", timeout=3)
        assert requests.get(f"{muster.url}/healthz", timeout=120).ok
    assert "Traceback" not in muster.logged()


@pytest.mark.parametrize("as_file", [False, True])
def test_what_is_not_taken_in_time_is_given_up(tmp_path: Path, as_file: bool) -> None:
    ours, theirs = socket.socketpair()
    with PatientSocket(fileno=ours.detach()) as patient, theirs:
        patient.within_s = 0.05
        patient.sendall(b"x")
        assert (theirs.recv(1), patient.gettimeout()) == (b"x", None)
        large = tmp_path / "large"
        large.write_bytes(bytes(4_000_000 if as_file else 0))
        with pytest.raises(BrokenPipeError), large.open("rb") as file:
            if as_file:
                patient.sendfile(file)
            while not as_file:
                patient.sendall(bytes(10_000))


def test_what_is_not_sent_in_time_is_an_end_that_its_answer_does_not_see() -> None:
    """A probe takes its browser for gone when the connection ends: after a minute none was left."""
    ours, theirs = socket.socketpair()
    with PatientSocket(fileno=ours.detach()) as patient, theirs:
        theirs.sendall(b"GET /")
        patient.expect(Within(60, 0.05), lambda: False)
        assert patient.recv(100) == b"GET /"
        patient.expect(Within(60, 0.05), lambda: True)
        assert patient.recv(100) == b"" and patient.gettimeout() is None
        poll = select.poll()
        poll.register(patient, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        assert poll.poll(0) == []
        patient.sendall(b"answer")
        assert theirs.recv(100) == b"answer"


@pytest.mark.parametrize("callers", [900, 1500], ids=["fewer than it takes", "more than it takes"])
def test_callers_who_send_nothing_hold_up_nobody(muster: Running, callers: int) -> None:
    """A hundred times as many as there are threads, without a proxy."""
    with ExitStack() as opened:
        for _ in range(callers):
            opened.enter_context(socket.create_connection(("127.0.0.1", muster.port)))
        for _ in range(5):
            assert requests.get(f"{muster.url}/healthz", timeout=20).ok


def test_a_worker_that_gets_no_more_files_lives_on(muster: Running) -> None:
    """It ended, and whatever its other callers had begun with it."""
    (worker,) = muster.workers()
    before = resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)
    assert before[0] > min(1024, before[1] - 1), "it takes what the system gives"
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (worker.num_fds() + 50, before[1]))
    try:
        with ExitStack() as opened:
            for _ in range(200):
                opened.enter_context(socket.create_connection(("127.0.0.1", muster.port)))
            assert requests.get(f"{muster.url}/healthz", timeout=20).ok
        assert [one.pid for one in muster.workers()] == [worker.pid]
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, before)


def test_callers_who_never_close_hold_up_nobody(muster: Running) -> None:
    """The server waited for each of them, two seconds, in the thread that gives work to all others."""
    with ExitStack() as opened:
        for _ in range(20):
            stays = opened.enter_context(socket.create_connection(("127.0.0.1", muster.port)))
            stays.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        for _ in range(5):
            assert requests.get(f"{muster.url}/healthz", timeout=8).ok


def test_fewer_slow_callers_than_threads_hold_up_nobody(muster: Running) -> None:
    """As many as the README promises, without a proxy."""
    with ExitStack() as opened:
        for _ in range(7):
            slow = opened.enter_context(socket.create_connection(("127.0.0.1", muster.port)))
            slow.sendall(b"GET / ")
        for _ in range(5):
            assert requests.get(f"{muster.url}/healthz", timeout=HEAD.full_s).ok


@pytest.mark.parametrize("kilobytes", [200, 2000], ids=["that would fit", "that is too large"])
def test_after_a_body_that_nobody_reads_the_next_request_is_answered(muster: Running, kilobytes: int) -> None:
    """The server said keep-alive, closed without a word, and the client's next call was lost."""
    with muster.session() as client:
        unread = client.patch(f"{muster.url}/v2/endpoints/none", data=b" " * kilobytes * 1000, timeout=30)
        assert unread.status_code == 404
        away = client.post(
            f"{muster.url}/endpoints/new", data=b" " * kilobytes * 1000, timeout=30, allow_redirects=False
        )
        assert away.status_code < 500
        assert client.post(f"{muster.url}/v2/endpoints/catalog", json={}, timeout=30).status_code == 400
