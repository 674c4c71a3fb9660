"""Who may write: one row with a holder, an end and an epoch that rises with each new holder.

A commit checks the epoch, not the time: a runner that slept past its end and found no successor goes on
unharmed, and one that has a successor is refused, whatever either clock says.
"""

from __future__ import annotations

import apsw

from instep.errors import Held, LeaseLost
from instep.processes import SERVING
from instep.store.queries import queries
from instep.store.rows import Bindings


def held(connection: apsw.Connection) -> tuple[str, int, int]:
    """(holder, epoch, until_ms); an empty holder: nobody."""
    row: tuple[str, int, int] = connection.execute(queries()["lease"]).get
    return row


def take(
    connection: apsw.Connection, path: str, holder: str, own_epoch: int | None, now_ms: int, until_ms: int
) -> tuple[int, bool]:
    """Take the lease, or renew that of `own_epoch`. Returns the epoch, and whether it was taken over from a holder
    that never gave it back. Raises Held while another has it; LeaseLost if another has had it since `own_epoch`: what
    was begun under that one is not to be gone on with under a new one."""
    other, epoch, their_until_ms = held(connection)
    if own_epoch is not None:
        if epoch != own_epoch:
            raise lost(path, other)
        _save(connection, holder, epoch, until_ms)
        return epoch, False
    if other and other != holder and now_ms < their_until_ms:
        if other.startswith(SERVING):
            raise Held(
                f"{holder} can't run: instep serve is at work",
                holder=other,
                why=f"{other.removeprefix(SERVING)}, has the lease on this store",
                fix="try again in a moment, or use the console of instep serve",
            )
        seconds = (their_until_ms - now_ms + 999) // 1000
        raise Held(
            f"{holder} can't run: {other} has the lease on this store",
            holder=other,
            why=f"it renews it while it is at work; left alone it is good for another {seconds} s",
            fix="wait until it is done, or stop it; one that crashed on this machine is followed at once, one that"
            f" crashed on another in {seconds} s",
        )
    _save(connection, holder, epoch + 1, until_ms)
    return epoch + 1, bool(other)


def lost(path: str, holder: str) -> LeaseLost:
    """The error for a runner that another has replaced; `holder`: who has the lease now, if anybody."""
    return LeaseLost(
        f"this runner no longer has the lease on the store: {path}",
        why=f"{holder or 'another runner'} took it over after it had run out or been given back",
        fix="stop this runner if the other one is to go on; otherwise stop the other and start this one again",
    )


def give_back(connection: apsw.Connection, own_epoch: int) -> None:
    """Let anybody take it at once, unless somebody already has."""
    _, epoch, _ = held(connection)
    if epoch == own_epoch:
        _save(connection, "", epoch, 0)


def _save(connection: apsw.Connection, holder: str, epoch: int, until_ms: int) -> None:
    given: Bindings = {"holder": holder, "epoch": epoch, "until_ms": until_ms}
    connection.execute(queries()["save_lease"], given)
