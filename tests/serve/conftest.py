"""What the tests of the process that is always on share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from instep.runner.run import Wish
from tests.cli.company import Company, company
from tests.cli.conftest import acme as acme
from tests.serve.hooks_site import write_site
from tests.serve.served import Served, fill, served


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company that the tests of a module share; both systems are empty at first."""
    with company(tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture(scope="module")
def console(office: Company) -> Iterator[Served]:
    """Its application, served after a first run over people of whom some are held; the tests of a module share it."""
    fill(office)
    with served(office.directory) as found:
        found.do(found.live.ask(Wish()))
        yield found


@pytest.fixture
def own(acme: Company) -> Iterator[Served]:
    """The same for one test alone, which may decide something."""
    fill(acme)
    with served(acme.directory) as found:
        found.do(found.live.ask(Wish()))
        yield found


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    write_site(directory)
    return directory


@pytest.fixture
def site_files(made_once: Path, tmp_path: Path) -> Path:
    """The files of a site whose systems don't run, to be changed as a test likes."""
    return Path(shutil.copytree(made_once, tmp_path / "site"))
