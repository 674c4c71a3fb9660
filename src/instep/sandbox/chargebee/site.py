"""One Chargebee site: its settings, its records, its clock, and the three ways in which a record changes.

Every change goes through `create`, `change` or `remove`: they give the new `resource_version`, write the
record, and record the event. What a call may change is not decided here (`customers`, `catalog`, `orders`,
...).
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..kit import Clock
from .errors import ApiError
from .fields import CustomField, Doc
from .forms import Tree
from .parameters import Reading
from .store import Row, Store, Taken
from .switches import Switches, Value

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`name` is what events show as their user; `role` is full_access or read_only_access."""

    name: str
    role: str = "full_access"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a site is set up. `custom_fields` is by resource (customer, item, item_family, item_price)."""

    site: str = "acme-test"
    keys: Mapping[str, ApiKey] = field(default_factory=lambda: {"test_key": ApiKey("sync_key")})
    db: Path | str = ":memory:"
    switches: Mapping[str, Value] = field(default_factory=dict)
    custom_fields: Mapping[str, tuple[CustomField, ...]] = field(
        default_factory=lambda: {
            "customer": (CustomField("cf_erp_id"),),
            "item": (CustomField("cf_erp_id"),),
            "item_price": (CustomField("cf_erp_id"),),
        }
    )
    base_currency: str = "EUR"
    admin: str = "admin@acme.test"
    seed: int | None = None


@dataclass(slots=True)
class Call:
    """One request as its handler sees it. `business_entity` is the context of the call ("" is the whole
    site); `user` and `source` go into the events; `silent` switches their webhooks off."""

    params: Tree
    record_id: str = ""
    business_entity: str = ""
    user: str = ""
    source: str = "api"
    silent: bool = False


# An event to record: type, content, call, whether it is a secondary effect of the call.
Recorder = Callable[[str, Doc, Call, bool], None]


def _nothing() -> None:
    return None


def _nothing_recorded(_event_type: str, _content: Doc, _call: Call, _secondary: bool) -> None:
    return None


def _no_endpoints(_event_type: str) -> list[str]:
    return []


def _nothing_planned(_event_seq: int, _endpoints: list[str]) -> None:
    return None


class Site:
    """The state of one emulator. Nothing here awaits: a request sees no other one's half-done work."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.store = Store(settings.db)
        self.switches = Switches(settings.switches)
        stored: Mapping[str, list[Doc]] = self.store.setting("custom_fields") or {}
        self.custom: dict[str, dict[str, CustomField]] = {
            resource: {custom.name: custom for custom in fields}
            for resource, fields in settings.custom_fields.items()
        }
        for resource, fields in stored.items():
            self.custom.setdefault(resource, {}).update(
                {each["name"]: CustomField(**each) for each in fields}
            )
        self._last_version = self.store.last_version()
        # Ids are drawn: from a seed for a repeatable demonstration, else at random. A file that is opened
        # again # goes on with other ids than those that it holds.
        seed = f"{settings.seed}:{self._last_version}" if settings.seed is not None else secrets.token_hex(16)
        self.draw = random.Random(seed)  # noqa: S311 - ids, not secrets
        # The parts that know events and webhooks put themselves here (`app`), so that this module needn't
        # know them.
        self.record: Recorder = _nothing_recorded
        self.endpoints_for: Callable[[str], list[str]] = _no_endpoints
        self.plan_deliveries: Callable[[int, list[str]], None] = _nothing_planned
        self.forget_endpoints: Callable[[], None] = _nothing
        # Set by whoever runs the background loop: something may have fallen due earlier than it waits for.
        self.wake: Callable[[], None] = _nothing
        # When the next task is due (ms); 0 makes the first look find out.
        self.next_task_ms = 0

    def now_s(self) -> int:
        return self.clock.now_s()

    def next_version(self) -> int:
        """Milliseconds, and always more than the last one, however fast writes follow each other."""
        self._last_version = max(self.clock.now_ms(), self._last_version + 1)
        return self._last_version

    def new_id(self, prefix: str = "", length: int = 16) -> str:
        return prefix + "".join(self.draw.choices(LETTERS, k=length))

    def reading(self, resource: str) -> Reading:
        return Reading(self.switches, self.custom.get(resource, {}))

    def declare_custom_field(self, resource: str, custom: CustomField) -> None:
        """What a person does in the admin UI; it stays on file."""
        self.custom.setdefault(resource, {})[custom.name] = custom
        stored: dict[str, list[Doc]] = self.store.setting("custom_fields") or {}
        others = [each for each in stored.get(resource, []) if each["name"] != custom.name]
        declared = {
            "name": custom.name, "datatype": custom.datatype, "required": custom.required, "max": custom.max
        }  # fmt: skip
        stored[resource] = [*others, declared]
        self.store.set_setting("custom_fields", stored)

    def default_business_entity(self) -> str | None:
        """The first one made that is in use, which is where Chargebee puts customers without one."""
        rows = self.store.run("SELECT id FROM r_business_entity WHERE deleted = 0 ORDER BY seq LIMIT 1")
        return str(rows[0][0]) if rows else None

    def create(
        self, resource: str, doc: Doc, call: Call, *, event: str | None, private: Doc | None = None,
        created_at: int | None = None, secondary: bool = False,
    ) -> Row:  # fmt: skip
        """A new record with the given attributes; raises ApiError (400) if its id or name is taken."""
        version = self.next_version()
        second = version // 1000
        row = Row(
            doc["id"],
            doc,
            second if created_at is None else created_at,
            second,
            version,
            private=private or {},
        )
        self._stamp(row, version)
        visible_at = self._visible_at(resource)
        try:
            self.store[resource].insert(row, visible_at)
        except Taken as taken:
            raise duplicate(taken, row) from None
        if event:
            self.record(event, {resource: row.doc}, call, secondary)
        return row

    def change(
        self, resource: str, row: Row, call: Call, *, event: str | None, secondary: bool = False
    ) -> Row:
        """Writes a record whose `doc` (or `private`) was changed in place; raises ApiError (400) as
        `create`."""
        self._stamp(row, self.next_version())
        visible_at = self._visible_at(resource)
        table = self.store[resource]
        now_ms = self.clock.now_ms()
        try:
            lagging = self.store.lagging_until[table.name] > now_ms
            table.update(row, visible_at, lagging_at=now_ms if lagging else 0)
        except Taken as taken:
            raise duplicate(taken, row) from None
        if event:
            self.record(event, {resource: row.doc}, call, secondary)
        return row

    def remove(
        self, resource: str, row: Row, call: Call, *, event: str | None, secondary: bool = False
    ) -> Row:
        """Marks a record as deleted; it stays on file for `include_deleted` and the like."""
        row.deleted = True
        row.doc["deleted"] = True
        return self.change(resource, row, call, event=event, secondary=secondary)

    def refuse_delete(self, message: str) -> ApiError:
        """The refusal of a delete that the record's state forbids."""
        if self.switches.choice("refused_delete") == "400":
            return ApiError("invalid_request", message)
        return ApiError("invalid_state_for_request", message)

    def _stamp(self, row: Row, version: int) -> None:
        row.version = version
        row.upd = version // 1000
        row.doc["resource_version"] = version
        row.doc["updated_at"] = row.upd

    def _visible_at(self, resource: str) -> int:
        lag_ms = self.switches.number("list_lag_ms")
        if lag_ms <= 0:
            return 0
        share = self.draw.random() if self.switches.on("list_lag_varies") else 1.0
        visible_at = self.clock.now_ms() + int(lag_ms * share)
        table = self.store[resource].name
        self.store.lagging_until[table] = max(visible_at, self.store.lagging_until[table])
        return visible_at


def duplicate(taken: Taken, row: Row) -> ApiError:
    """400 duplicate_entry for the id or the name of a record."""
    value = row.id if taken.attribute == "id" else row.doc.get(taken.attribute, "")
    return ApiError("duplicate_entry", f"The value {value} is already present.", param=taken.attribute)
