"""The notifier of a site: what it finds, whom it tells, and by which secrets."""

from __future__ import annotations

import os
from typing import Final

import structlog

from instep.dataflow.secrets import resolve
from instep.dataflow.systems import Secret
from instep.desk.standing import standing
from instep.serve.live import Live
from instep.serve.metrics import Metrics
from instep.serve.notify import Notifier
from instep.serve.notify_channels import Channel, channels
from instep.serve.notify_states import State, states
from instep.site import Site, now_ms

STALLED_MS: Final = 60_000
_LOG: Final = structlog.get_logger()


def channels_of(site: Site) -> list[Channel]:
    """Raises ConfigurationError for a secret that is not there."""

    def secret(reference: Secret, key: str) -> str:
        used_for = f"serve.notify.{key}"
        found = resolve(reference, directory=site.file.directory, environ=os.environ, used_for=used_for)
        site.secrets.add(found)
        return found

    return channels(site.file.settings.serve.notify, secret)


def notifier_of(site: Site, live: Live, metrics: Metrics) -> Notifier:
    """Raises ConfigurationError for a secret that is not there."""
    settings = site.file.settings.serve

    def find() -> list[State]:
        return states(
            standing(site),
            live.now.troubles,
            site.systems,
            stalled=live.late_ms() > STALLED_MS,
            after_ms=settings.notify.after_minutes * 60_000,
        )

    def failed(channel: str, why: str) -> None:
        metrics.unsent.labels(channel).inc()
        _LOG.warning("notification not sent", channel=channel, why=why)

    return Notifier(
        site.store,
        channels_of(site),
        find,
        link=settings.url or "",
        now_ms=now_ms,
        failed=failed,
    )
