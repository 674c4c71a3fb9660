"""The first page: how both systems stand to each other, and what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from instep.core.dataflow import Pair
from instep.core.model import Both
from instep.desk.held import held_kinds, records_of
from instep.desk.standing import Standing, known, lag_ms, standing
from instep.serve.console.charts import HEIGHT, SPANS, WIDTH, chart, since
from instep.serve.console.pages import Viewing, show
from instep.serve.metrics import budgets
from instep.site import Site, now_ms

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Flow:
    """A pair in the picture."""

    pair: Pair
    stand: Standing
    records: Both[int]
    lag_ms: int | None
    paused_by: str

    @property
    def share(self) -> int:
        """How much of the side with fewer records is linked, in percent."""
        fewest = min(self.records)
        return round(100 * min(self.stand.linked / fewest, 1)) if fewest else 100 if self.stand.linked else 0


def flows(site: Site, paused: dict[str, str]) -> list[Flow]:
    """Every pair, in the order of the dataflow."""
    stands = standing(site)
    return [
        Flow(pair, stands[pair.name], known(site, pair), lag_ms(site, pair), paused.get(pair.name, ""))
        for pair in site.dataflow.pairs
    ]


@router.get("/")
async def overview(visit: Viewing, span: Annotated[str, Query(max_length=10)] = "day") -> HTMLResponse:
    app = visit.request.app.state
    site, live = app.site, app.live
    span = span if span in SPANS else "day"
    begin_ms, each_ms = since(span, now_ms())
    activity = site.store.read(lambda tx: tx.activity(since_ms=begin_ms, span_ms=each_ms))
    held = held_kinds(site)
    return show(
        visit,
        "overview.html",
        flows=flows(site, dict(live.paused())),
        kinds=[each for each in held if each[0].cause != "reference"],
        records_of=records_of,
        waiting=sum(kind.count for kind, _ in held if kind.cause == "reference"),
        chart=chart(span, activity, now_ms()),
        width=WIDTH,
        height=HEIGHT,
        spans=SPANS,
        span=span,
        budgets=budgets(site, app.metrics),
        runs=site.store.read(lambda tx: tx.runs(5)),
    )
