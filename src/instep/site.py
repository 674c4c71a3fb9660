"""One installation: reads the configuration and wires the concrete parts together. Nothing else does.

A kind of system is a `Kind` in `KINDS`, or one that another package offers under the entry point group
"instep.connectors". The clock and the randomness of the engine are given here.
"""

from __future__ import annotations

import asyncio
import os
import secrets as secrets_module
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Final

import msgspec

from instep.connectors.chargebee import BusinessEntity, ChargebeeConnector, PriceTerm, Settings
from instep.connectors.contract import Connector
from instep.connectors.exchange import Exchange
from instep.connectors.rest import Description, RestConnector
from instep.connectors.tryton import Settings as TrytonSettings
from instep.connectors.tryton import TrytonConnector
from instep.connectors.webhooks import Password
from instep.core.dataflow import Dataflow
from instep.core.model import SIDES, Both, Side
from instep.core.values import digest
from instep.dataflow import yaml
from instep.dataflow.build import build, load_function
from instep.dataflow.check import check
from instep.dataflow.files import (
    SiteFile,
    load_business_entities,
    load_dataflow_file,
    read_text,
    validate,
)
from instep.dataflow.files import load_site as load_site_file
from instep.dataflow.secrets import keeper, resolve, resolver
from instep.dataflow.systems import ChargebeeSystem, RestSystem, Secret, SqlSystem, System, TrytonSystem
from instep.errors import ConfigurationError, Problem
from instep.processes import SERVING, is_dead, this_process
from instep.runner.audit import Audit
from instep.runner.engine import Engine
from instep.runner.engine import Settings as RunSettings
from instep.runner.lease import leased
from instep.runner.live import LiveRunner
from instep.runner.polling import Rhythm
from instep.runner.run import Progress, Runner
from instep.runner.spans import Spans, unwatched
from instep.store.sqlite import SqliteStore, open_store

CONFIGURATION: Final = "instep.yaml"
ENTRY_POINTS: Final = "instep.connectors"


@dataclass(frozen=True)
class Wiring:
    """What a kind of connector is made from: the file, which of its systems, and how to get secrets.

    `secret` raises ConfigurationError with the place in the file; `secret_of_text` does the same for a
    reference as a text ("env:NAME"), as descriptions of an API have them. `log` is to get each request.
    """

    file: SiteFile
    side: Side
    system: System
    environ: Mapping[str, str]
    offline: bool
    read: set[str]
    log: Callable[[Exchange], None] | None = None

    def secret(self, reference: Secret, name: str) -> str:
        used_for = f"systems.{self.side}.{name}"
        if self.offline:
            return "offline"
        try:
            found = resolve(reference, directory=self.file.directory, environ=self.environ, used_for=used_for)
        except ConfigurationError as error:
            place = self.file.document.problem(("systems", self.side.value, *name.split(".")), "")
            raise ConfigurationError(
                [replace(p, file=place.file, line=place.line, column=place.column) for p in error.problems]
            ) from None
        self.read.add(found)
        return found

    def secret_of_text(self, reference: str) -> str:
        if self.offline:
            return "offline"
        found = resolver(directory=self.file.directory, environ=self.environ)(reference)
        self.read.add(found)
        return found


@dataclass(frozen=True)
class Kind:
    """A kind of system: the model of what its part of `instep.yaml` says, and how to make a connector of it."""

    model: type[System]
    connect: Callable[[Wiring], Connector]


def _chargebee(wiring: Wiring) -> Connector:
    system = wiring.system
    if not isinstance(system, ChargebeeSystem):
        raise TypeError(type(system).__name__)
    hooks = system.webhooks
    return ChargebeeConnector(
        system.site,
        wiring.secret(system.api_key, "api_key"),
        Settings(
            list_lag_s=system.list_lag_s,
            prices=tuple(PriceTerm(p.currency, p.period, p.period_unit or "") for p in system.prices),
            item_family=system.item_family,
            item_type=system.item_type,
            custom_fields=system.custom_fields,
            business_entities=tuple(
                BusinessEntity(entity.id, entity.name)
                for entity in load_business_entities(wiring.file, system)
            ),
        ),
        name=system.name,
        base_url=system.base_url,
        requests_per_minute=system.requests_per_minute,
        reserve=system.reserve,
        proof=Password(hooks.user, wiring.secret(hooks.password, "webhooks.password")) if hooks else None,
        log=wiring.log,
    )


def _rest(wiring: Wiring) -> Connector:
    system = wiring.system
    if not isinstance(system, RestSystem):
        raise TypeError(type(system).__name__)
    path = wiring.file.path(system.describe)
    document = yaml.read(read_text(path, what="description of the API"), str(path))
    description = validate(document, Description)
    changes: dict[str, Any] = {}
    if system.base_url is not None:
        changes["base_url"] = system.base_url
    if system.requests_per_minute is not None:
        changes["requests_per_minute"] = system.requests_per_minute
    return RestConnector(
        description.model_copy(update=changes),
        wiring.secret_of_text,
        name=system.name,
        keep=keeper(directory=wiring.file.directory),
        log=wiring.log,
    )


def _sql(wiring: Wiring) -> Connector:
    system = wiring.system
    if not isinstance(system, SqlSystem):
        raise TypeError(type(system).__name__)
    try:
        from instep.connectors.sql import Description as Database
        from instep.connectors.sql import SqlConnector
    except ImportError as error:
        problem = wiring.file.document.problem(
            ("systems", wiring.side.value, "kind"),
            "a system of kind sql needs more than is installed",
            why=f"{error.name} is not there",
            fix="pip install 'instep[sql]'",
        )
        raise ConfigurationError([problem]) from None
    path = wiring.file.path(system.describe)
    document = yaml.read(read_text(path, what="description of the database"), str(path))
    description = validate(document, Database)
    if system.url is not None:
        description = description.model_copy(update={"url": system.url})
    directory = wiring.file.directory
    return SqlConnector(description, wiring.secret_of_text, name=system.name, directory=directory)


def _tryton(wiring: Wiring) -> Connector:
    system = wiring.system
    if not isinstance(system, TrytonSystem):
        raise TypeError(type(system).__name__)
    settings = system.model_dump(exclude={"kind", "name", "password"})
    password = wiring.secret(system.password, "password")
    return TrytonConnector(TrytonSettings(**settings), password, name=system.name, log=wiring.log)


KINDS: Final[Mapping[str, Kind]] = {
    "chargebee": Kind(ChargebeeSystem, _chargebee),
    "rest": Kind(RestSystem, _rest),
    "sql": Kind(SqlSystem, _sql),
    "tryton": Kind(TrytonSystem, _tryton),
}


def kinds() -> dict[str, Kind]:
    """Every kind of system by name: the shipped ones, and those that installed packages offer."""
    offered = {point.name: point.load() for point in entry_points(group=ENTRY_POINTS)}
    return {**{name: kind for name, kind in offered.items() if isinstance(kind, Kind)}, **KINDS}


@dataclass
class Site:
    """A configured installation. Made by `load_site`; `close` lets go of connections and the store.

    `secrets` are those that were read, so that a message can be kept free of them. The store is opened when it
    is first asked for. `spans` is told what an engine is at.
    """

    file: SiteFile
    dataflow: Dataflow
    document: yaml.Document
    connectors: Both[Connector]
    secrets: set[str]
    random: Random = field(default_factory=SystemRandom)
    spans: Spans = unwatched
    wirings: Mapping[Side, Wiring] = field(default_factory=dict)
    _open: SqliteStore | None = None
    _replaced: list[Connector] = field(default_factory=list)

    @property
    def systems(self) -> Both[str]:
        """What people call the two systems."""
        return self.connectors.map(lambda connector: connector.name)

    @property
    def store_path(self) -> Path:
        return self.file.path(self.file.settings.store)

    @property
    def store(self) -> SqliteStore:
        if self._open is None:
            self._open = open_store(self.store_path)
        return self._open

    def existing_store(self) -> SqliteStore | None:
        """The open store, None if there is none yet: to look at what is known without making one."""
        return self.store if self._open is not None or self.store_path.exists() else None

    @cached_property
    def digest(self) -> str:
        """Of everything that a decision depends on but the records: a plan of another digest is another plan."""
        entities = self.connectors.map(lambda c: msgspec.to_builtins(dict(c.entities())))
        return digest([self.document.value, list(entities), *self.dataflow.tables])

    def problems(self) -> list[Problem]:
        """What the dataflow asks of the two systems that they can't do, told without asking them."""
        return check(self.dataflow, self.connectors.map(lambda c: c.entities()), self.systems)

    def require_sound(self) -> None:
        """Raises ConfigurationError if the dataflow can't work with these systems."""
        errors = [problem for problem in self.problems() if problem.severity == "error"]
        if errors:
            raise ConfigurationError(errors)

    def engine(self) -> Engine:
        days = self.file.settings.keep_history_days
        settings = RunSettings(keep_history_ms=None if days is None else days * 86_400_000)
        return Engine(
            self.dataflow,
            self.connectors,
            self.store,
            now_ms,
            self.random,
            settings=settings,
            spans=self.spans,
        )

    def runner(self, on_progress: Callable[[Progress], None] | None = None) -> Runner:
        """A runner of this process."""
        return Runner(self.engine(), _holder(), on_progress, is_dead)

    def live_runner(
        self,
        rhythm: Rhythm | None = None,
        *,
        quiet: Callable[[int], bool],
        on_progress: Callable[[Progress], None],
        on_change: Callable[[], None],
    ) -> LiveRunner:
        """What keeps this site in step for as long as this process lives, by the settings if no rhythm is given."""
        settings = self.file.settings
        if rhythm is None:
            rhythm = Rhythm(
                slow_ms=settings.serve.poll_s * 1000,
                busy_ms=settings.serve.busy_poll_s * 1000,
                full_ms=settings.schedule.full_every_s * 1000,
            )
        engine = self.engine()

        async def renew(side: Side) -> None:
            await self.renew(side)
            engine.connectors = self.connectors

        return LiveRunner(
            engine,
            f"{SERVING}{_holder()}",
            rhythm=rhythm,
            is_dead=is_dead,
            quiet=quiet,
            renew=renew,
            on_progress=on_progress,
            on_change=on_change,
        )

    async def renew(self, side: Side) -> None:
        """Read the secrets of a system again, and connect to it anew if they are others by now."""
        wiring, read = self.wirings[side], set[str]()
        try:
            found = kinds()[wiring.system.kind].connect(replace(wiring, read=read))
        except ConfigurationError:
            return  # what is there now goes on to be told
        if read <= self.secrets:
            await found.close()
            return
        self.secrets |= read
        self._replaced.append(self.connectors[side])
        self.connectors = self.connectors.replace(side, found)

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[None]:
        """No run of this site goes on for as long as the block lasts, if it has a store. Raises Held."""
        if self.existing_store() is None:
            yield
            return
        async with leased(self.engine(), _holder(), is_dead):
            yield

    def audit(
        self,
        pairs: tuple[str, ...],
        *,
        examples: int,
        repairs: bool,
        on_progress: Callable[[Progress], None],
    ) -> Audit:
        """An audit by this process; of these pairs only, if any."""
        return Audit(
            self.engine(),
            _holder(),
            pairs=pairs,
            examples=examples,
            repairs=repairs,
            on_progress=on_progress,
            is_dead=is_dead,
        )

    async def close(self) -> None:
        try:
            await asyncio.gather(*(connector.close() for connector in (*self.connectors, *self._replaced)))
        finally:
            if self._open is not None:
                await self._open.close()


def _holder() -> str:
    """The name in the lease, which tells a person what process has it."""
    return f"{this_process()} ({secrets_module.token_hex(3)})"


def load_site(
    directory: Path,
    *,
    offline: bool = False,
    environ: Mapping[str, str] | None = None,
    log: Callable[[Exchange], None] | None = None,
) -> Site:
    """Read every file of a site. Raises ConfigurationError with the problems of all of them at once.

    `offline`: no secret is read, and the connectors are only good for what they tell without being asked. `log` gets
    an Exchange per HTTP request.
    """
    environ = os.environ if environ is None else environ
    known = kinds()
    problems: list[Problem] = []
    try:
        file = load_site_file(directory / CONFIGURATION, {name: kind.model for name, kind in known.items()})
    except ConfigurationError as error:
        raise _with_usual_dataflow(directory, error) from None
    document, dataflow = None, None
    try:
        document, model = load_dataflow_file(file.path(file.settings.dataflow))
        dataflow = build(document, model, load_function)
    except ConfigurationError as error:
        problems += error.problems
    read: set[str] = set()
    connectors: dict[Side, Connector] = {}
    wirings: dict[Side, Wiring] = {}
    for side in SIDES:
        system = file.systems[side]
        try:
            wirings[side] = Wiring(file, side, system, environ, offline, read, log)
            connectors[side] = known[system.kind].connect(wirings[side])
        except ConfigurationError as error:
            problems += error.problems
    if problems or document is None or dataflow is None:
        raise ConfigurationError(problems)
    both = Both.of(lambda side: connectors[side])
    return Site(file, dataflow, document, both, read, wirings=wirings)


def _with_usual_dataflow(directory: Path, error: ConfigurationError) -> ConfigurationError:
    """The problems of `instep.yaml` with those of the dataflow, if it is where it usually is."""
    problems = list(error.problems)
    path = directory / "dataflow.yaml"
    if os.access(directory / CONFIGURATION, os.R_OK) and os.access(path, os.R_OK):
        try:
            build(*load_dataflow_file(path), load_function)
        except ConfigurationError as also:
            problems += also.problems
    return ConfigurationError(problems)


@asynccontextmanager
async def opened(
    directory: Path, *, offline: bool = False, log: Callable[[Exchange], None] | None = None
) -> AsyncIterator[Site]:
    """A site that is closed at the end of the block. Raises as `load_site`."""
    site = load_site(directory, offline=offline, log=log)
    try:
        yield site
    finally:
        await site.close()


def now_ms() -> int:
    """UTC milliseconds of this machine's clock."""
    return time.time_ns() // 1_000_000


__all__ = ["CONFIGURATION", "KINDS", "Kind", "Site", "Wiring", "load_site", "now_ms", "opened"]
