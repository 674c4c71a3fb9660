"""Every fault, over a real socket, as a client meets it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.sandbox.kit_app import Shop, shop

CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


async def post(here: Shop, **body: Any) -> int:
    async with here.client.post(here.url + "/things", json=body) as answer:
        await answer.read()
        return answer.status


async def test_a_refused_request_is_not_applied_and_the_next_one_is() -> None:
    async with shop() as here:
        await here.fault("status", times=1, status=429, headers={"Retry-After": "7"})
        async with here.client.post(here.url + "/things", json={"n": 1}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        assert here.made == []
        assert await post(here, n=2) == 201
        assert here.made == [{"n": 2}]


async def test_a_429_may_come_without_retry_after() -> None:
    async with shop() as here:
        await here.fault("status", status=429)
        async with here.client.get(here.url + "/things") as answer:
            assert answer.status == 429
            assert "Retry-After" not in answer.headers


async def test_status_after_apply_answers_500_though_the_work_was_done() -> None:
    async with shop() as here:
        await here.fault("status_after_apply", times=1)
        assert await post(here, n=1) == 500
        assert here.made == [{"n": 1}]


@pytest.mark.parametrize(("kind", "made"), [("hang_before", 0), ("hang_after_apply", 1)])
async def test_a_hanging_request_gives_no_answer(kind: str, made: int) -> None:
    async with shop() as here:
        await here.fault(kind, times=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await post(here, n=1)
        assert len(here.made) == made


async def test_a_hanging_request_is_let_go_when_its_rule_is_removed() -> None:
    async with shop() as here:
        await here.fault("hang_before", limit_s=600)
        hanging = asyncio.create_task(post(here, n=1))
        while not (await here.console("GET", "faults"))["rules"][0]["fired"]:
            pass
        await here.console("DELETE", "faults")
        with pytest.raises(CUT):
            await hanging


async def test_a_hang_ends_at_its_limit() -> None:
    async with shop() as here:
        await here.fault("hang_before", limit_s=0.05)
        with pytest.raises(CUT):
            await post(here, n=1)


@pytest.mark.parametrize(("kind", "made"), [("drop_before", 0), ("drop_after_apply", 1)])
async def test_a_dropped_connection_leaves_the_client_in_doubt(kind: str, made: int) -> None:
    async with shop() as here:
        await here.fault(kind, times=1)
        with pytest.raises(CUT):
            await post(here, n=1)
        assert len(here.made) == made
        counts = await here.console("GET", "counters")
        assert counts["by"] == [
            {"method": "POST", "route": "/things", "status": 0, "count": 1},
        ]


@pytest.mark.parametrize("code", [200, 502])
async def test_a_page_for_people_comes_instead_of_json(code: int) -> None:
    async with shop() as here:
        await here.fault("html", status=code)
        async with here.client.get(here.url + "/things") as answer:
            assert answer.status == code
            assert answer.content_type == "text/html"
            assert "<html>" in await answer.text()


async def test_a_truncated_body_promises_more_than_it_holds() -> None:
    async with shop() as here:
        await here.fault("truncate_body", times=1)
        async with here.client.get(here.url + "/things") as answer:
            assert int(answer.headers["Content-Length"]) > 20
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()


async def test_garbage_claims_to_be_json() -> None:
    async with shop() as here:
        await here.fault("garbage")
        async with here.client.get(here.url + "/things") as answer:
            assert answer.content_type == "application/json"
            with pytest.raises(json.JSONDecodeError):
                json.loads(await answer.read())


async def test_a_byte_order_mark_stands_before_the_right_answer() -> None:
    async with shop() as here:
        await here.fault("bom")
        async with here.client.get(here.url + "/things") as answer:
            body = await answer.read()
        assert body.startswith(b"\xef\xbb\xbf")
        assert json.loads(body.decode("utf-8-sig"))["items"] == [1]


async def test_a_huge_body_has_the_size_that_was_ordered_and_is_json() -> None:
    async with shop() as here:
        await here.fault("huge_body", bytes=300_000)
        async with here.client.get(here.url + "/things") as answer:
            body = await answer.read()
        assert len(body) == 300_000
        assert set(json.loads(body)) == {"padding"}


async def test_a_redirect_points_elsewhere() -> None:
    async with shop() as here:
        await here.fault("redirect", location="/login", status=307)
        async with here.client.get(here.url + "/things", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (307, "/login")


async def test_latency_delays_and_then_the_request_goes_on() -> None:
    async with shop() as here:
        await here.fault("latency", ms=60)
        await here.fault("status", status=503)
        begun = asyncio.get_running_loop().time()
        assert await post(here, n=1) == 503
        assert asyncio.get_running_loop().time() - begun >= 0.06


async def test_a_pause_keeps_the_request_at_the_door_until_its_rule_is_removed() -> None:
    async with shop() as here:
        await here.fault("pause", match={"method": "POST"})
        waiting = asyncio.ensure_future(post(here, n=1))
        while not (await here.console("GET", "faults"))["rules"][0]["fired"]:
            assert not waiting.done()
        assert here.made == []
        await here.console("DELETE", "faults")
        assert await waiting == 201
        assert here.made == [{"n": 1}]


async def test_a_next_token_can_be_emptied_repeated_made_endless_or_removed() -> None:
    async with shop() as here:
        await here.fault("rewrite_json", times=1, set={"/next": ""})
        await here.fault("rewrite_json", times=2, set={"/next": "same"})
        await here.fault("rewrite_json", times=2, set={"/next": "p{n}"})
        await here.fault("rewrite_json", times=1, remove=["/next", "/nowhere/at/all"])
        tokens = [(await here.get("/things")).get("next", "absent") for _ in range(7)]
        assert tokens == ["", "same", "same", "p1", "p2", "absent", 2]


async def test_values_deep_in_a_list_can_be_rewritten() -> None:
    async with shop() as here:
        await here.fault("rewrite_json", set={"/items/0": {"a/b": 1}, "/items/-": "more", "/items/9": "lost"})
        assert (await here.get("/things"))["items"] == [{"a/b": 1}, "more"]


async def test_a_page_can_be_listed_twice() -> None:
    async with shop() as here:
        await here.fault("repeat")
        seen = []
        page = "1"
        for _ in range(4):
            answer = await here.get("/things", page=page)
            seen.append(answer["items"][0])
            page = str(answer["next"])
        assert seen == [1, 1, 2, 2]


async def test_a_rule_skips_the_first_matches_and_ends_after_its_times() -> None:
    async with shop() as here:
        await here.fault("status", times=2, after=1, status=503)
        assert [await post(here, n=n) for n in range(5)] == [201, 503, 503, 201, 201]
        rule = (await here.console("GET", "faults"))["rules"][0]
        assert (rule["fired"], rule["seen"]) == (2, 3)


async def test_a_rule_matches_on_method_path_query_and_header() -> None:
    async with shop() as here:
        await here.fault(
            "status", status=503, match={"method": "get", "path": "^/things$", "query": "page=2"}
        )
        await here.fault("status", status=418, match={"headers": {"X-Mood": "tea"}})

        async def status(path: str, **headers: str) -> int:
            async with here.client.get(here.url + path, headers=headers) as answer:
                return answer.status

        assert await status("/things?page=2") == 503
        assert await status("/things?page=1") == 200
        assert await status("/things/2?page=2") == 200
        assert await status("/things", **{"X-Mood": "tea please"}) == 418
        assert await post(here, n=1) == 201


async def test_a_rule_matches_on_the_body_and_the_server_still_gets_it() -> None:
    async with shop() as here:
        await here.fault("status_after_apply", match={"body": "acme-4[0-9]"}, times=1)
        assert await post(here, ref="acme-77") == 201
        assert await post(here, ref="acme-42") == 500
        assert await post(here, ref="acme-42") == 201
        assert here.made == [{"ref": "acme-77"}, {"ref": "acme-42"}, {"ref": "acme-42"}]
        await here.fault("hang_before", match={"body": "acme-42"}, limit_s=0.05)
        with pytest.raises(CUT):
            await post(here, ref="acme-42")


async def test_a_trickling_answer_is_right_but_slow() -> None:
    async with shop() as here:
        await here.fault("trickle", pieces=4, ms=20)
        begun = asyncio.get_running_loop().time()
        assert (await here.get("/things"))["items"] == [1]
        assert asyncio.get_running_loop().time() - begun >= 0.08


async def test_chance_is_repeatable_by_its_seed() -> None:
    async def run(seed: int) -> list[int]:
        async with shop() as here:
            await here.fault("status", status=503, probability=0.5, seed=seed)
            return [await post(here, n=n) for n in range(20)]

    first = await run(3)
    assert first == await run(3)
    assert first != await run(4)
    assert {201, 503} == set(first)


async def test_one_rule_can_be_removed_and_the_others_stay() -> None:
    async with shop() as here:
        ids = (
            await here.console(
                "POST",
                "faults",
                [{"effect": {"kind": "html"}}, {"effect": {"kind": "status", "status": 503}}],
            )
        )["ids"]
        await here.console("DELETE", f"faults/{ids[0]}")
        assert await post(here, n=1) == 503
        assert [rule["id"] for rule in (await here.console("GET", "faults"))["rules"]] == ids[1:]


async def test_a_wrong_rule_is_refused_with_everything_that_is_wrong() -> None:
    async with shop() as here:
        rule = {
            "when": 1,
            "match": {"path": "(", "verb": "GET"},
            "times": -1,
            "after": "x",
            "probability": 2,
            "effect": {"kind": "explode"},
        }
        async with here.client.post(here.url + "/_console/faults", json=rule) as answer:
            assert answer.status == 400
            said = "\n".join((await answer.json())["errors"])
        for name in ("when", "match.path", "match.verb", "times", "after", "probability", "effect.kind"):
            assert name in said


async def test_the_console_itself_never_fails() -> None:
    async with shop() as here:
        await here.fault("drop_before")
        assert len((await here.console("GET", "faults"))["rules"]) == 1
