"""What the parts of the web application ask for, as dependencies of FastAPI."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from fastapi import Depends, Path, Request

from instep.serve.access import Person, require
from instep.serve.live import Live
from instep.serve.plans import Plans
from instep.site import Site


def _site(request: Request) -> Site:
    found: Site = request.app.state.site
    return found


def _live(request: Request) -> Live:
    found: Live = request.app.state.live
    return found


def _plans(request: Request) -> Plans:
    found: Plans = request.app.state.plans
    return found


HIGHEST: Final = 2**63 - 1
"""A number above this is in no store."""

Number: TypeAlias = Annotated[int, Path(ge=1, le=HIGHEST)]

TheSite: TypeAlias = Annotated[Site, Depends(_site)]
TheLive: TypeAlias = Annotated[Live, Depends(_live)]
ThePlans: TypeAlias = Annotated[Plans, Depends(_plans)]

Viewer: TypeAlias = Annotated[Person, Depends(require("viewer"))]
Operator: TypeAlias = Annotated[Person, Depends(require("operator"))]
Admin: TypeAlias = Annotated[Person, Depends(require("admin"))]
"""Who asks, of that role at least: for the API. Pages take theirs from `console.pages`."""
