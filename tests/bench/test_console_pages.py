"""The pages of the console over a store of some size; `python -m bench.console` has 100,000 records."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.console import PAGES, SEARCHES, fill, measure, new_site

MOST_MS = 300
"""In the best of a few tries, since other tests run on the same machine."""


@pytest.mark.slow
async def test_no_page_takes_longer_than_a_person_notices(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    try:
        await fill(site, 10_000)
        found = await measure(site)
    finally:
        await site.close()
    assert len(found) == len(PAGES) + len(SEARCHES)
    slow = {path: took for path, took in found.items() if min(took) > MOST_MS}
    assert slow == {}
