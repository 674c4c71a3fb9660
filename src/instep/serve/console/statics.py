"""The few files that pages bring along, each under a name with its own hash, so that a browser keeps it for good."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Final

from fastapi import APIRouter, HTTPException, Response

router = APIRouter()

TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@cache
def _files() -> tuple[Mapping[str, str], Mapping[str, bytes]]:
    """(plain name -> hashed name, hashed name -> content)."""
    names, contents = {}, {}
    for file in resources.files(__package__).joinpath("static").iterdir():
        stem, _, kind = file.name.rpartition(".")
        if kind in TYPES:
            content = file.read_bytes()
            hashed = f"{stem}.{sha256(content).hexdigest()[:12]}.{kind}"
            names[file.name], contents[hashed] = hashed, content
    return names, contents


def url_of(name: str) -> str:
    """Where the browser finds that file. Raises KeyError."""
    return f"/static/{_files()[0][name]}"


@router.get("/static/{name}")
async def static(name: str) -> Response:
    content = _files()[1].get(name)
    if content is None:
        raise HTTPException(404, "there is no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type=TYPES[name.rpartition(".")[2]], headers=headers)


@router.get("/favicon.ico")
async def icon() -> Response:
    return await static(_files()[0]["icon.svg"])
