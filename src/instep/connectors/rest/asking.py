"""Asking for rows, page by page, as a call of a description says: of a listing, a search, or a part of a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from instep.connectors.http import Answer, HttpClient
from instep.connectors.rest.description_calls import Errors
from instep.connectors.rest.description_list import AskCall
from instep.connectors.rest.outcomes import READ, refusal, says_no
from instep.connectors.rest.paging import asks_alone, next_token, page_query, page_words
from instep.connectors.rest.pointers import at
from instep.connectors.rest.words import Words, filled_body, filled_path, filled_texts
from instep.core.values import Absent, Json
from instep.errors import BadAnswer

NO_ROWS = (204, 304)
"""Statuses that say that there is nothing (RFC 9110): no content, and not modified since the moment asked from."""


class Asker:
    """One call that answers with rows. `words`: those of its path; `what`: whose rows they are, for messages;
    `operation`: READ where rows that are not there are Gone, LIST where that is a mistake of the description."""

    def __init__(
        self,
        client: HttpClient,
        call: AskCall,
        path: str,
        what: str,
        errors: Errors,
        *,
        words: Words,
        operation: str = READ,
    ) -> None:
        self.client, self.call, self._operation = client, call, operation
        self._path, self._what, self._errors, self._words = call.path or path, what, errors, words

    async def page(
        self, token: str, *, words: Words | None = None, extra: Mapping[str, str] | None = None
    ) -> tuple[Answer, str]:
        """One page and its address; `extra` parameters stand in place of the call's own of the same name.
        Raises BadAnswer for a refusal, Gone, Stop, RetryLater."""
        call, paging = self.call, self.call.paging
        known = {**self._words, **page_words(paging, token), **(words or {})}
        path = filled_path(self._path, known)
        if path is None:
            raise BadAnswer(f"{self._what} can't be asked for", why=f"a word of {self._path} has no value")
        query: dict[str, str] = {}
        if not asks_alone(paging, token):
            query = filled_texts(call.params, known)
            query |= {**(extra or {}), **page_query(paging, token, call.words())}
        elif "://" in token:
            path = token
        else:
            query = page_query(paging, token)
        body = filled_body(call.body, known)
        answer = await self.client.request(
            call.method or ("GET" if body is None else "POST"),
            path,
            query=list(query.items()),
            body=body,
            headers=filled_texts(call.headers, known),
            route=self._path,
            write=False,
        )
        if answer.status not in (*NO_ROWS, *call.none) and says_no(self._errors, answer):
            raise refusal(self.client.system, self._what, self._operation, answer, self._errors)
        return answer, path if "://" in path else f"{self.client.base_url}/{path.lstrip('/')}"

    def rows(self, answer: Answer) -> list[Json]:
        """The rows of a page just as they came. Raises BadAnswer if there is no list where one is described."""
        call = self.call
        if answer.status in (*NO_ROWS, *call.none):
            return []
        rows = at(answer.value, call.items)
        if call.optional and answer.parsed and (rows is None or isinstance(rows, Absent)):
            return []
        if call.shape == "values" and isinstance(rows, dict):
            rows = list(rows.values())
        elif call.shape == "one_or_many" and isinstance(rows, dict):
            rows = [rows]
        if not isinstance(rows, list):
            why = f"there is no list at {call.items!r}" if answer.parsed else "the answer is empty"
            raise BadAnswer(f"a page of {self._what} has no rows", why=why)
        if not call.item:
            return rows
        found = [at(row, call.item) for row in rows]
        return [None if isinstance(row, Absent) else row for row in found]

    def next(self, token: str, answer: Answer, rows: Sequence[Json], rows_so_far: int, url: str) -> str:
        """The token of the page after this one, "" if this was the last."""
        following = next_token(self.call.paging, token, answer, rows, rows_so_far, url)
        # A link often repeats what was asked with; a token is kept in the store, where no secret belongs.
        return self.client.without_secrets(following) if "://" in following else following

    async def all_rows(self) -> list[Json]:
        """Every row, of a list that is part of a record. Raises as `page`, and BadAnswer for one that has no end."""
        rows: list[Json] = []
        token = ""
        asked = set[str]()
        while token not in asked and len(asked) < self.call.max_pages:
            asked.add(token)
            answer, url = await self.page(token)
            page = self.rows(answer)
            rows += page
            token = self.next(token, answer, page, len(rows), url)
            if not token:
                return rows
        why = f"it goes on after {len(asked)} pages" if token not in asked else "its pages run in a circle"
        raise BadAnswer(f"the listing of {self._what} does not end", why=why)
