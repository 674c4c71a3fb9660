"""What the tests of the process that is always on share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.company import Company, company
from tests.cli.conftest import acme as acme
from tests.serve.served import Served, served


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company that the tests of a module share; both systems are empty at first."""
    with company(tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture(scope="module")
def console(office: Company) -> Iterator[Served]:
    """Its application, served; the tests of a module share it."""
    with served(office.directory) as found:
        yield found
