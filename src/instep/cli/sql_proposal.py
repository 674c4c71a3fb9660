"""`instep init --sql`: look at a database's tables, and propose a description and a dataflow."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from instep.cli.init import ProposedSite
from instep.connectors.proposing import Proposal
from instep.connectors.sql import Description, SqlConnector
from instep.connectors.sql.proposal import propose
from instep.connectors.sql.surveying import survey
from instep.dataflow.proposal import Lines
from instep.dataflow.proposal import propose as propose_dataflow
from instep.dataflow.secrets import resolver
from instep.errors import UsageError


def look(directory: Path, url: str, password: str, schema: str, currency: str) -> ProposedSite:
    """`currency`: that of the ERP's prices, "" if not known. Raises UsageError for an address that can't be used or a
    database without tables, Stop, RetryLater."""
    one: dict[str, Any] = {"table": "none", "fields": [{"path": "id"}]}
    described: dict[str, Any] = {"url": url, "entities": {"none": one}}
    if password:
        described["password"] = password
    try:
        description = Description.model_validate(described)
    except ValidationError as error:
        why = "; ".join(str(item["msg"]).removeprefix("Value error, ") for item in error.errors())
        raise UsageError("nothing was written", why=why, fix="see docs/guide/sql.md") from None
    secrets = resolver(directory=directory, environ=os.environ)
    found = asyncio.run(_survey(description, secrets, directory, schema))
    if found is None:
        fix = (
            "name its schema: --sql-schema NAME"
            if not schema
            else "check the name of the schema, and the rights"
        )
        raise UsageError(
            "nothing was written", why="no table with a primary key is to be seen there", fix=fix
        )
    value = Description.model_validate(YAML(typ="safe").load(found.text))
    entities = SqlConnector(value, lambda _: "", directory=directory).entities()
    return ProposedSite(found.text, propose_dataflow(entities, _lines(value), currency), found.notes)


async def _survey(description: Description, secrets: Any, directory: Path, schema: str) -> Proposal | None:
    connector = SqlConnector(description, secrets, name="the database", directory=directory)
    try:
        tables = await connector.look(lambda connection: survey(connection, schema))
    finally:
        await connector.close()
    if not any(table.key for table in tables):
        return None
    return propose(tables, description.url, description.password or "", schema)


def _lines(description: Description) -> list[Lines]:
    return [
        Lines(
            name,
            path,
            tuple(line.path for line in lines.fields),
            {line.path: line.reference for line in lines.fields if line.reference},
        )
        for name, entity in description.entities.items()
        for path, lines in entity.lines.items()
    ]
