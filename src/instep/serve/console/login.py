"""Logging in with a token, logging out, and light or dark."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from instep.errors import UsageError
from instep.serve.access import Access, Person
from instep.serve.attempts import Attempts, address_of
from instep.serve.console.pages import THEME_COOKIE, THEMES, Reading, go_to, page
from instep.serve.oidc import Provider
from instep.serve.sessions import Sessions, is_own_origin, own_url, set_cookie

router = APIRouter()

FORM_COOKIE: Final = "instep_login"
_KEY: Final = secrets.token_bytes(32)
YEAR_S: Final = 365 * 86_400

Next = Annotated[str, Form(max_length=2000)]


@router.get("/login")
async def form(request: Request, next: str = "/") -> Response:
    """The form; its token belongs to a cookie of this browser, since there is no session yet."""
    return _form(request, local(next))


def _form(request: Request, next: str, *, wrong: bool = False, status: int = 200) -> Response:
    mark = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(16)
    site = request.app.state.site
    answer = page(
        request,
        None,
        "login.html",
        status=status,
        next=next,
        mark=_marked(mark),
        wrong=wrong,
        oidc=site.file.settings.serve.oidc is not None,
        own_file=not site.file.settings.serve.tokens and site.file.settings.serve.oidc is None,
        by_token=bool(request.app.state.access.known),
    )
    set_cookie(request, answer, FORM_COOKIE, mark)
    return answer


def _marked(mark: str) -> str:
    return hmac.new(_KEY, mark.encode(errors="replace"), sha256).hexdigest()


@router.post("/login")
async def log_in(
    request: Request,
    token: Annotated[str, Form(max_length=1000)],
    mark: Annotated[str, Form(max_length=100)],
    next: Next = "/",
) -> Response:
    attempts: Attempts = request.app.state.attempts
    access: Access = request.app.state.access
    address = address_of(request)
    attempts.require(address)
    expected = _marked(request.cookies.get(FORM_COOKIE, ""))
    if not is_own_origin(request) or not hmac.compare_digest(
        mark.encode(errors="replace"), expected.encode()
    ):
        raise HTTPException(403, "that form is not of this browser: load the page anew, and try again")
    person = access.person(token.strip())
    if person is None:
        attempts.failed(address)
        return _form(request, local(next), wrong=True, status=401)
    return begin(request, person, local(next))


def begin(request: Request, person: Person, next: str) -> Response:
    """A session of that person, and the page that they were about to see."""
    sessions: Sessions[Person] = request.app.state.sessions
    sessions.end(request.cookies.get(sessions.cookie, ""))
    id, _ = sessions.begin(person)
    answer = go_to(next)
    set_cookie(request, answer, sessions.cookie, id)
    answer.delete_cookie(FORM_COOKIE, path="/")
    return answer


def local(path: str) -> str:
    """A path of ours to go on to; the overview for anything that could lead elsewhere."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain else "/"


@router.get("/login/elsewhere")
async def elsewhere(request: Request, next: str = "/") -> Response:
    """To the provider, which sends the person back to `/login/back`."""
    provider = _provider(request)
    begun: Attempts = request.app.state.begun
    for limit in (request.app.state.attempts, begun):
        limit.require(address_of(request))
    begun.failed(address_of(request))  # unless it is finished
    mark = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(16)
    answer = RedirectResponse(await provider.begin(mark, local(next), f"{own_url(request)}/login/back"), 303)
    set_cookie(request, answer, FORM_COOKIE, mark)
    return answer


@router.get("/login/back")
async def back(
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    iss: Annotated[str, Query(max_length=500)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """From the provider: a session, if all of it is right."""
    provider = _provider(request)
    attempts: Attempts = request.app.state.attempts
    attempts.require(address_of(request))
    if error or not code:
        raise HTTPException(403, "the provider did not let you in")
    try:
        person, next = await provider.finish(state, code, request.cookies.get(FORM_COOKIE, ""), iss)
    except UsageError:
        attempts.failed(address_of(request))
        raise
    request.app.state.begun.forgive(address_of(request))
    return begin(request, person, next)


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.oidc
    if provider is None:
        raise HTTPException(404, "there is no login elsewhere")
    return provider


@router.post("/logout")
async def log_out(visit: Reading) -> Response:
    sessions: Sessions[Person] = visit.request.app.state.sessions
    sessions.end(visit.request.cookies.get(sessions.cookie, ""))
    answer = go_to("/login")
    answer.delete_cookie(sessions.cookie, path="/")
    return answer


@router.post("/theme")
async def theme(
    request: Request, theme: Annotated[str, Form(max_length=10)] = "", back: Next = "/"
) -> RedirectResponse:
    """Light, dark, or as the system says; kept in the browser."""
    if not is_own_origin(request):
        raise HTTPException(403, "that form is not of this console")
    answer = go_to(local(back))
    if theme in THEMES:
        set_cookie(request, answer, THEME_COOKIE, theme, most_s=YEAR_S)
    else:
        answer.delete_cookie(THEME_COOKIE, path="/")
    return answer
