"""Idempotency keys. Source: Chargebee API, "idempotency": within 30 minutes the same key and the same request
give the stored answer and the header chargebee-idempotency-replayed; the same key with another request is
422."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ApiError, wrong_value
from .site import Site

KEY_HEADER = "chargebee-idempotency-key"
REPLAYED_HEADER = "chargebee-idempotency-replayed"
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Replay:
    """An answer that was given before."""

    status: int
    body: bytes


def fingerprint(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """What has to be equal: path, body and the Chargebee headers, the key itself excepted."""
    relevant = sorted(
        f"{name}:{value}"
        for name, value in headers.items()
        if name.startswith("chargebee-") and name != KEY_HEADER
    )
    return hashlib.sha256("\n".join([path, *relevant, ""]).encode() + body).digest()


def find(site: Site, key: str, mark: bytes) -> Replay | None:
    """The stored answer to this very request; raises ApiError (400 for a key too long, 422 for another
    request)."""
    if len(key) > _LONGEST:
        raise wrong_value(KEY_HEADER, f"is too long (maximum is {_LONGEST} characters)")
    rows = site.store.run("SELECT at_ms, fingerprint, status, body FROM replay WHERE key = ?", (key,))
    if not rows or rows[0][0] <= _expiry_ms(site):
        return None
    if rows[0][1] != mark:
        raise ApiError(
            "unable_to_process_request", "The idempotency key was already used with a different request."
        )
    return Replay(rows[0][2], rows[0][3])


def keep(site: Site, key: str, mark: bytes, status: int, body: bytes) -> None:
    """Stores an answer, in the transaction of the request, and forgets those that are out of date."""
    site.store.run("DELETE FROM replay WHERE at_ms <= ?", (_expiry_ms(site),))
    site.store.run(
        "INSERT OR REPLACE INTO replay VALUES(?, ?, ?, ?, ?)", (key, site.clock.now_ms(), mark, status, body)
    )


def _expiry_ms(site: Site) -> int:
    return site.clock.now_ms() - int(site.switches.number("idempotency_window_s")) * 1000
