"""Waiting for a job: a write that the system has noted down and does later.

The system has it, so whatever is not known of it from here on is InDoubt.
"""

from __future__ import annotations

import re
import time
from urllib.parse import urljoin

from instep.connectors.clock import retry_after_s
from instep.connectors.http import Answer, HttpClient
from instep.connectors.pace import Monotonic, Sleep
from instep.connectors.rest.description_calls import Errors, JobCall
from instep.connectors.rest.outcomes import refusal
from instep.connectors.rest.pointers import at, text_at
from instep.connectors.rest.words import filled_path
from instep.errors import BadAnswer, InDoubt, OutcomeError, RetryLater, Stop

_ALONE = re.compile(r"\{[^{}]+\}")


class Jobs:
    """Asks one system for its jobs."""

    def __init__(self, client: HttpClient, *, sleep: Sleep, monotonic: Monotonic = time.monotonic) -> None:
        self._client, self._sleep, self._monotonic = client, sleep, monotonic

    async def ended(self, job: JobCall, answer: Answer, what: str, operation: str, errors: Errors) -> Answer:
        """The answer about the job that `answer` began, once it is done. Raises what the job says of a failure, and
        InDoubt if it says nothing, or too late."""
        address = _address(self._client, job, answer)
        if not address:
            raise _lost(self._client.system, what, "the answer does not say where to ask for it")
        began, slept, wait_s = self._monotonic(), 0.0, job.every_s
        while True:
            if max(slept, self._monotonic() - began) + wait_s > job.within_s:
                raise _lost(self._client.system, what, f"it was not done within {job.within_s:g} seconds")
            await self._sleep(wait_s)
            slept += wait_s
            told = await self._asked(address, what)
            after_s = retry_after_s(told.headers.get("retry-after", ""), self._client.now_ms())
            wait_s = max(job.every_s, after_s or 0.0)
            state = at(told.value, job.state) if job.state else None
            if (job.state and state in job.done) or (not job.state and told.status != 202):
                return told
            if job.state and state in job.failed:
                raise refusal(self._client.system, what, operation, told, job.errors or errors)

    async def _asked(self, address: str, what: str) -> Answer:
        try:
            told = await self._client.request("GET", address, route="a job's state")
        except (BadAnswer, RetryLater, Stop) as error:
            raise _lost(self._client.system, what, error.why or error.what) from None
        if told.status >= 400:
            raise _lost(self._client.system, what, f"asked for its job, it answered {told.status}")
        return told


def _address(client: HttpClient, job: JobCall, answer: Answer) -> str:
    """Where to ask, "" if the answer does not say."""
    own = answer.value if isinstance(answer.value, dict) else {}
    if not job.path or _ALONE.fullmatch(job.path):
        told = text_at(own, job.path[1:-1]) if job.path else answer.headers.get("location", "")
        return urljoin(client.base_url + "/", told) if told else ""
    return filled_path(job.path, own) or ""


def _lost(system: str, what: str, why: str) -> OutcomeError:
    return InDoubt(f"{system} did not say what became of {what}", why=why)
