"""The web application: its parts put together over one site and its loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from instep.serve import hooks
from instep.serve.access import Access, Person
from instep.serve.api import API
from instep.serve.api import router as api
from instep.serve.attempts import BEGUN_PER_ADDRESS, Attempts
from instep.serve.console import router as console
from instep.serve.console.pages import warm
from instep.serve.failures import handle
from instep.serve.guard import Guard
from instep.serve.health import router as health
from instep.serve.live import Live
from instep.serve.metrics import Metrics
from instep.serve.metrics import router as metrics_page
from instep.serve.oidc import provider_of
from instep.serve.plans import Plans
from instep.serve.sessions import Sessions
from instep.site import Site


def build_app(site: Site, live: Live, access: Access, metrics: Metrics | None = None) -> FastAPI:
    """All that is served; what its parts share is in `app.state`."""
    plans = Plans(site, live)

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        await plans.close()
        if app.state.oidc is not None:
            await app.state.oidc.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url="/api/openapi.json", lifespan=closing, **API)
    app.state.plans, app.state.oidc = plans, provider_of(site.file)
    app.state.site, app.state.live, app.state.access = site, live, access
    app.state.sessions = Sessions[Person](str(site.file.directory.resolve()))
    app.state.attempts = Attempts()
    app.state.begun = Attempts(most=BEGUN_PER_ADDRESS, why="too many logins were begun and not finished")
    app.state.heard = hooks.Heard()
    app.state.metrics = metrics or Metrics()
    app.state.metrics.watch(site, live, app.state.heard)
    app.router.routes.extend(hooks.routes(site, app.state.heard, live.poke))
    app.include_router(health)
    app.include_router(metrics_page)
    app.include_router(api)
    app.include_router(console)
    handle(app)
    warm()
    app.add_middleware(Guard)
    return app
