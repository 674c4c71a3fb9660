"""What the parts of the web application ask for, as dependencies of FastAPI."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from instep.serve.access import Person, require
from instep.serve.live import Live
from instep.site import Site


def _site(request: Request) -> Site:
    found: Site = request.app.state.site
    return found


def _live(request: Request) -> Live:
    found: Live = request.app.state.live
    return found


TheSite: TypeAlias = Annotated[Site, Depends(_site)]
TheLive: TypeAlias = Annotated[Live, Depends(_live)]

Viewer: TypeAlias = Annotated[Person, Depends(require("viewer"))]
Operator: TypeAlias = Annotated[Person, Depends(require("operator"))]
Admin: TypeAlias = Annotated[Person, Depends(require("admin"))]
"""Who asks, of that role at least: for the API. Pages take theirs from `console.pages`."""
