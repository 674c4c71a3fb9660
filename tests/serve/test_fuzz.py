"""The API against its own description: requests made from it, right and wrong, and each answer held against it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
    use_after_free,
)

from tests.cli.company import Company
from tests.serve.served import TOKENS, Served, fill, served

EXAMPLES = 6
"""Requests per call and kind; the same ones each time."""
NOT_MEANT = [unsupported_method, use_after_free, negative_data_rejection, positive_data_acceptance]
"""What is right by its shape may be about a record that there is not, and the other way about."""


@pytest.fixture(scope="module")
def console(office: Company) -> Iterator[Served]:
    fill(office)
    with served(office.directory) as found:
        yield found


def test_every_answer_is_as_described_and_none_is_a_fault(console: Served) -> None:
    schema = schemathesis.openapi.from_url(f"{console.url}/api/openapi.json").include(path_regex="^/api/")
    headers = {"Authorization": f"Bearer {TOKENS['admin']}"}
    calls, wrong = 0, []
    for found in schema.get_all_operations():
        operation = found.ok()
        cases = st.one_of(
            operation.as_strategy(),
            operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
        )

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def asked(case: schemathesis.Case) -> None:
            nonlocal calls
            answer = case.call(headers=headers, timeout=30)
            calls += 1
            assert answer.status_code < 500 or answer.status_code == 503, (
                case.as_curl_command(),
                answer.text,
            )
            case.validate_response(answer, excluded_checks=NOT_MEANT)

        try:
            asked()
        except (BaseExceptionGroup, Exception) as error:  # noqa: BLE001 - all of them are told together
            wrong.append(f"{operation.label}: {[*getattr(error, 'exceptions', (error,))]}")
    assert not wrong, "\n".join(wrong)
    assert calls > 100
