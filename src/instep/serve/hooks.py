"""Webhooks in: `POST /hooks/chargebee` and `POST /hooks/erp`. Each is a reason to look at a record, never data.

It is answered as soon as what it hints at is on disk, so that a sender never waits for a system. Repeated, late and
forged ones do no harm; what is lost is found by polling. What an event is about is the connector's to tell
(`instep.connectors.webhooks`), how much may come is `guard`'s.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from instep.connectors.webhooks import Call, Hinting
from instep.core.model import SIDES, Both, Side
from instep.dataflow.systems import System
from instep.errors import BadAnswer, StoreError
from instep.serve.hints import take
from instep.site import Site

PREFIX: Final = "/hooks"
RETRY_S: Final = "60"
"""When a sender that obeys Retry-After may try again after the store could not take its event."""

_CLOSE: Final = {"connection": "close"}
"""What is left of such a request is not read, so its connection can't be used again."""

Heard = Counter[tuple[str, str]]
"""(where it came from, what came of it) -> how many. What: new | known | unknown | refused | unreadable | failed."""


def places(systems: Both[System]) -> dict[str, Side]:
    """Last part of the address -> whose webhooks come in there: "chargebee", and "erp" for any other kind of system;
    the sides' names where that would be the same for both."""
    words = systems.map(lambda system: "chargebee" if system.kind == "chargebee" else "erp")
    if words.left == words.right:
        words = Both("left", "right")
    return {words[side]: side for side in SIDES}


def routes(site: Site, heard: Heard, poke: Callable[[], None]) -> list[BaseRoute]:
    """`poke` is called when there is something to look at."""
    known = {place: (side, _hinting(site, side)) for place, side in places(site.file.systems).items()}

    async def hook(request: Request) -> Response:
        place = request.path_params["place"]
        side, connector = known.get(place, (None, None))
        if side is None or connector is None or (proof := connector.proof) is None:
            return Response(status_code=404, headers=_CLOSE)
        call = Call(dict(request.headers), request.path_params.get("tail", ""))
        if proof.needs_body or proof.holds(call, time.time()):
            try:
                call = replace(call, body=await request.body())
            except ClientDisconnect:  # nobody is there to be answered
                return Response(status_code=400)
            if not proof.needs_body or proof.holds(call, time.time()):
                return await _heard(site, side, connector, call, heard, place, poke)
        heard[place, "refused"] += 1
        return Response(status_code=401, headers=_CLOSE)

    return [
        Route(f"{PREFIX}/{{place}}", hook, methods=["POST"]),
        Route(f"{PREFIX}/{{place}}/{{tail}}", hook, methods=["POST"]),
    ]


def _hinting(site: Site, side: Side) -> Hinting | None:
    connector: object = site.connectors[side]
    return connector if isinstance(connector, Hinting) else None


async def _heard(
    site: Site,
    side: Side,
    connector: Hinting,
    call: Call,
    heard: Heard,
    place: str,
    poke: Callable[[], None],
) -> Response:
    try:
        hints = connector.hinted(call)
        new = await take(site, side, hints)
    except BadAnswer:
        heard[place, "unreadable"] += 1
        return Response(status_code=400)
    except StoreError:
        heard[place, "failed"] += 1
        return Response(status_code=503, headers={"retry-after": RETRY_S})
    heard[place, "new" if new else "known" if hints else "unknown"] += 1
    if new:
        poke()
    return Response(status_code=200)
