"""Erasing one person's values from the store, on request: for an admin."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from instep.desk.forgetting import Person, forget_now, would_forget
from instep.desk.records import pair_of, side_of
from instep.runner.engine import Engine
from instep.runner.forget import Forgotten
from instep.runner.run import Wish
from instep.serve.api.models import Model, SideName
from instep.serve.parts import Admin, TheLive, TheSite

router = APIRouter(prefix="/records", tags=["records"])


class Forget(Model):
    """Whose values are to be erased; `side` where two different records have the id."""

    pair: Annotated[str, Field(max_length=200)]
    id: Annotated[str, Field(min_length=1, max_length=500)]
    side: SideName | None = None
    only: bool = Field(default=False, description="this record alone, not the one it is linked with")
    sure: bool = Field(default=False, description="do it; else it is only told what would go")


class ForgottenOut(Model):
    """What is erased, or would be."""

    done: bool
    entries: int = Field(description="of the journal that lose their values and reasons")
    readings: int
    agreed: int = Field(description="links whose last agreement goes")
    waiting: int = Field(description="holds and choices that go")
    kept: int = Field(
        description="records of which what is needed to go on stays: they are alive in a system"
    )


@router.post("/forget", summary="Forget a person")
async def forget(site: TheSite, live: TheLive, person: Admin, wish: Forget) -> ForgottenOut:
    """Erases the values of a record from the store; the journal goes on to verify. This can't be taken back.

    Erase the person in both systems first: what one of them still gives is read again.
    """
    pair = pair_of(site, wish.pair)
    side = site.store.read(lambda tx: side_of(site, tx, pair, wish.id, wish.side))
    who = Person(pair, side, wish.id, wish.only)
    would = site.store.read(lambda tx: would_forget(site, tx, who))
    if not wish.sure:
        return _out(would, done=False)
    done: list[Forgotten] = []

    async def first(engine: Engine) -> None:
        done.append(await forget_now(site, engine, who, person.name))

    await live.ask(Wish(act=False, pairs=(pair.name,)), first)
    return _out(done[0], done=True)


def _out(found: Forgotten, *, done: bool) -> ForgottenOut:
    return ForgottenOut(
        done=done,
        entries=found.entries,
        readings=found.readings,
        agreed=found.agreed,
        waiting=found.waiting,
        kept=len(found.kept),
    )
