"""What happens later on the site's clock: today the delete of a customer, which Chargebee does
asynchronously.

Tasks are on file, so a server that is started again still does them. Due ones are done before each request
and when the clock moves. To add a kind: a row in `server.KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .fields import Doc
from .site import Site
from .store import decoded, encoded

Work = Callable[[Site, Doc], None]


def schedule(site: Site, kind: str, detail: Doc, delay_ms: int) -> None:
    """Have `kind` done with `detail` when `delay_ms` have passed."""
    due_ms = site.clock.now_ms() + delay_ms
    site.store.run("INSERT INTO task(due_ms, kind, detail) VALUES(?, ?, ?)", (due_ms, kind, encoded(detail)))
    site.next_task_ms = min(site.next_task_ms, due_ms)
    site.wake()


def do_due(site: Site, kinds: Mapping[str, Work]) -> None:
    """Do everything whose time has come, in order, each in its own transaction."""
    while site.next_task_ms <= site.clock.now_ms():
        with site.store.transaction():
            rows = site.store.run("SELECT seq, kind, detail, due_ms FROM task ORDER BY due_ms, seq LIMIT 1")
            if not rows or rows[0][3] > site.clock.now_ms():
                site.next_task_ms = rows[0][3] if rows else NEVER
                return
            seq, kind, detail, _ = rows[0]
            site.store.run("DELETE FROM task WHERE seq = ?", (seq,))
            kinds[kind](site, decoded(detail))


NEVER = 1 << 62
