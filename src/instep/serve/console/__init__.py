"""The console: pages made here, one request each; what scripts add is comfort, and all works without them.

A page is a module with a `router`, a template, and a line in `_PAGES`; its entry of the menu is in `pages.MENU`.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from instep.serve.console import (
    dataflow,
    events,
    inbox,
    login,
    matches,
    overview,
    plans,
    records,
    runs,
    statics,
)

_PAGES: Final = (statics, login, overview, inbox, matches, records, plans, runs, dataflow, events)

router = APIRouter(include_in_schema=False)
for _page in _PAGES:
    router.include_router(_page.router)
