"""One transaction of the SQLite store: every method of the contract's `Tx`, each a statement or two.

It begins, commits and rolls back nothing; that is for `group_commit`. Nothing here decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import apsw

from instep.core.model import Both, Side
from instep.core.terms import terms
from instep.core.values import Json
from instep.errors import StoreError
from instep.store import rows
from instep.store.chain import Anchor, Chain, SealedRow, commitment, names_of, new_salt, seal
from instep.store.contract import (
    BUCKETS,
    Activity,
    AlreadyLinked,
    Entry,
    Hold,
    HoldKind,
    Intent,
    Key,
    Link,
    Release,
    Run,
    Sighting,
    Todo,
    Which,
)
from instep.store.queries import filtered, in_lists, queries
from instep.store.rows import Row

LAST_SEQ = 2**63 - 1
LAST_CHARACTER = chr(0x10FFFF)
MANY = 5000
"""A word of a search that so many terms begin with is common; how common doesn't matter."""


class SqliteTx:
    """The contract's `Tx` on an apsw connection that is inside a transaction."""

    __slots__ = ("_execute", "_executemany", "_sql")

    def __init__(self, connection: apsw.Connection) -> None:
        self._execute = connection.execute
        self._executemany = connection.executemany
        self._sql = queries()

    def _run(self, name: str, /, **bindings: Any) -> None:
        self._execute(self._sql[name], bindings)

    def _one(self, name: str, /, **bindings: Any) -> Row | None:
        row: Row | None = self._execute(self._sql[name], bindings).fetchone()
        return row

    def _all(self, name: str, /, **bindings: Any) -> list[Row]:
        found: list[Row] = self._execute(self._sql[name], bindings).fetchall()
        return found

    def _value(self, name: str, /, **bindings: Any) -> Any:
        row = self._one(name, **bindings)
        return None if row is None else row[0]

    # --- Sightings

    def sighting(self, side: Side, entity: str, id: str) -> Sighting | None:
        row = self._one("sighting", side=side, entity=entity, id=id)
        return None if row is None else rows.sighting(row)

    def sightings(self, side: Side, entity: str, ids: Sequence[str]) -> dict[str, Sighting]:
        found = {}
        for sql, bindings in in_lists("sightings", ids, {"side": side, "entity": entity}):
            for row in self._execute(sql, bindings):
                found[row[2]] = rows.sighting(row)
        return found

    def save_sightings(self, sightings: Iterable[Sighting]) -> None:
        saved = list(sightings)
        self._executemany(self._sql["save_sighting"], map(rows.sighting_row, saved))
        for sighting in saved:
            self._save_terms(sighting)

    def _save_terms(self, sighting: Sighting) -> None:
        # Mostly nothing has changed; reading first spares the writes to two trees.
        record = {"side": sighting.side, "entity": sighting.entity, "id": sighting.id}
        wanted = terms(sighting.id, sighting.fields)
        stored = {row[0] for row in self._all("terms_of", **record)}
        for term in wanted - stored:
            self._run("add_term", term=term, **record)
        for term in stored - wanted:
            self._run("drop_term", term=term, **record)

    def search(
        self, words: Sequence[str], *, side: Side | None = None, entity: str = "", limit: int = 50
    ) -> list[tuple[Side, str, str]]:
        given: dict[str, Any] = {"limit": limit * 3}  # a record may be found by several of its terms
        filters: list[str] = []
        rarest_first = sorted(words, key=self._how_common) if len(words) > 1 else words
        for name, word in zip(("first", "second", "third"), rarest_first, strict=False):
            given |= {name: word, f"{name}_end": word + LAST_CHARACTER}
            filters += [name] if name != "first" else []
        if side is not None:
            given["side"] = side
            filters.append("side")
        if entity:
            given["entity"] = entity
            filters.append("entity")
        found = self._execute(filtered("search", *filters), given) if words else ()
        return list(dict.fromkeys((Side(where), kind, id) for where, kind, id in found))[:limit]

    def _how_common(self, word: str) -> int:
        return len(self._all("some_terms", first=word, first_end=word + LAST_CHARACTER, limit=MANY))

    def touch(self, side: Side, entity: str, ids: Sequence[str], listed_in: int, shown_ms: int) -> None:
        given = {"side": side, "entity": entity, "listed_in": listed_in, "shown_ms": shown_ms}
        for sql, bindings in in_lists("touch", ids, given):
            self._execute(sql, bindings)

    def unlisted(self, side: Side, entity: str, listing: int, after: str, limit: int) -> list[str]:
        found = self._all("unlisted", side=side, entity=entity, listing=listing, after=after, limit=limit)
        return [row[0] for row in found]

    def sample_ids(self, side: Side, entity: str, excluding: str, limit: int) -> list[str]:
        found = self._all("sample_ids", side=side, entity=entity, excluding=excluding, limit=limit)
        return [row[0] for row in found]

    def canaries(
        self, side: Side, entity: str, excluding: str, *, known_ms: int, created_ms: int, limit: int
    ) -> list[str]:
        given = {"known_ms": known_ms, "created_ms": created_ms, "excluding": excluding, "limit": limit}
        return [row[0] for row in self._all("canaries", side=side, entity=entity, **given)]

    def unread(self, side: Side, entity: str, limit: int) -> list[str]:
        return [row[0] for row in self._all("unread", side=side, entity=entity, limit=limit)]

    def count_sightings(self, side: Side, entity: str) -> int:
        return int(self._value("count_sightings", side=side, entity=entity))

    # --- Links

    def link(self, link_id: int) -> Link | None:
        row = self._one("link", id=link_id)
        return None if row is None else rows.link(row)

    def link_of(self, pair: str, side: Side, id: str) -> Link | None:
        row = self._one(f"link_of_{side}", pair=pair, id=id)
        return None if row is None else rows.link(row)

    def links_of(self, pair: str, side: Side, ids: Sequence[str]) -> dict[str, Link]:
        found = {}
        for sql, bindings in in_lists(f"links_of_{side}", ids, {"pair": pair}):
            for row in self._execute(sql, bindings):
                link = rows.link(row)
                found[link.ids[side]] = link
        return found

    def save_link(self, link: Link) -> Link:
        try:
            link_id = self._value("change_link" if link.id else "add_link", **rows.link_row(link))
        except apsw.ConstraintError:
            for side in Side:
                other = self.link_of(link.pair, side, link.ids[side])
                if other is not None and other.id != link.id:
                    raise AlreadyLinked(other) from None
            raise
        if link_id is None:
            raise LookupError(f"link {link.id} is no longer there")
        return link if link.id else replace(link, id=link_id)

    def remove_link(self, link_id: int) -> None:
        self._run("remove_link", id=link_id)

    def links(self, pair: str, after: int, limit: int) -> list[Link]:
        return [rows.link(row) for row in self._all("links", pair=pair, after=after, limit=limit)]

    def count_links(self, pair: str) -> int:
        return int(self._value("count_links", pair=pair))

    # --- Match index

    def save_matches(self, pair: str, side: Side, id: str, values: Mapping[int, str]) -> None:
        # Mostly nothing has changed; reading first spares the writes to two indexes.
        record = {"pair": pair, "side": side, "id": id}
        stored = self.match_values(pair, side, id)
        if stored == values:
            return
        for number, value in values.items():
            if stored.get(number) != value:
                self._run("save_match_value", **record, number=number, value=value)
        for number in stored.keys() - values.keys():
            self._run("drop_match_value", **record, number=number)

    def match_values(self, pair: str, side: Side, id: str) -> dict[int, str]:
        return dict(self._all("match_values", pair=pair, side=side, id=id))

    def matches(self, pair: str, side: Side, key: int, value: str, limit: int) -> list[str]:
        found = self._all("matches", pair=pair, side=side, number=key, value=value, limit=limit)
        return [row[0] for row in found]

    # --- What there is to look at

    def mark(self, keys: Iterable[Key], *, due_ms: int = 0, reason: str = "", urgent: bool = False) -> None:
        wanted = list(keys)
        if not wanted:
            return
        last = self._value("take_numbers", name="todo", count=len(wanted))
        numbered = enumerate(wanted, last - len(wanted) + 1)
        self._executemany(
            self._sql["mark"],
            (rows.mark_row(key, number, due_ms, reason, urgent) for number, key in numbered),
        )

    def todo(
        self,
        pair: str,
        *,
        now_ms: int,
        bucket: int | None = None,
        which: Which | None = None,
        limit: int = 100,
    ) -> list[Todo]:
        given: dict[str, Any] = {"pair": pair, "now_ms": now_ms, "limit": limit}
        if bucket is not None:
            given["bucket"] = bucket
        filters = [*(("bucket",) if bucket is not None else ()), *_only(which, given)]
        return [rows.todo(row) for row in self._execute(filtered("todo", *filters), given)]

    def todo_after(self, pair: str, *, after: int, limit: int) -> list[Todo]:
        return [rows.todo(row) for row in self._all("todo_after", pair=pair, after=after, limit=limit)]

    def last_mark(self) -> int:
        return int(self._value("last_number", name="todo"))

    def is_todo(self, key: Key) -> bool:
        return self._one("is_todo", **rows.key_row(key)) is not None

    def todo_of(self, key: Key) -> Todo | None:
        row = self._one("todo_of", **rows.key_row(key))
        return None if row is None else rows.todo(row)

    def finish(self, todo: Todo) -> bool:
        return self._one("finish", seq=todo.seq) is not None

    def postpone(self, todo: Todo, *, due_ms: int, attempts: int, reason: str) -> bool:
        put_off = self._one("postpone", seq=todo.seq, due_ms=due_ms, attempts=attempts, reason=reason)
        return put_off is not None

    def busy_buckets(self, pair: str, now_ms: int, which: Which | None = None) -> list[int]:
        given: dict[str, Any] = {"pair": pair, "now_ms": now_ms, "buckets": BUCKETS}
        filters = _only(which, given)
        if which is None or which.urgent is None:
            filters.append("first")
        return [row[0] for row in self._execute(filtered("busy_buckets", *filters), given)]

    def next_due(self, pair: str, urgent: bool | None = None) -> int | None:
        given: dict[str, Any] = {"pair": pair, "buckets": BUCKETS}
        ((due_ms,),) = self._execute(filtered("next_due", *_only(Which(urgent), given)), given)
        return None if due_ms is None else int(due_ms)

    def count_todo(self, pair: str) -> Both[int]:
        ((total, failing),) = self._all("count_todo", pair=pair)
        return Both(total, failing)

    # --- Holds and releases

    def holds_of(self, key: Key) -> list[Hold]:
        return [rows.hold(row) for row in sorted(self._all("holds_of", **rows.key_row(key)), key=_number)]

    def replace_holds(self, key: Key, holds: Sequence[Hold]) -> None:
        stored = {(hold.property, hold.cause, hold.digest): hold for hold in self.holds_of(key)}
        for hold in holds:
            kept = stored.pop((hold.property, hold.cause, hold.digest), None)
            row = rows.hold_row(key, hold)
            if kept is None:
                self._run("add_hold", **row)
            else:
                row["id"], row["since_ms"] = kept.id, kept.since_ms
                if row != rows.hold_row(key, kept):
                    self._run("change_hold", **row)
        for dropped in stored.values():
            self._run("drop_hold", id=dropped.id)

    def hold(self, hold_id: int) -> Hold | None:
        row = self._one("hold", id=hold_id)
        return None if row is None else rows.hold(row)

    def holds(
        self,
        *,
        pair: str = "",
        cause: str = "",
        property: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Hold]:
        given: dict[str, Any] = {name: value for name, value in (("pair", pair), ("cause", cause)) if value}
        if property is not None:
            given["property"] = property
        sql = filtered("holds", *given)
        return [rows.hold(row) for row in self._execute(sql, {**given, "after": after, "limit": limit})]

    def waiting_for(self, side: Side, entity: str, id: str) -> list[Key]:
        found = sorted(set(self._all("waiting_for", side=side, entity=entity, id=id)))
        return [Key(pair, Side(key_side), record_id) for pair, key_side, record_id in found]

    def kinds_of_holds(self) -> list[HoldKind]:
        return [HoldKind(*row) for row in self._all("kinds_of_holds")]

    def count_holds(self, pair: str) -> dict[str, int]:
        return dict(self._all("count_holds", pair=pair))

    def releases_of(self, key: Key) -> list[Release]:
        found = [rows.release(row) for row in self._all("releases_of", **rows.key_row(key))]
        return sorted(found, key=lambda release: release.property)

    def save_release(self, release: Release) -> None:
        self._run("save_release", **rows.release_row(release))

    def drop_releases(self, key: Key, properties: Sequence[str]) -> None:
        for name in properties:
            self._run("drop_release", **rows.key_row(key), property=name)

    # --- Intents

    def save_intent(self, intent: Intent) -> Intent:
        intent_id = self._value("change_intent" if intent.id else "add_intent", **rows.intent_row(intent))
        if intent_id is None:
            raise LookupError(f"intent {intent.id} is no longer open")
        return intent if intent.id else replace(intent, id=intent_id)

    def intents(self, limit: int = 1000) -> list[Intent]:
        return [rows.intent(row) for row in self._all("intents", limit=limit)]

    def intents_of(self, key: Key) -> list[Intent]:
        return [rows.intent(row) for row in sorted(self._all("intents_of", **rows.key_row(key)), key=_number)]

    def intent_to(self, pair: str, side: Side, id: str) -> Intent | None:
        found = self._all("intent_to", pair=pair, side=side, other=side.other, id=id)
        return rows.intent(min(found, key=_number)) if found else None

    def close_intent(self, intent_id: int) -> None:
        self._run("close_intent", id=intent_id)

    # --- Cursors, listings, settings

    def cursor(self, side: Side, entity: str) -> str | None:
        position: str | None = self._value("cursor", side=side, entity=entity)
        return position

    def save_cursor(self, side: Side, entity: str, cursor: str | None) -> None:
        if cursor is None:
            self._run("drop_cursor", side=side, entity=entity)
        else:
            self._run("save_cursor", side=side, entity=entity, position=cursor)

    def meta(self, name: str) -> str | None:
        value: str | None = self._value("meta", name=name)
        return value

    def save_meta(self, name: str, value: str | None) -> None:
        if value is None:
            self._run("drop_meta", name=name)
        else:
            self._execute(self._sql["save_meta"], {"name": name, "value": value})

    # --- Journal and runs

    def append(self, entries: Iterable[Entry]) -> None:
        head, sealed = self.chain().head, []
        for entry in entries:
            row = rows.entry_row(entry)
            row["seq"], row["salt"] = head.seq + 1, (salt := new_salt())
            committed = commitment(salt, entry.reason, str(row["changes"]))
            row["seal"] = its = seal(head.seal, row, names_of(entry.changes), committed)
            sealed.append(row)
            head = Anchor(head.seq + 1, its, head.count + 1, entry.at_ms)
        if sealed:
            self._executemany(self._sql["append"], sealed)
            self._run("save_head", seq=head.seq, seal=head.seal, count=head.count, at_ms=head.at_ms)

    def chain(self) -> Chain:
        row = self._one("chain")
        if row is None:
            raise StoreError(
                "the journal's end is not known any more",
                why="the row of the store that says it is gone; Instep never removes it",
                fix="put the file away and restore the last backup",
            )
        return rows.chain(row)

    def sealed(self, after: int, limit: int) -> list[SealedRow]:
        return [rows.sealed(row) for row in self._all("sealed", after=after, limit=limit)]

    def prune(self, before_ms: int, limit: int) -> Anchor | None:
        was = start = self.chain().start
        for seq, sealed, at_ms in self._all("oldest", after=start.seq, limit=limit):
            if at_ms >= before_ms:
                break
            start = Anchor(seq, sealed, start.count + 1, at_ms)
        if start == was:
            return None
        self._run("prune", after=was.seq, last=start.seq)
        self._run("save_start", seq=start.seq, seal=start.seal, count=start.count, at_ms=start.at_ms)
        return start

    def forget_values(self, pair: str, side: Side, id: str) -> int:
        found = self._all("entries_with_values", pair=pair, side=side, record_id=id)
        for seq, reason, changes, salt in found:
            names = rows.text([{"property": name} for name in names_of(rows.changes(changes))])
            self._run("forget_entry", seq=seq, changes=names, commitment=commitment(salt, reason, changes))
        return len(found)

    def journal(
        self,
        *,
        pair: str = "",
        side: Side | None = None,
        record_id: str = "",
        run: int = 0,
        operation: str = "",
        before: int | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        asked = (("pair", pair), ("run", run), ("operation", operation), ("record_id", record_id))
        given: dict[str, Any] = {name: value for name, value in asked if value}
        filters = list(given)
        if side is not None and record_id:
            filters.append("record_of_side")
            given["of_side"] = side
        elif side is not None:
            filters.append("side")
            given["side"] = side
        given["before"] = LAST_SEQ if before is None else before
        given["limit"] = limit
        return [rows.entry(row) for row in self._execute(filtered("journal", *filters), given)]

    def activity(self, *, since_ms: int, span_ms: int) -> list[Activity]:
        found = self._all("activity", since_ms=since_ms, span_ms=span_ms)
        return [
            Activity(span * span_ms, pair, operation, Side(side) if side else None, count)
            for span, pair, operation, side, count in found
        ]

    def start_run(self, kind: str, now_ms: int, undoes: int = 0, partly: bool = False) -> Run:
        run_id = self._value("start_run", kind=kind, now_ms=now_ms, undoes=undoes, partly=int(partly))
        return Run(run_id, kind, now_ms, undoes=undoes, partly=partly)

    def finish_run(self, run_id: int, now_ms: int, status: str, summary: Json) -> None:
        self._run("finish_run", id=run_id, now_ms=now_ms, status=status, summary=rows.text(summary))

    def run(self, run_id: int) -> Run | None:
        row = self._one("run", id=run_id)
        return None if row is None else rows.run(row)

    def runs(self, limit: int = 20, before: int | None = None) -> list[Run]:
        return [rows.run(row) for row in self._all("runs", limit=limit, before=before or LAST_SEQ)]

    def lease(self) -> tuple[str, int]:
        holder, _, until_ms = self._all("lease")[0]
        return holder, until_ms

    def undoings(self, run_id: int) -> list[Run]:
        return [rows.run(row) for row in self._all("undoings", undoes=run_id)]

    def written(self, run_id: int) -> dict[tuple[str, str, Side], int]:
        found = self._all("written", run=run_id)
        return {(pair, operation, Side(side)): count for pair, operation, side, count in found}


def _only(which: Which | None, given: dict[str, Any]) -> list[str]:
    """The filters for some of the marks; what they compare with goes into `given`."""
    if which is None:
        return []
    filters = [] if which.urgent is None else ["urgent" if which.urgent else "calm"]
    if which.upto is not None:
        given["upto"] = which.upto
        filters.append("upto")
    return filters


def _number(row: Row) -> int:
    """The number of a row that has one; it comes first."""
    number: int = row[0]
    return number
