"""The HTTP client: what each kind of trouble on the wire becomes, and what is sent again."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from instep.connectors.exchange import redact
from instep.connectors.http import Answer, Exchange, FixedHeaders, HttpClient, Limits, Outgoing
from instep.errors import BadAnswer, ConfigurationError, InDoubt, OutcomeError, RetryLater, Stop

from .faulty_server import CLOSE, HANG, Clock, FaultyServer, faulty_server, http

HTML = http(200, b"<html>maintenance</html>", type="text/html")


class Bench:
    def __init__(self, server: FaultyServer, client: HttpClient, clock: Clock, log: list[Exchange]) -> None:
        self.server, self.client, self.clock, self.log = server, client, clock, log

    async def read(self, path: str = "/things") -> Answer:
        return await self.client.request("GET", path, route="/things")

    async def write(self) -> Answer:
        return await self.client.request("POST", "/things", body=b"a=1", route="/things")


@asynccontextmanager
async def bench(
    script: Sequence[bytes],
    rest: bytes = http(),
    *,
    limits: Limits | None = None,
    auth: FixedHeaders | None = None,
    requests_per_minute: int | None = None,
) -> AsyncIterator[Bench]:
    clock, log = Clock(), list[Exchange]()
    async with faulty_server(script, rest) as server:
        client = HttpClient(
            "Acme ERP",
            server.url,
            auth=auth,
            limits=limits or Limits(total_s=0.3),
            requests_per_minute=requests_per_minute,
            log=log.append,
            sleep=clock.sleep,
            random=lambda: 0.5,
            monotonic=clock.monotonic,
        )
        try:
            yield Bench(server, client, clock, log)
        finally:
            await client.close()


async def test_numbers_with_a_fraction_arrive_as_decimals() -> None:
    async with bench([http(200, b'{"price": 19.90, "count": 3}')]) as at:
        answer = await at.read()
    assert answer.value == {"price": Decimal("19.90"), "count": 3}
    assert isinstance(answer.value["price"], Decimal)


TROUBLE = {
    "hangs": HANG,
    "closes": CLOSE,
    "answers 500": http(500, b'{"error": 1}'),
    "answers 503 in HTML": http(503, b"<html>", type="text/html"),
    "sends HTML": HTML,
    "breaks off half way": http(200, b'{"a": 1', "Connection: close", length=500),
    "sends half a JSON": http(200, b'{"a": [1, 2'),
    "sends nesting without end": http(200, b"[" * 200_000),
    "sends no HTTP at all": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
async def test_a_read_survives_trouble_that_passes(trouble: bytes) -> None:
    async with bench([trouble, trouble], http(200, b'{"ok": true}')) as at:
        answer = await at.read()
    assert answer.value == {"ok": True}
    assert at.server.count == at.client.requests == 3
    assert len(at.clock.naps) == 2


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (HANG, RetryLater),
        (CLOSE, RetryLater),
        (http(502, b"<html>", type="text/html"), RetryLater),
        (http(429, b"{}"), RetryLater),
        (HTML, BadAnswer),
        (TROUBLE["sends half a JSON"], BadAnswer),
    ],
    ids=["hangs", "closes", "502", "429", "html", "half"],
)
async def test_a_read_in_lasting_trouble_ends_after_a_bounded_number_of_tries(
    trouble: bytes, expected: type[OutcomeError]
) -> None:
    async with bench([], trouble, limits=Limits(total_s=0.1, read_tries=3)) as at:
        with pytest.raises(expected):
            await at.read()
        assert at.server.count == 3


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
async def test_a_write_in_trouble_is_in_doubt_and_not_sent_again(trouble: bytes) -> None:
    async with bench([trouble]) as at:
        with pytest.raises(InDoubt):
            await at.write()
        assert at.server.count == 1


async def test_a_write_goes_over_no_connection_that_the_server_may_just_have_closed() -> None:
    async with bench([], limits=Limits(kept_s=1e-9)) as at:
        await at.read()
        await at.write()
        assert at.server.connections == 2
    async with bench([], limits=Limits()) as at:
        await at.read()
        await at.write()
        assert at.server.connections == 1, "one that was used just now is used again"
    assert Limits().kept_s < 2.0, "as soon as the first of the usual servers closes it"


async def test_a_write_goes_over_no_connection_that_the_server_closed_while_this_process_was_busy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_one() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(65536)
                accepted.sendall(http())

        def serve_next() -> threading.Thread:
            thread = threading.Thread(target=answer_one)
            thread.start()
            return thread

        client = HttpClient("Acme ERP", f"http://127.0.0.1:{listener.getsockname()[1]}")
        first = serve_next()
        assert (await client.request("GET", "/things")).status == 200
        first.join()  # nothing else goes on here until the server has closed the connection
        second = serve_next()
        assert (await client.request("POST", "/things", body=b"a=1")).status == 200
        second.join()
        await client.close()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
async def test_no_write_is_sent_twice_over_a_kept_connection_that_died(method: str) -> None:
    async with bench([http(), CLOSE]) as at:
        await at.read()
        with pytest.raises(InDoubt):
            await at.client.request(method, "/things/1", body=b"{}")
        assert at.server.count == 2


async def test_a_write_that_was_refused_for_its_rate_is_sent_again() -> None:
    script = [http(429, b"{}", "Retry-After: 7")]
    async with bench(script, http(200, b'{"id": 1}'), limits=Limits()) as at:
        answer = await at.write()
    assert answer.value == {"id": 1}
    assert at.server.bodies == [b"a=1", b"a=1"]
    assert at.clock.naps == [7.0]


async def test_a_write_that_found_no_connection_is_definitely_not_applied() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        clock = Clock()
        client = HttpClient(
            "Acme ERP", f"http://127.0.0.1:{port}", sleep=clock.sleep, monotonic=clock.monotonic
        )
        with pytest.raises(RetryLater, match="could not be reached"):
            await client.request("POST", "/things", body=b"")
        assert client.requests == len(clock.naps) + 1 == 4
        await client.close()


async def test_a_retry_after_holds_back_every_request_of_the_client() -> None:
    async with bench([http(429, b"{}", "Retry-After: 30")], limits=Limits()) as at:
        await at.write()
        assert at.clock.naps == [30.0]
        at.client.pace.pause(20)
        await at.read()
        assert at.clock.naps == [30.0, 20.0]


async def test_a_locked_record_holds_back_no_other() -> None:
    clock = Clock()
    async with faulty_server([http(429, b'{"code": "locked"}')]) as server:
        client = HttpClient(
            "Acme ERP",
            server.url,
            record_locked=lambda body: body == {"code": "locked"},
            sleep=clock.sleep,
            monotonic=clock.monotonic,
        )
        await client.request("POST", "/things", body=b"")
        await client.close()
    assert server.count == 2
    assert client.pace.left_s() == 0
    assert len(clock.naps) == 1


async def test_a_pause_longer_than_ones_patience_is_reported_without_a_request() -> None:
    async with bench([http(503, b"{}", "Retry-After: 3600")]) as at:
        with pytest.raises(RetryLater) as first:
            await at.read()
        with pytest.raises(RetryLater) as second:
            await at.write()
        assert at.server.count == 1
    assert first.value.after_ms == second.value.after_ms == 3_600_000


async def test_a_write_is_answered_or_given_up_within_one_timeout() -> None:
    busy = http(429, b"{}", "Retry-After: 20")
    async with bench([], busy, limits=Limits(total_s=60)) as at:
        with pytest.raises(RetryLater):
            await at.write()
        assert at.server.count == 2, "a third would begin in the second half of its time"
        assert at.clock.now <= 1060


async def test_a_write_that_waited_too_long_for_its_turn_is_not_sent() -> None:
    async with bench([], limits=Limits(total_s=20), requests_per_minute=4) as at:
        with pytest.raises(RetryLater, match="not sent"):
            for _ in range(3):
                await at.write()
        assert at.server.count < 3


async def test_a_retry_after_may_be_a_date() -> None:
    clock = Clock()
    async with faulty_server([http(429, b"{}", "Retry-After: Thu, 01 Jan 1970 00:01:00 GMT")]) as server:
        client = HttpClient(
            "Acme ERP", server.url, sleep=clock.sleep, monotonic=clock.monotonic, now_ms=lambda: 15_000
        )
        await client.request("GET", "/x")
        await client.close()
    assert clock.naps == [45.0]


async def test_answers_that_say_no_are_handed_to_the_connector() -> None:
    async with bench([http(422, b'{"field": "zip"}'), http(404, b"<html>", type="text/html")]) as at:
        refused, missing = await at.write(), await at.read()
    assert (refused.status, refused.value, refused.parsed) == (422, {"field": "zip"}, True)
    assert (missing.status, missing.value, missing.parsed) == (404, None, False)


async def test_a_body_above_the_limit_is_not_read() -> None:
    big = http(200, b'"' + b"x" * 5000 + b'"')
    async with bench([], big, limits=Limits(max_body=1000, read_tries=1)) as at:
        with pytest.raises(BadAnswer, match="larger than"):
            await at.read()


async def test_a_small_body_that_unpacks_to_a_huge_one_is_not_read() -> None:
    bomb = gzip.compress(b'"' + b"x" * 30_000_000 + b'"')
    answer = http(200, bomb, "Content-Encoding: gzip")
    async with bench([], answer, limits=Limits(max_body=100_000, read_tries=1)) as at:
        with pytest.raises(BadAnswer, match="larger than"):
            await at.read()


async def test_a_packed_body_is_unpacked() -> None:
    async with bench([http(200, gzip.compress(b'{"a": 1}'), "Content-Encoding: gzip")]) as at:
        assert (await at.read()).value == {"a": 1}


async def test_a_byte_order_mark_does_no_harm() -> None:
    async with bench([http(200, b'\xef\xbb\xbf{"a": 1}')]) as at:
        assert (await at.read()).value == {"a": 1}


async def test_a_redirect_within_the_system_is_followed_by_a_read() -> None:
    async with bench([http(302, b"", "Location: /elsewhere")], http(200, b'{"a": 1}')) as at:
        assert (await at.read()).value == {"a": 1}
        assert at.server.heads[1].startswith("GET /elsewhere ")


async def test_a_redirect_to_another_host_takes_no_credentials_along() -> None:
    auth = FixedHeaders({"Authorization": "Bearer geheim"})
    async with (
        faulty_server([]) as other,
        bench([http(302, b"", f"Location: {other.url}/x")], auth=auth) as at,
    ):
        with pytest.raises(Stop, match="elsewhere"):
            await at.read()
        assert other.count == 0


@pytest.mark.parametrize("where", ["http://[::1/", "http://127.0.0.1:99999/x", "http://a b:x/"])
async def test_a_redirect_to_what_is_no_address_is_not_followed(where: str) -> None:
    async with bench([http(302, b"", f"Location: {where}")]) as at:
        with pytest.raises(Stop, match="elsewhere"):
            await at.read()
        assert at.server.count == 1


async def test_a_link_that_is_no_address_is_a_bad_answer() -> None:
    async with bench([]) as at:
        with pytest.raises(BadAnswer, match="can't be followed"):
            await at.client.request("GET", "http://127.0.0.1:99999/x")
        assert at.server.count == 0


async def test_a_write_that_is_answered_with_see_other_is_in_doubt() -> None:
    async with bench([http(303, b"", "Location: /x")]) as at:
        with pytest.raises(InDoubt):
            await at.write()
        assert at.server.count == 1


async def test_a_redirect_in_a_circle_ends() -> None:
    async with bench([], http(302, b"", "Location: /x"), limits=Limits(read_tries=1)) as at:
        with pytest.raises(BadAnswer):
            await at.read()


async def test_plain_http_is_only_for_this_machine() -> None:
    with pytest.raises(ConfigurationError, match="not encrypted"):
        HttpClient("Acme ERP", "http://erp.example.test/api")
    with pytest.raises(ConfigurationError, match="credentials") as caught:
        HttpClient("Acme ERP", "https://user:geheim@erp.example.test/api")
    assert "geheim" not in str(caught.value)


async def test_the_log_has_no_query_no_body_and_no_credentials() -> None:
    auth = FixedHeaders({"Authorization": "Bearer geheim"})
    async with bench([http(200, b'{"name": "Ida"}', "X-Request-Id: r-1")], auth=auth) as at:
        await at.client.request("GET", "/things", query=[("email", "ida@example.test")], route="/things")
        assert "Authorization: Bearer geheim" in at.server.heads[0]
        assert "GET /things?email=ida%40example.test " in at.server.heads[0]
        assert at.log == [Exchange("Acme ERP", "GET", "/things", 200, at.log[0].ms, "r-1", 1)]
        assert "geheim" not in repr(auth)


async def test_no_message_holds_the_query_the_body_or_the_credentials() -> None:
    auth = FixedHeaders({"Authorization": "Bearer geheim"})
    async with bench([], HTML, auth=auth, limits=Limits(read_tries=1)) as at:
        with pytest.raises(BadAnswer) as caught:
            await at.client.request("GET", "/things", query=[("email", "ida@example.test")], route="/things")
    assert not {"geheim", "ida", "maintenance"} & set(str(caught.value).replace("@", " ").split())
    assert "HTML" in str(caught.value)


async def test_a_refused_token_is_renewed_once() -> None:
    class Token:
        value = "old"

        async def headers(self, _: Outgoing) -> dict[str, str]:
            return {"Authorization": f"Bearer {self.value}"}

        async def renew(self) -> bool:
            self.value = "new"
            return True

    async with faulty_server([http(401)], http(401)) as server:
        client = HttpClient("Acme ERP", server.url, auth=Token())
        answer = await client.request("POST", "/things", body=b"{}")
        await client.close()
    assert answer.status == 401
    assert ["Bearer new" in head for head in server.heads] == [False, True]


async def test_the_pace_keeps_every_minute_below_the_quota_and_leaves_the_reserve() -> None:
    clock = Clock()
    times: list[float] = []
    async with faulty_server([]) as server:
        client = HttpClient(
            "Acme ERP",
            server.url,
            requests_per_minute=100,
            reserve=0.2,
            sleep=clock.sleep,
            monotonic=clock.monotonic,
        )
        for _ in range(200):
            await client.request("GET", "/x")
            times.append(clock.now)
        await client.close()
    busiest = max(sum(1 for t in times if start <= t < start + 60) for start in times)
    assert 70 <= busiest <= 80
    assert times[4] == times[0], "a small burst goes at once"


async def test_no_more_requests_are_under_way_at_once_than_allowed() -> None:
    under_way = most = 0
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            under_way += 1
            most = max(most, under_way)
            if under_way == 3:
                release.set()
            await release.wait()
            under_way -= 1
            writer.write(http())
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    client = HttpClient("Acme ERP", url, limits=Limits(max_reads=3))
    await asyncio.gather(*(client.request("GET", "/x") for _ in range(12)))
    await client.close()
    listener.close()
    assert most == 3


async def test_the_clock_of_the_system_is_measured_with_its_error() -> None:
    async with faulty_server([http(200, b"{}", "Date: Sun, 06 Nov 1994 08:49:37 GMT")]) as server:
        ticks = iter([784111767_000, 784111767_200])
        client = HttpClient("Acme ERP", server.url, now_ms=lambda: next(ticks))
        await client.request("GET", "/x")
        await client.close()
    assert (client.skew.skew_ms, client.skew.error_ms) == (10_400, 600)


def test_redaction_takes_out_secrets_credentials_and_query_values() -> None:
    text = "GET https://key:pw@acme.test/a?email=ida%40x.test&limit=5 Authorization: Basic dGVzdF9rZXk6 k-123"
    assert redact(text, ["k-123"]) == (
        "GET https://***@acme.test/a?email=***&limit=*** Authorization: Basic *** ***"
    )
