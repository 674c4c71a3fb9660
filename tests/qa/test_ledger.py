"""The list of what checklists made, as the next process finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from instep.core.model import Side
from instep.errors import StoreError

from .made import MARK, ledger_in


def test_the_next_process_knows_what_was_begun_and_what_was_made(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    first, second, third = (ledger.making(Side.LEFT, "thing", MARK, id="", marker=m) for m in "abc")
    ledger.was_made(first, "1")
    ledger.was_made(third, "3")
    ledger.is_over(third, "gone")
    again = ledger_in(tmp_path)
    assert [(made.number, made.id, made.sure) for made in again.left] == [
        (second, "", False),
        (first, "1", True),
    ]
    assert again.is_ours(Side.LEFT, "thing", "1")
    assert not again.is_ours(Side.RIGHT, "thing", "1")
    assert again.unsure(Side.LEFT, "thing", id="", marker="b") == second


def test_a_line_that_a_kill_cut_off_is_as_if_it_had_not_been_begun(tmp_path: Path) -> None:
    ledger = ledger_in(tmp_path)
    ledger.making(Side.LEFT, "thing", MARK, id="", marker="a")
    whole = ledger.path.read_text()
    ledger.making(Side.LEFT, "thing", MARK, id="", marker="b")
    ledger.path.write_text(ledger.path.read_text()[:-9])
    again = ledger_in(tmp_path)
    assert [made.marker for made in again.made] == ["a"]
    assert again.making(Side.LEFT, "thing", MARK, id="", marker="c") == 2
    assert ledger.path.read_text().startswith(whole)
    assert [made.marker for made in ledger_in(tmp_path).made] == ["a", "c"]


@pytest.mark.parametrize("spoilt", ["no JSON\n", "[]\n", '{"number": 1}\n', '{"number": "x"}\n'])
def test_a_list_that_is_spoilt_is_refused_with_what_to_do(tmp_path: Path, spoilt: str) -> None:
    (tmp_path / "instep-qa.ledger").write_text(spoilt)
    with pytest.raises(StoreError) as error:
        ledger_in(tmp_path)
    assert "marked records" in error.value.fix
