"""The web application: its parts put together over one site and its loop."""

from __future__ import annotations

from fastapi import FastAPI

from instep.serve.access import Access
from instep.serve.health import router as health
from instep.serve.live import Live
from instep.site import Site


def build_app(site: Site, live: Live, access: Access) -> FastAPI:
    """All that is served. `site`, `live` and `access` are found by its parts in `app.state`."""
    app = FastAPI(title="Instep", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.state.site, app.state.live, app.state.access = site, live, access
    app.include_router(health)
    return app
