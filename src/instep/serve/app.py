"""The web application: its parts put together over one site and its loop."""

from __future__ import annotations

from fastapi import FastAPI

from instep.serve import hooks
from instep.serve.access import Access, Person
from instep.serve.api import API
from instep.serve.api import router as api
from instep.serve.attempts import Attempts
from instep.serve.console import router as console
from instep.serve.failures import handle
from instep.serve.guard import Guard
from instep.serve.health import router as health
from instep.serve.live import Live
from instep.serve.sessions import Sessions
from instep.site import Site


def build_app(site: Site, live: Live, access: Access) -> FastAPI:
    """All that is served. Its parts find what they share in `app.state`: the site and its loop, who may do what, and
    what was heard by webhooks."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url="/api/openapi.json", **API)
    app.state.site, app.state.live, app.state.access = site, live, access
    app.state.sessions = Sessions[Person](str(site.file.directory.resolve()))
    app.state.attempts = Attempts()
    app.state.heard = hooks.Heard()
    app.include_router(health)
    app.include_router(api)
    app.include_router(console)
    app.router.routes.extend(hooks.routes(site, app.state.heard, live.poke))
    handle(app)
    app.add_middleware(Guard)
    return app
