"""When a write in doubt is settled, as far as that is known before a run has asked the system."""

from __future__ import annotations

from instep.core.phrases import moment, span
from instep.core.state import Intent
from instep.runner.settle import can_resend, horizon_ms, resent_at_ms
from instep.site import Site


def settled_at_ms(site: Site, intent: Intent, now_ms: int) -> int | None:
    """From when on a run settles it, whatever it finds; `now_ms` if the next one does. None if the dataflow has its
    pair no more, and none will."""
    engine, pair = site.engine(), site.dataflow.pair(intent.key.pair)
    if pair is None:
        return None
    abilities = engine.entity(pair, intent.side).abilities
    again = can_resend(engine, intent, abilities)
    return max(resent_at_ms(engine, intent) if again else horizon_ms(engine, intent, abilities), now_ms)


def settling(site: Site, intent: Intent, now_ms: int) -> str:
    """When it is settled, in words."""
    at_ms = settled_at_ms(site, intent, now_ms)
    if at_ms is None:
        return "its pair is not in the dataflow any more, so that no run settles it"
    if at_ms <= now_ms:
        return "the next run settles it"
    left = span(at_ms - now_ms)
    return (
        f"a run after {moment(at_ms)} UTC (in {left}) settles it, an earlier one only if it finds it applied"
    )
