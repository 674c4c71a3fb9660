"""The first page: how both systems stand to each other, and what needs a person."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from instep.serve.console.pages import Viewing, show

router = APIRouter()


@router.get("/")
async def overview(visit: Viewing) -> HTMLResponse:
    return show(visit, "overview.html")
