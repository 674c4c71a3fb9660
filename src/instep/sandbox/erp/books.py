"""The ERP's books: create, change and delete records, keep references whole, remember who changed what.

Every write is one transaction. Not here: HTTP (`api`), selection and paging (`listing`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from instep.sandbox.erp.accept import accepted, changed_fields, merged, normalised
from instep.sandbox.erp.entities import ENTITIES, FIRST_ID, Entity, Record, Reference, referred
from instep.sandbox.erp.refusals import Refused, refused
from instep.sandbox.erp.settings import Settings
from instep.sandbox.kit import Clock, Column, Documents, Duplicate, Table

_encode = msgspec.json.encode


def millis(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 moment, UTC where it names no zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def iso(moment_ms: int) -> str:
    """A moment as the ERP writes it: `2026-11-23T04:05:06.789Z`."""
    text = datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def columns_of(entity: Entity) -> list[Column]:
    """A record that is deleted gives up its unique values, so that another may take them."""

    def plain(name: str) -> Column:
        return Column(name, lambda record: record.get(name), unique=name in entity.unique)

    names = [name for name in entity.filters if name != "email"]
    names += [ref.field for ref in entity.references if "[]" not in ref.field and ref.field not in names]
    columns = [
        Column("seq", lambda record: int(record["id"])),
        Column("updated_ms", lambda record: millis(record["updated_at"])),
        Column("created_ms", lambda record: millis(record["created_at"])),
        Column("deleted", lambda record: 1 if record.get("deleted") else 0),
        Column("version", lambda record: record["version"]),
        *(plain(name) for name in names),
    ]
    if "email" in entity.filters:
        columns.append(Column("email", lambda record: (record.get("email") or "").lower() or None))
    if any("[]" in ref.field for ref in entity.references):
        columns.append(Column("line_refs", _line_refs))
    return columns


class Books:
    def __init__(self, documents: Documents, clock: Clock) -> None:
        self.clock = clock
        self.documents = documents
        self.settings = Settings.model_validate(documents.setting("settings") or {})
        self.writes = 0
        self.on_change: Callable[[], None] = lambda: None
        self.tables: dict[str, Table] = {}
        self.stale: dict[str, Table] = {}
        for entity in ENTITIES.values():
            columns = columns_of(entity)
            kept = ("seq", "updated_ms", "created_ms", "deleted", "version", "line_refs")
            indexes = [("seq", "deleted"), ("updated_ms", "seq", "deleted"), ("created_ms", "seq")]
            indexes += [(c.name,) for c in columns if c.name not in kept and not c.unique]
            self.tables[entity.name] = documents.table(entity.name, columns, indexes=indexes)
            # What a list still shows of records changed within the lag; see `listing`.
            loose = [Column(column.name, column.of) for column in columns]
            hidden = [
                Column("visible_ms", lambda record: record["#visible_ms"]),
                Column("absent", lambda record: record["#absent"]),
            ]
            self.stale[entity.name] = documents.table(entity.name + "_stale", [*loose, *hidden])
        documents.connection.execute(
            "CREATE TABLE IF NOT EXISTS history(number INTEGER PRIMARY KEY AUTOINCREMENT,"
            " entity TEXT, id TEXT, version INTEGER, at_ms INTEGER, author TEXT, action TEXT, changes BLOB)"
        )
        documents.connection.execute("CREATE INDEX IF NOT EXISTS history_of ON history(entity, id)")

    def change_settings(self, wanted: dict[str, Any]) -> Settings:
        """Raises pydantic.ValidationError."""
        self.settings = Settings.model_validate({**self.settings.model_dump(), **wanted})
        self.documents.set_setting("settings", self.settings.model_dump())
        self.on_change()
        return self.settings

    def read(self, entity: Entity, key: str) -> Record | None:
        """A living record, or None."""
        record = self.tables[entity.name].get(key)
        return None if record is None or record.get("deleted") else record

    def create(self, entity: Entity, body: bytes, author: str) -> Record:
        """Raises Refused: 400, 422, or 409 with the id of the record that holds a unique value."""
        change = self._accepted(entity, body, creating=True)
        record = merged(entity, copy.deepcopy(entity.blank), change)
        with self.documents.transaction():
            self._check_references(entity, record, {})
            key = str(self.documents.next_number(entity.name, FIRST_ID))
            now = self.clock.iso_ms()
            if entity.name == "orders":
                record["number"] = self._order_number(record["order_date"])
            record = {"id": key, **record, "version": 1, "created_at": now, "updated_at": now}
            self._keep_stale(entity, key, None)
            self._store(entity, record)
            self._remember(entity, record, author, "create", {})
        return record

    def change(
        self, entity: Entity, key: str, body: bytes, author: str, if_match: str | None = None
    ) -> Record:
        """Raises Refused: 400, 404, 409, 412, 422, 428."""
        change = self._accepted(entity, body, creating=False)
        with self.documents.transaction():
            old = self._living(entity, key)
            self._check_version(old, if_match)
            self._check_lines(old, change)
            record = merged(entity, old, change)
            if record == old and not self.settings.bump_unchanged:
                return old
            self._check_references(entity, record, old)
            changes = changed_fields(old, record)
            record["version"] = old["version"] + 1
            record["updated_at"] = self.clock.iso_ms()
            self._keep_stale(entity, key, old)
            self._store(entity, record)
            self._remember(entity, record, author, "change", changes)
        return record

    def delete(self, entity: Entity, key: str, author: str, if_match: str | None = None) -> None:
        """Raises Refused: 404, 409 while another record refers to it, 412, 428."""
        with self.documents.transaction():
            old = self._living(entity, key)
            self._check_version(old, if_match)
            self._check_not_referred(entity, key)
            gone = {
                "id": key,
                "deleted": True,
                "version": old["version"] + 1,
                "created_at": old["created_at"],
                "updated_at": self.clock.iso_ms(),
            }
            self._keep_stale(entity, key, old)
            if self.settings.hard_delete:
                self.tables[entity.name].remove(key)
            else:
                self.tables[entity.name].put(gone)
            self.writes += 1
            self._remember(entity, gone, author, "delete", {"#record": [old, None]})

    def load(self, entity: Entity, rows: Iterable[Record]) -> int:
        """Store many records as they would be after years of use; `id` and the moments may be given.

        One transaction; no history. Raises Refused, with the place of the row in front of each field.
        """
        table = self.tables[entity.name]
        now = self.clock.iso_ms()
        highest = 0

        def complete() -> Iterable[Record]:
            nonlocal highest
            for place, row in enumerate(rows):
                given = {name: row[name] for name in entity.server if name in row}
                rest = {name: value for name, value in row.items() if name not in entity.server}
                try:
                    change = accepted(entity, _encode(rest), creating=True)
                    record = merged(entity, copy.deepcopy(entity.blank), change)
                    self._check_references(entity, record, {})
                except Refused as refusal:
                    errors = [
                        {**error, "field": f"{entity.name}.{place}.{error['field']}"}
                        for error in refusal.errors
                    ]
                    raise Refused(refusal.status, errors) from None
                key = given.get("id") or str(self.documents.next_number(entity.name, FIRST_ID))
                highest = max(highest, int(key))
                if entity.name == "orders":
                    record["number"] = given.get("number") or self._order_number(record["order_date"])
                created = iso(millis(given["created_at"])) if "created_at" in given else now
                updated = iso(millis(given["updated_at"])) if "updated_at" in given else created
                yield {
                    "id": key,
                    **record,
                    "version": given.get("version", 1),
                    "created_at": created,
                    "updated_at": updated,
                }

        with self.documents.transaction():
            try:
                count = table.load(complete())
            except Duplicate as duplicate:
                raise refused(409, duplicate.column, "duplicate", "is used by two records") from None
            if highest:
                self.documents.raise_number(entity.name, highest)
        self.writes += 1
        return count

    def history(self, entity: str | None, key: str | None, after: int, limit: int) -> list[dict[str, Any]]:
        rows = self.documents.connection.execute(
            "SELECT number, entity, id, version, at_ms, author, action, changes FROM history"
            " WHERE number > ? AND (? IS NULL OR entity = ?) AND (? IS NULL OR id = ?)"
            " ORDER BY number LIMIT ?",
            (after, entity, entity, key, key, limit),
        )
        names = ("number", "entity", "id", "version", "at_ms", "author", "action")
        return [
            {**dict(zip(names, row, strict=False)), "changes": msgspec.json.decode(row[-1])} for row in rows
        ]

    def last_change(self) -> int:
        """The number of the latest entry of the history, 0 if there is none."""
        number: int | None = self.documents.connection.execute("SELECT max(number) FROM history").get
        return number or 0

    def _accepted(self, entity: Entity, body: bytes, *, creating: bool) -> Record:
        change = accepted(entity, body, creating=creating)
        if not self.settings.normalise:
            return change
        # What is left after trimming must still be a name.
        return accepted(entity, _encode(normalised(change)), creating=creating)

    def _living(self, entity: Entity, key: str) -> Record:
        record = self.read(entity, key)
        if record is None:
            raise refused(404, "id", "not_found", f"there is no record {key} in {entity.name}")
        return record

    def _check_version(self, old: Record, if_match: str | None) -> None:
        if not self.settings.etags:
            return
        if if_match is None:
            if self.settings.require_if_match:
                raise refused(428, None, "precondition_required", "send If-Match with the ETag that you read")
            return
        wanted = {tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")}
        if "*" not in wanted and str(old["version"]) not in wanted:
            raise refused(
                412, "version", "version_mismatch", "the record has changed", current=old["version"]
            )

    def _check_lines(self, old: Record, change: Record) -> None:
        known = {line["id"] for line in old.get("lines", ())}
        errors = [
            {"field": f"lines.{place}.id", "code": "unknown_reference", "message": "there is no such line"}
            for place, line in enumerate(change.get("lines") or ())
            if line.get("id") is not None and line["id"] not in known
        ]
        if errors:
            raise Refused(422, errors)

    def _check_references(self, entity: Entity, record: Record, old: Record) -> None:
        errors = []
        for reference in entity.references:
            known = {key for _, key in referred(old, reference)}
            for field, key in referred(record, reference):
                if key not in known and self._missing(reference, key):
                    errors.append(
                        {
                            "field": field,
                            "code": "unknown_reference",
                            "message": f"there is no record {key} in {reference.entity}",
                        }
                    )
        if errors:
            raise Refused(422, errors)

    def _missing(self, reference: Reference, key: str) -> bool:
        return not self.tables[reference.entity].values(["id"], "id = ? AND deleted = 0", (key,))

    def _check_not_referred(self, entity: Entity, key: str) -> None:
        for other in ENTITIES.values():
            for reference in other.references:
                if reference.entity != entity.name:
                    continue
                if "[]" in reference.field:
                    where, value = "instr(line_refs, ?) > 0 AND deleted = 0", f"|{key}|"
                else:
                    where, value = f"{reference.field} = ? AND deleted = 0", key
                users = self.tables[other.name].values(["id"], where, (value,), limit=1)
                if users:
                    message = f"record {users[0][0]} in {other.name} refers to it"
                    raise refused(409, "id", "referenced", message, referenced_by=other.name)

    def _store(self, entity: Entity, record: Record) -> None:
        table = self.tables[entity.name]
        try:
            table.put(record)
        except Duplicate as duplicate:
            name = duplicate.column
            holder = table.values(["id"], f"{name} = ?", (record[name],))
            raise refused(
                409, name, "duplicate", "is used by another record", existing_id=holder[0][0]
            ) from None
        self.writes += 1

    def _keep_stale(self, entity: Entity, key: str, old: Record | None) -> None:
        """Keep what lists go on showing for the lag. A record that is stale already keeps its older face."""
        lag_ms = self.settings.list_lag_ms
        if lag_ms == 0:
            return
        table = self.stale[entity.name]
        now_ms = self.clock.now_ms()
        face = table.get(key)
        if face is None or face["#visible_ms"] <= now_ms:
            now = self.clock.iso_ms()
            nothing = {"id": key, "version": 0, "created_at": now, "updated_at": now}
            face = {**(old or nothing), "#absent": 1 if old is None else 0}
        table.put({**face, "#visible_ms": now_ms + lag_ms})

    def _order_number(self, order_date: str) -> str:
        year = order_date[:4]
        return f"SO-{year}-{self.documents.next_number('order_number_' + year):05d}"

    def _remember(
        self, entity: Entity, record: Record, author: str, action: str, changes: dict[str, list[Any]]
    ) -> None:
        self.documents.connection.execute(
            "INSERT INTO history(entity, id, version, at_ms, author, action, changes) VALUES(?,?,?,?,?,?,?)",
            (
                entity.name,
                record["id"],
                record["version"],
                self.clock.now_ms(),
                author,
                action,
                _encode(changes),
            ),
        )
        self.on_change()


def _line_refs(record: Record) -> str | None:
    keys = [line["product_id"] for line in record.get("lines", ()) if line["product_id"]]
    return f"|{'|'.join(keys)}|" if keys else None
