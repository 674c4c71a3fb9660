"""What the law on forgetting asks of the store's files, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from instep.core.model import Side
from instep.desk import forgetting
from instep.runner.forget import to_forget

from . import choices
from .office import Office, Setting
from .terms import Terms

THE_PARTED_COMPANY = (0.0, 0.0, 0.0, 0.3)
"""Company, left, the first one: it is gone already."""
THE_LINKED_COMPANIES = (0.0, 0.0, 0.5, 0.7)
"""Company, left, the second one, and its partner: erased in both systems first."""


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A company on both sides, under one address in two spellings, that a person has parted; it is deleted on the
    left since. And another one, which is linked."""
    office = Office(tmp_path, Setting(), Terms())
    try:
        for side, mail in ((Side.LEFT, "ann@x.example"), (Side.RIGHT, "Ann@x.example")):
            name = f"{side.value[0]}_name"
            office.systems[side].put("company", {name: "Ann", "mail": mail, "dna": "d1"})
            office.systems[side].put("company", {name: "Bob", "mail": "bob@x.example", "dna": "d2"})
        office.clock.wait(3)
        office.instep("sync", codes=(0, 3))
        office.instep("links", "remove", "company", "1", "--side", "left")
        office.instep("sync", codes=(0, 3))
        office.systems.left.remove("company", "1")
        office.clock.wait(1)
        office.instep("sync", "--full", codes=(0, 3))
        yield office
    finally:
        office.close()


def test_what_another_record_says_itself_may_stay(office: Office) -> None:
    choices.forget(office, THE_PARTED_COMPANY)
    assert office.happened["commands: forget"] == 1


def test_an_address_that_nobody_else_has_may_not(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "forget", lambda engine, tx, places: to_forget(tx, places))
    with pytest.raises(AssertionError, match="bob@"):
        choices.forget(office, THE_LINKED_COMPANIES)
