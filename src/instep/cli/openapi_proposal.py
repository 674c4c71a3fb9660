"""`instep init --openapi` and `--example`: the description of an API, proposed from its OpenAPI document or shipped,
and a proposed dataflow."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from ruamel.yaml import YAML

from instep.cli.init import ProposedSite
from instep.connectors.http import LOOPBACK
from instep.connectors.rest import Description
from instep.connectors.rest.entities import entity_of
from instep.connectors.rest.openapi import propose, read_document
from instep.connectors.rest.openapi.document import MAX_BYTES
from instep.dataflow.proposal import propose as propose_dataflow
from instep.errors import UsageError

TIMEOUT_S: Final = 60


def look(source: str, currency: str) -> ProposedSite:
    """`source`: a file or an address; `currency`: that of the ERP's prices, "" if not known.

    Raises UsageError for what can't be read, is no OpenAPI document, or describes no list of records.
    """
    address = source if source.startswith(("http://", "https://")) else ""
    data = asyncio.run(_fetched(address)) if address else _read(Path(source))
    proposal = propose(read_document(data, source.split("?")[0]), address)
    return _proposed(proposal.text, currency, proposal.notes)


def example(name: str, currency: str) -> ProposedSite:
    """The shipped description of a public API."""
    text = (resources.files("instep.connectors.rest") / "examples" / f"{name}.yaml").read_text("utf-8")
    return _proposed(text, currency, ["the head of erp.yaml says what is to be done before the first run"])


def _proposed(text: str, currency: str, notes: Sequence[str]) -> ProposedSite:
    described = Description.model_validate(YAML(typ="safe").load(text))
    entities = {name: entity_of(name, entity) for name, entity in described.entities.items()}
    return ProposedSite(text, propose_dataflow(entities, (), currency), notes)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(
                f"{path} is no OpenAPI document that can be used",
                why=f"it is larger than {MAX_BYTES:,} bytes",
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read", why=error.strerror or str(error)) from None


async def _fetched(address: str) -> bytes:
    shown = address.split("?")[0]
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise UsageError(f"{shown} was not fetched", why=str(error)) from None
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageError(
            f"{shown} was not fetched", why="it is not encrypted; plain http is only for this very machine"
        )
    try:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(address, max_redirects=5, headers={"User-Agent": "instep"}) as answer,
        ):
            if answer.status != 200:
                raise UsageError(f"{shown} was not fetched", why=f"it answered {answer.status}")
            chunks: list[bytes] = []
            size = 0
            async for chunk in answer.content.iter_any():
                size += len(chunk)
                chunks.append(chunk)
                if size > MAX_BYTES:
                    break
            return b"".join(chunks)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
        raise UsageError(f"{shown} was not fetched", why=why, fix="download it, and give the file") from None
