"""What is waited for, and the one cycle in which nobody waits twice: time and wire by hand."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.total_timeout import LONG, ResponseTimer, SlowResponse
from carequeue.sync.net.transport import Transport
from carequeue.sync.protocol.sending import Cycle, Unreachable
from tests.sync.wire import Pieces, Wire, answer, listener


class Time:
    """Seconds and instants of a test's own."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def elapsed(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 12, 1, 13, 55, tzinfo=UTC) + timedelta(seconds=self.seconds)


class TestWhatIsWaitedFor:
    @pytest.fixture
    def time(self) -> Time:
        return Time()

    @pytest.fixture
    def waiting(self, time: Time) -> ResponseTimer:
        return ResponseTimer(time.elapsed, time.now)

    def test_is_nothing_while_answers_come_at_once(
        self, time: Time, waiting: ResponseTimer
    ) -> None:
        for _ in range(5):
            with waiting.watch():
                time.seconds += LONG - 1
                assert waiting.now() is None
                waiting.comes()
        assert waiting.now() is None

    def test_is_an_answer_of_which_nothing_has_come(
        self, time: Time, waiting: ResponseTimer
    ) -> None:
        with waiting.watch():
            time.seconds += LONG
            assert waiting.now() == SlowResponse(Time().now(), slow=False)
        assert waiting.now() is None

    def test_is_an_answer_that_drips(self, time: Time, waiting: ResponseTimer) -> None:
        with waiting.watch():
            waiting.comes()
            time.seconds += LONG
            assert waiting.now() == SlowResponse(Time().now(), slow=True)

    def test_is_slow_since_the_first_of_several_that_took_long(
        self, time: Time, waiting: ResponseTimer
    ) -> None:
        for _ in range(4):
            with waiting.watch():
                waiting.comes()
                time.seconds += 250
            assert waiting.now() == SlowResponse(Time().now(), slow=True)
        with waiting.watch():
            assert waiting.now() == SlowResponse(Time().now(), slow=True)
            waiting.comes()
        assert waiting.now() is None

    def test_is_slow_no_more_once_nobody_answers(self, time: Time, waiting: ResponseTimer) -> None:
        with waiting.watch():
            waiting.comes()
            time.seconds += LONG
        with waiting.watch():
            time.seconds += 60
        assert waiting.now() is None

    def test_is_told_while_it_drips_byte_by_byte(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Over a real socket: the server goes on until its slowness is known."""
        monkeypatch.setattr("carequeue.sync.net.total_timeout.LONG", 0.0)
        seen: list[SlowResponse | None] = []

        def drip(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{")
            while not (seen and seen[-1] is not None and seen[-1].slow):
                seen.append(transport.waits())
                connection.sendall(b" ")
            connection.sendall(b"}")

        with listener(drip) as base, Transport(base, Tokens()) as transport:
            assert transport.waits() is None
            assert transport.send("GET", "Task").json == {}


class TestNoAnswer:
    @pytest.mark.parametrize(
        ("fault", "silent", "ends"),
        [
            (httpx.ReadTimeout, True, True),
            (httpx.WriteTimeout, True, True),
            (httpx.RemoteProtocolError, True, False),
            (httpx.ReadError, True, False),
            (httpx.ConnectError, False, False),
            (httpx.ConnectTimeout, False, False),
        ],
    )
    def test_in_time_is_told_from_a_connection_that_broke(
        self, fault: type[httpx.TransportError], silent: bool, ends: bool
    ) -> None:
        def none(request: httpx.Request) -> httpx.Response:
            raise fault("", request=request)

        with pytest.raises(Unreachable) as gone:
            Wire(none).transport.send("GET", "Task")
        assert (gone.value.silent, gone.value.ends) == (silent, ends)

    def test_of_a_server_that_accepts_and_says_nothing_ends_the_cycle(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "carequeue.sync.net.transport._TIMEOUT", httpx.Timeout(0.2, connect=10.0)
        )
        gave_up = threading.Event()

        def nothing(connection: socket.socket) -> None:
            connection.recv(65536)
            gave_up.wait(30)

        with listener(nothing) as base, Transport(base, Tokens()) as transport:
            with pytest.raises(Unreachable) as gone:
                transport.send("GET", "Task")
            gave_up.set()
        assert (gone.value.left, gone.value.silent, gone.value.ends) == (True, True, True)

    def test_of_a_server_that_accepts_and_closes_is_a_broken_connection(self) -> None:
        with (
            listener(lambda connection: None) as base,
            Transport(base, Tokens()) as transport,
            pytest.raises(Unreachable) as gone,
        ):
            transport.send("GET", "Task")
        assert (gone.value.left, gone.value.silent, gone.value.ends) == (True, True, False)

    def test_that_breaks_off_in_the_middle_is_no_silence(self) -> None:
        def cut(request: httpx.Request) -> httpx.Response:
            broken = httpx.ReadError("reset", request=request)
            return httpx.Response(200, stream=Pieces(b"{", breaks=broken))

        with pytest.raises(Unreachable) as gone:
            Wire(cut).transport.send("GET", "Task")
        assert (gone.value.left, gone.value.silent) == (True, False)

    def test_is_not_what_a_question_for_the_head_alone_gets(self) -> None:
        """It has no body, whatever its head says of packing."""
        wire = Wire(lambda _: answer(b"", content_encoding="gzip"))
        assert wire.transport.send("HEAD", "metadata").json is None


class TestACycle:
    def cycle(self, *faults: type[httpx.TransportError] | None) -> tuple[Cycle, Wire]:
        """One over a server at which these happen, one after the other; None is an answer."""
        course = iter(faults)

        def served(request: httpx.Request) -> httpx.Response:
            fault = next(course)
            if fault is None:
                return answer()
            raise fault("", request=request)

        wire = Wire(served)
        return Cycle(wire.transport, lambda: Time().now()), wire

    def sends(self, cycle: Cycle, count: int) -> list[bool]:
        """Whether each of so many requests may have left."""
        left = []
        for _ in range(count):
            try:
                cycle.send("GET", "Task")
                left.append(True)
            except Unreachable as error:
                left.append(error.left)
        return left

    def test_ends_with_the_first_time_out(self) -> None:
        cycle, wire = self.cycle(None, httpx.ReadTimeout)
        assert self.sends(cycle, 5) == [True, True, False, False, False]
        assert (len(wire.requests), cycle.silent_at) == (2, Time().now())

    def test_ends_with_the_second_connection_in_a_row_that_broke(self) -> None:
        broke = httpx.RemoteProtocolError
        cycle, wire = self.cycle(broke, None, broke, None, broke, broke)
        assert self.sends(cycle, 8) == [True] * 6 + [False] * 2
        assert len(wire.requests) == 6

    def test_goes_on_while_the_network_is_only_gone(self) -> None:
        """Whoever asks sees that nothing left, and stops by itself."""
        cycle, _ = self.cycle(httpx.ConnectError, httpx.ConnectError, None)
        assert self.sends(cycle, 3) == [False, False, True]
        assert cycle.silent_at is None

    def test_begins_anew(self) -> None:
        cycle, _ = self.cycle(httpx.ReadTimeout, None)
        self.sends(cycle, 2)
        cycle.begin()
        assert (self.sends(cycle, 1), cycle.silent_at) == ([True], None)
