"""The connector for any database that is described in YAML: each call of the contract is a transaction of its own.

It knows no ERP. What is special about one belongs into its description; what no description can say yet belongs
into the models of `description`, and from there into here.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from instep.connectors.contract import CreateKey, Health, Page
from instep.connectors.sql import writing
from instep.connectors.sql.check import look
from instep.connectors.sql.database import Database, Failed, unread
from instep.connectors.sql.description import Description
from instep.connectors.sql.entities import entity_of
from instep.connectors.sql.failures import Failure
from instep.connectors.sql.keys import key_of
from instep.connectors.sql.listing import Listing
from instep.connectors.sql.outcomes import outcome_of
from instep.connectors.sql.rows import read_one, records_of, select
from instep.connectors.sql.sessions import database_now
from instep.connectors.sql.tables import Tables, tables_of
from instep.connectors.sql.ways import changes_of
from instep.connectors.writing import fault, missing, require, require_creatable, require_updatable
from instep.core.model import Entity, Record
from instep.core.values import Json, get_path
from instep.errors import Gone, OutcomeError, Problem, Refused, Taken, Unable

T = TypeVar("T")
Secrets = Callable[[str], str]
"""From a reference ("env:ERP_DB_PASSWORD") to the secret itself."""

FOUND_AT_MOST = 100
"""Rows with one marker that a search gives; two are already too many."""


class SqlConnector:
    """Speaks to one described database.

    `secrets` turns a reference of the description into the secret; it is asked when the connector is made.
    `directory` is what the path of a database that is a file is seen from.
    `requests` counts transactions. `now_ms` exists for tests. Raises Stop if there is no driver.
    """

    def __init__(
        self,
        description: Description,
        secrets: Secrets,
        *,
        name: str = "ERP",
        directory: Path = Path(),
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.name = name
        self.clock_skew_ms = self.clock_error_ms = 0
        self._description, self._directory, self._now_ms = description, directory, now_ms
        self._secrets = secrets
        password = secrets(description.password) if description.password else None
        self._database = self._opened(description.url, password, name)
        self._reading = self._database
        replica = description.replica
        if replica is not None:
            own = secrets(replica.password) if replica.password else password
            self._reading = self._opened(replica.url, own, f"{name} (replica)", read_only=True)
        returning = self._database.dialect_name != "mssql"
        self._tables = {entity: tables_of(entity, description, returning) for entity in description.entities}
        self._entities = {entity: entity_of(entity, description) for entity in description.entities}
        lag_s = replica.lag_s if replica is not None else 0.0
        self._listings = {
            entity: Listing(
                self._reading,
                tables,
                changes_of(tables, description.log, self._reading.dialect_name, lag_s),
                description.page,
            )
            for entity, tables in self._tables.items()
        }

    @property
    def requests(self) -> int:
        both = {id(database): database.units for database in (self._database, self._reading)}
        return sum(both.values())

    @property
    def description(self) -> Description:
        return self._description

    @property
    def dialect(self) -> sa.Dialect:
        """How its database wants statements to be written."""
        return self._database.dialect

    def entities(self) -> Mapping[str, Entity]:
        return self._entities

    async def check(self) -> Health:
        """Compares what is described with the tables that are there, and reads a page of each; never writes."""
        problems: list[Problem] = []
        notes: list[str] = []
        skew: int | None = None
        try:
            await self._measure()
            skew = self.clock_skew_ms
            for name, tables in self._tables.items():
                found, said = await look(self._database, tables, self._description.log)
                problems += found
                notes += said
                if not any(problem.severity == "error" for problem in found):
                    async for _ in self._listings[name].pages(None):
                        break
        except OutcomeError as error:
            problems.append(Problem("", 0, 0, error.what, error.why, error.fix))
        return Health(problems, skew, None, notes)

    async def list(self, entity: str, cursor: str | None) -> AsyncIterator[Page]:
        require(self.name, self._entities[entity], "list")
        await self._measure()
        async for page in self._listings[entity].pages(cursor):
            yield page

    async def read(self, entity: str, id: str) -> Record:
        tables = self._tables[entity]
        key = key_of(id, tables.described.key)
        if key is None:
            raise Gone(f"there is no {entity} {id[:40]}", why="it is not a key that a row can have")
        found = await self._database.read(lambda connection: read_one(connection, tables, key))
        if found is None:
            raise Gone(f"there is no {entity} {id}", why="no row has this key")
        return found[0]

    async def find(self, entity: str, path: str, value: str) -> Sequence[Record]:
        tables = self._tables[entity]
        if not path or path != self._entities[entity].abilities.marker:
            raise Unable(
                f"{entity}: {self.name} can't be searched by {path}", why="it is not the marker field"
            )
        place = next(place for place in tables.places if place.line.path == path)

        def work(connection: sa.Connection) -> list[Record]:
            statement = select(tables).where(place.columns[0] == value).limit(FOUND_AT_MOST)
            return records_of(connection, tables, list(connection.execute(statement).mappings()))

        found = await self._database.read(work)
        return [record for record in found if get_path(record.fields, path) == value]

    async def create(self, entity: str, fields: Mapping[str, Json], key: CreateKey) -> Record:
        declared, tables = self._entities[entity], self._tables[entity]
        values = require_creatable(self.name, declared, fields)
        lacking = missing(declared, values)
        if lacking:
            why = "it is required and was left empty"
            raise Refused(f"{entity}: {lacking} was refused", field=lacking, code="required", why=why)
        permit(declared, values)
        if len(key.id) > declared.abilities.max_id_length and declared.abilities.chosen_id:
            limit = declared.abilities.max_id_length
            why = f"{len(key.id)} characters, the limit is {limit}"
            raise Refused(f"{entity} {key.id} was not created", field="id", code="too_long", why=why)
        try:
            return await self._database.write(writing.insert(tables, values, key))
        except Failed as failed:
            raise await self._not_created(tables, key, failed.failure) from None

    async def update(
        self,
        entity: str,
        id: str,
        changes: Mapping[str, Json],
        *,
        seen: Record,
        idempotency: str,  # noqa: ARG002
    ) -> Record:
        declared, tables = self._entities[entity], self._tables[entity]
        require_updatable(self.name, declared, changes)
        permit(declared, changes)
        return await self._write(writing.update(tables, id, changes, seen), tables, f"{entity} {id}")

    async def retire(self, entity: str, id: str, *, seen: Record, idempotency: str) -> Record:  # noqa: ARG002
        declared, tables = self._entities[entity], self._tables[entity]
        require(self.name, declared, "retire")
        call = tables.described.retire
        assert call is not None
        if call.by == "field" and declared.retired is not None:
            path, value = declared.retired
            unit = writing.update(tables, id, {path: value}, seen)
        else:
            unit = writing.delete(tables, id, seen)
        return await self._write(unit, tables, f"{entity} {id}")

    async def close(self) -> None:
        await self._database.close()
        if self._reading is not self._database:
            await self._reading.close()

    # --- inside ---

    async def look(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a look at the schema. Raises Stop, RetryLater, BadAnswer."""
        return await self._database.read(work)

    async def administer(
        self, url: str | None, password: str | None, statements_of: Callable[[sa.Connection], Sequence[str]]
    ) -> Sequence[str]:
        """Run statements of a person with more rights, all or none where the database can; returns them.

        `url`, `password`: of that person, those of the description if not given. Raises Stop, RetryLater.
        """
        if url is None and password is None and self._description.password:
            password = self._secrets(self._description.password)
        database = self._opened(url or self._description.url, password, self.name)

        def work(connection: sa.Connection) -> Sequence[str]:
            statements = statements_of(connection)
            for statement in statements:
                # As it is: a percent sign in a definition is no place for a value.
                connection.execution_options(no_parameters=True).exec_driver_sql(statement)
            return statements

        try:
            return await database.write(work)
        except Failed as failed:
            raise unread(self.name, failed.failure) from None
        finally:
            await database.close()

    def _opened(self, url: str, password: str | None, name: str, *, read_only: bool = False) -> Database:
        return Database(
            name,
            url,
            password,
            directory=self._directory,
            connections=self._description.connections,
            statement_timeout_s=self._description.statement_timeout_s,
            lock_timeout_s=self._description.lock_timeout_s,
            read_only=read_only,
        )

    async def _write(self, unit: writing.Work, tables: Tables, what: str) -> Record:
        try:
            return await self._database.write(unit)
        except Failed as failed:
            raise outcome_of(self.name, what, tables, failed.failure) from None

    async def _not_created(self, tables: Tables, key: CreateKey, failure: Failure) -> OutcomeError:
        """Why an insert failed; where something was in use, whether it was our own marker or id."""
        marker = tables.described.marker
        if failure.meaning == "taken":
            if marker is not None and key.marker:
                found = await self.find(tables.name, marker.field, key.marker)
                if found:
                    what = f"{tables.name}: {marker.field} is in use"
                    return Taken(what, existing_id=found[0].id, field=marker.field, why=failure.sentence)
            if tables.described.chosen_id and await self._exists(tables.name, key.id):
                what = f"{tables.name} {key.id} was not created"
                return Taken(what, existing_id=key.id, field="id", why="the id is in use")
        return outcome_of(self.name, f"a new {tables.name}", tables, failure)

    async def _exists(self, entity: str, id: str) -> bool:
        try:
            await self.read(entity, id)
        except Gone:
            return False
        return True

    async def _measure(self) -> None:
        """How far the database's clock is from ours; one that is a file has ours."""
        if self._database.dialect_name == "sqlite":
            return
        sent = self._now_ms()
        now = await self._database.read(database_now)
        received = self._now_ms()
        self.clock_skew_ms = int(now.timestamp() * 1000) - (sent + received) // 2
        self.clock_error_ms = (received - sent) // 2 + 1


def permit(entity: Entity, values: Mapping[str, Json]) -> None:
    """Refuse what the description rules out, since some databases cut a long text without a word."""
    for path, value in values.items():
        known = entity.field(path)
        why = fault(known, value) if known is not None and known.path == path else ""
        if why:
            raise Refused(f"{entity.name}: {path} was refused", field=path, code="invalid", why=why)
