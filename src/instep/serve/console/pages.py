"""How a page is made: the templates, what each of them is given, and who may see it.

Values of records are escaped by the templates' engine, always; no template may switch that off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from instep.core.model import SIDES
from instep.serve.access import Person, Role, session_of
from instep.serve.console import words
from instep.serve.console.statics import url_of
from instep.serve.sessions import Session, is_own_origin

MENU: Final[Mapping[str, str]] = {
    "/": "Overview",
    "/inbox": "Inbox",
    "/matches": "Matches",
    "/records": "Records",
    "/runs": "Plans and runs",
    "/dataflow": "Dataflow",
}
"""Path -> what the menu calls it."""

THEMES: Final = ("light", "dark")
THEME_COOKIE: Final = "instep_theme"


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at a page: what a page's function gets, and hands to `page`."""

    request: Request
    session: Session[Person]

    @property
    def person(self) -> Person:
        return self.session.person


@cache
def environment() -> Environment:
    found = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(words.FILTERS)
    found.globals.update(static=url_of, menu=MENU)
    return found


def warm() -> None:
    """Read every template beforehand, so that the first visitor does not wait for that."""
    for name in environment().list_templates():
        environment().get_template(name)


def page(
    request: Request, session: Session[Person] | None, template: str, *, status: int = 200, **given: Any
) -> HTMLResponse:
    """A template as a page, for somebody with a session, or without one."""
    app, theme = request.app.state, request.cookies.get(THEME_COOKIE, "")
    said: list[str] = []
    if session is not None:
        said, session.said = session.said, []
    text = (
        environment()
        .get_template(template)
        .render(
            path=request.url.path,
            person=session.person if session is not None else None,
            csrf=session.csrf if session is not None else "",
            theme=theme if theme in THEMES else "",
            now=app.live.now,
            systems={side.value: app.site.systems[side] for side in SIDES},
            said=said,
            **given,
        )
    )
    return HTMLResponse(text, status)


def show(visit: Visit, template: str, *, status: int = 200, **given: Any) -> HTMLResponse:
    """A template as a page for who visits."""
    return page(visit.request, visit.session, template, status=status, **given)


def go_to(path: str, visit: Visit | None = None, *said: str) -> RedirectResponse:
    """After a form: the page to look at next, which tells what was done."""
    if visit is not None:
        visit.session.said += said
    return RedirectResponse(path, 303)


def _seen_by(role: Role) -> Callable[[Request], Visit]:
    def check(request: Request) -> Visit:
        session = session_of(request)
        if session is None:
            raise HTTPException(401, "log in first")
        if not session.person.may(role):
            raise HTTPException(
                403, f"that is for the role {role}; {session.person.name} has {session.person.role}"
            )
        return Visit(request, session)

    return check


def _done_by(role: Role) -> Callable[..., Visit]:
    seen_by = _seen_by(role)

    def check(request: Request, csrf: Annotated[str, Form(max_length=100)] = "") -> Visit:
        visit = seen_by(request)
        if not is_own_origin(request) or not visit.session.has_csrf(csrf):
            raise HTTPException(
                403, "that form is not of this session: go back, load the page anew, try again"
            )
        return visit

    return check


Viewing: TypeAlias = Annotated[Visit, Depends(_seen_by("viewer"))]
"""Whoever is logged in, at a page."""

Reading: TypeAlias = Annotated[Visit, Depends(_done_by("viewer"))]
Operating: TypeAlias = Annotated[Visit, Depends(_done_by("operator"))]
Administering: TypeAlias = Annotated[Visit, Depends(_done_by("admin"))]
"""Who sends a form, with the form's token checked: `<input type="hidden" name="csrf" value="{{ csrf }}">`."""
