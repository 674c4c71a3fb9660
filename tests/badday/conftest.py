"""What the bad days share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.company import Company, company


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Company]:
    """Both systems running, empty, and a site that connects them."""
    with company(tmp_path) as made:
        yield made
