"""The emulator as an application and as a command: `python -m instep.sandbox chargebee --db FILE ...`.

`create_app` puts the parts together; nothing else knows them all.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from ..kit import Kit
from . import console, customers, events
from .api import Api
from .dispatcher import Dispatcher
from .fields import CustomField
from .site import ApiKey, Settings, Site
from .switches import BY_NAME, SwitchError, Value, read_value
from .tasks import Work
from .webhooks import Endpoints

logger = logging.getLogger(__name__)

REQUEST_ID = "chargebee-request-id"
"""Where an answer tells the id of its request, as the official Java SDK reads it."""

KINDS: dict[str, Work] = {"delete_customer": customers.deleted, "clear_customer": customers.cleared}


def create_app(settings: Settings, kit: Kit | None = None) -> Starlette:
    """The emulator, console included; its `state.site` is the site. Faults and counters: wrap it with the
    kit."""
    kit = kit or Kit(REQUEST_ID)
    site = Site(settings, kit.clock)
    dispatcher = Dispatcher(site, KINDS)
    endpoints = Endpoints(site)
    site.wake = dispatcher.wake
    site.endpoints_for = endpoints.wanting
    site.forget_endpoints = endpoints.forget
    site.plan_deliveries = dispatcher.plan
    site.record = lambda event_type, content, call, secondary: events.record(
        site, event_type, content, call, secondary
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(dispatcher.run())
        task.add_done_callback(_tell)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            site.store.close()

    app = Starlette(
        routes=[*kit.routes(), *console.routes(site, KINDS), Mount("/", Api(site, KINDS))], lifespan=lifespan
    )
    app.state.site = site
    return app


def _tell(task: asyncio.Task[None]) -> None:
    """A background loop that ended by itself has to be heard of: nothing falls due any more."""
    if not task.cancelled() and (error := task.exception()):
        logger.error("the background loop of the emulator ended", exc_info=error)


def build_app(settings: Settings) -> ASGIApp:
    """The emulator with the kit's counters and faults around it, as it is served."""
    kit = Kit(REQUEST_ID)
    return kit.wrap(create_app(settings, kit))


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", default="acme-test", help="the site's name")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="KEY[:NAME[:ROLE]]",
        help="an API key; NAME is what events show, ROLE full_access or read_only_access (test_key:sync_key)",
    )
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE", help="see the README")
    parser.add_argument(
        "--custom-field",
        action="append",
        default=[],
        metavar="RESOURCE:NAME[:DATATYPE]",
        help="declare a cf_ field",
    )
    parser.add_argument("--currency", default="EUR", help="the site's base currency")
    parser.add_argument("--seed", type=int, help="draw ids from this seed, for a repeatable demonstration")


def build(options: argparse.Namespace) -> ASGIApp:
    """The application for parsed options; ends the process with a message if one of them is wrong."""
    try:
        return build_app(settings_from(options))
    except SwitchError as error:
        raise SystemExit(
            f"{error}\n  fix: see GET /_console/switches, or the README of the emulator"
        ) from None


def settings_from(options: argparse.Namespace) -> Settings:
    """Raises SwitchError."""
    switches: dict[str, Value] = {}
    for given in options.switch:
        name, _, value = str(given).partition("=")
        if name not in BY_NAME:
            raise SwitchError(f"there is no switch {name!r}")
        switches[name] = read_value(BY_NAME[name], value)
    keys: dict[str, ApiKey] = {}
    for given in options.key or ["test_key"]:
        key, name, role = [*str(given).split(":"), "", ""][:3]
        keys[key] = ApiKey(
            name or ("sync_key" if not keys else f"key_{len(keys) + 1}"), role or "full_access"
        )
    custom = {resource: list(fields) for resource, fields in Settings().custom_fields.items()}
    for given in options.custom_field:
        resource, name, datatype = [*str(given).split(":"), "", ""][:3]
        custom.setdefault(resource, []).append(CustomField(name, datatype or "string"))
    return Settings(
        site=options.site,
        keys=keys,
        db=options.db,
        switches=switches,
        custom_fields={resource: tuple(fields) for resource, fields in custom.items()},
        base_currency=options.currency,
        seed=options.seed,
    )
