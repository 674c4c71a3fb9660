"""Which tests have to cover the core."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

COVERING = ("core", "runner")
"""Measuring makes a test half as slow again; so the others run without it."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    measuring = item.config.pluginmanager.get_plugin("_cov")
    controller = None if measuring is None else measuring.cov_controller
    if controller is None or item.path.relative_to(Path(__file__).parent).parts[0] in COVERING:
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()
