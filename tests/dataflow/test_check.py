"""A dataflow against what two systems can hold and do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from instep.core.model import Abilities, Both, Entity, Field
from instep.dataflow.build import parse_dataflow
from instep.dataflow.check import check
from instep.errors import Problem
from tests.dataflow.texts import dataflow

FREE = Abilities(chosen_id=True)
CUSTOMER = Entity(
    "customer",
    (
        Field("first_name", "text", max_length=150),
        Field("email", "text", max_length=70),
        Field("terms", "integer"),
        Field("status", "text", choices=("active", "archived")),
        Field("locale", "text"),
        Field(
            "company_id", "text", update=False, reference="company", reason="it changes by a transfer only"
        ),
        Field("channel", "text", create=False, update=False, reason="Chargebee sets it"),
        Field("billing_address.city", "text", max_length=50),
        Field("created_at", "timestamp", create=False, update=False),
        Field("price", "object"),
    ),
    FREE,
)
CONTACT = Entity(
    "contact",
    (
        Field("given_name", "text", max_length=60),
        Field("family_name", "text", max_length=60, required=True),
        Field("email", "text", max_length=100),
        Field("terms_days", "integer"),
        Field("active", "boolean"),
        Field("language", "text", choices=("nb", "sv")),
        Field("account_id", "text", reference="account"),
        Field("city", "text", max_length=60),
        Field("since", "date"),
        Field("prices", "object"),
    ),
    Abilities(marker="external_ref"),
)
COMPANY = Entity(
    "company",
    (Field("id", create=False, update=False), Field("name", create=False, update=False)),
    Abilities(
        create=False, update=False, retire=False, reasons={"create": "a person has to", "update": "by hand"}
    ),
)
ACCOUNT = Entity("account", (Field("name"),), FREE)
ENTITIES: Both[Mapping[str, Entity]] = Both(
    {"customer": CUSTOMER, "company": COMPANY}, {"contact": CONTACT, "account": ACCOUNT}
)
NAMES = Both("Chargebee", "the ERP")
FAMILY = "{map: 'first_name -> family_name | text(max=60)', name: family, default: {right: '-'}}"


def found(
    properties: str, *, pair: str = "match: [email]", entities: Both[Mapping[str, Entity]] = ENTITIES
) -> list[Problem]:
    text = dataflow(f"email <-> email | email\n{FAMILY}\n{properties}", pair=pair)
    return check(parse_dataflow(text), entities, NAMES)


def told(properties: str) -> str:
    return "\n".join(map(str, found(properties)))


def test_a_dataflow_that_fits_has_no_problem() -> None:
    assert (
        found("terms <-> terms_days | integer\nstatus <-> active | lookup(active=true, archived=false)") == []
    )


def test_an_entity_that_is_not_there_is_told_with_the_nearest() -> None:
    text = dataflow("a <-> b").replace("right: contact", "right: contcat")
    (problem,) = check(parse_dataflow(text), ENTITIES, NAMES)
    assert (problem.line, problem.severity) == (3, "error")
    assert (
        str(problem) == 'dataflow.yaml:3:1: error: the ERP has no "contcat"\n  fix: did you mean "contact"?'
    )


def test_a_field_that_is_not_there_is_told_with_the_nearest() -> None:
    assert told("city <-> city") == (
        'dataflow.yaml:10:1: error: customer of Chargebee has no field "city"\n'
        '  fix: did you mean "billing_address.city"?'
    )


def test_a_field_that_is_missing_beside_others_is_told_with_those() -> None:
    priced = replace(CUSTOMER, fields=(*CUSTOMER.fields[:-1], Field("price.EUR"), Field("price.USD")))
    entities: Both[Mapping[str, Entity]] = Both({**ENTITIES.left, "customer": priced}, ENTITIES.right)
    (problem,) = found("price.SEK -> prices", entities=entities)
    assert problem.what == 'customer of Chargebee has no field "price.SEK"'
    assert problem.fix == 'known in "price" are EUR, USD; what else there is, its system has to be told of'
    (problem,) = found("billing_address.cty -> city")
    assert problem.fix == 'did you mean "billing_address.city"?'


def test_a_context_that_is_not_there_is_told_too() -> None:
    (problem,) = found("locale with currency_code <-> city | phone")
    assert problem.what == 'customer of Chargebee has no field "currency_code"'


def test_what_lies_within_an_object_may_be_anything() -> None:
    assert found("price.EUR <-> prices.EUR | money(EUR)") == []


def test_a_transformation_that_does_not_fit_the_field_is_told() -> None:
    assert told("created_at -> language | email") == (
        'dataflow.yaml:10:1: warning: email does not fit "created_at" of Chargebee\n'
        "  why: the field is a timestamp; email is for text\n"
        "  fix: choose another transformation; a value that can't be read is held"
    )


def test_different_kinds_of_value_without_a_transformation_are_told() -> None:
    (problem,) = found("created_at -> since")
    assert problem.what == '"created_at" and "since" hold different kinds of value'
    assert problem.why == "Chargebee has a timestamp, the ERP a date, and nothing translates"
    assert problem.fix == "name a transformation after a |: timestamp"


def test_a_text_that_may_be_too_long_is_told_until_it_is_cut() -> None:
    assert told("first_name <-> given_name") == (
        'dataflow.yaml:10:1: warning: "first_name" may be longer than the ERP takes\n'
        "  why: up to 150 characters, and given_name has room for 60; a longer value is held\n"
        "  fix: to send the first part and keep the whole where it is: text(max=60)"
    )
    assert found("first_name <-> given_name | text(max=60)") == []
    assert [p.why for p in found("first_name <-> given_name | text(max=80)")] == [
        "up to 80 characters, and given_name has room for 60; a longer value is held"
    ]


def test_only_the_directions_that_flow_are_looked_at() -> None:
    assert found("first_name <- given_name") == []
    assert len(found("billing_address.city <- city")) == 1
    assert found("billing_address.city -> city") == []


def test_a_value_of_an_enumeration_that_has_no_partner_is_told() -> None:
    problems = found("status <-> active | lookup(active=true)")
    assert [(p.line, p.severity, p.what) for p in problems] == [
        (10, "warning", "Chargebee has no status for active = false"),
        (10, "warning", "the ERP has no active for status = archived"),
    ]
    assert all("lookup" in p.why and "lookup" in p.fix for p in problems)


def test_a_value_that_the_other_enumeration_lacks_is_told() -> None:
    (problem,) = found("status -> language")
    assert problem.what == "the ERP has no language for status = active, archived"
    assert problem.why == '"active" would be written, and the field takes nb, sv'


def test_a_required_field_that_nothing_fills_is_an_error() -> None:
    text = dataflow("email <-> email | email", pair="match: [email]")
    (problem,) = check(parse_dataflow(text), ENTITIES, NAMES)
    assert (problem.severity, problem.line) == ("error", 3)
    assert problem.what == 'nothing fills "family_name", which the ERP requires of a new contact'
    assert problem.fix == "map it, or give every new record a value: constants: {right: {family_name: ...}}"
    for filled in ("constants: {right: {family_name: x}}", "create: left", "create: none"):
        text = dataflow("email <-> email | email", pair=f"match: [email]\n{filled}")
        assert check(parse_dataflow(text), ENTITIES, NAMES) == []


def test_a_required_field_whose_source_may_be_empty_is_told_until_there_is_a_default() -> None:
    text = dataflow(
        "email <-> email | email\nfirst_name -> family_name | text(max=60)", pair="match: [email]"
    )
    (problem,) = check(parse_dataflow(text), ENTITIES, NAMES)
    assert problem.severity == "warning"
    assert problem.what == 'the ERP requires "family_name", and Chargebee may have none'
    assert problem.fix == "to create it all the same, give first_name a default: {right: ...}"


def test_what_can_not_be_written_is_told_once_per_reason() -> None:
    problems = found("channel <-> city\ncreated_at <-> since | timestamp(date)")
    assert [(p.what, p.why) for p in problems] == [
        ("Chargebee can't be told of changes in channel", "Chargebee sets it"),
        ("Chargebee can't be told of changes in created_at", "its API only reads it"),
    ]
    assert found("channel -> city\ncreated_at -> since | timestamp(date)") == []


def companies(properties: str, pair: str = "match: [name]") -> list[Problem]:
    lines = "".join(f"    {line}\n" for line in pair.splitlines())
    text = (
        "version: 1\npairs:\n  company:\n    left: company\n    right: account\n"
        f"{lines}    properties: ['name <-> name']\n"
        "  contact:\n    left: customer\n    right: contact\n    match: [email]\n    properties:\n"
        f"      - email <-> email | email\n      - {FAMILY}\n      - {properties}\n"
    )
    return check(parse_dataflow(text), ENTITIES, NAMES)


def test_what_is_taken_at_creation_only_is_told_apart() -> None:
    problems = companies(
        "company_id <-> account_id | reference(company, account)", "match: [name]\ncreate: right"
    )
    assert [p.what for p in problems if p.where.startswith("contact")] == [
        "Chargebee takes company_id only when a record is made"
    ]


def test_creating_where_it_is_impossible_is_told_with_what_it_means() -> None:
    first, second = companies("terms <-> terms_days")
    assert str(first) == (
        "dataflow.yaml:3:1: warning: company records can't be created in Chargebee\n"
        "  why: a person has to\n"
        "  fix: nothing, if a person is to make each of them: every account without a partner is held and says so; "
        "or write create: right, to leave them alone"
    )
    assert (second.what, second.why) == ("Chargebee can't be told of changes in name", "by hand")


def test_retiring_where_it_is_impossible_is_told() -> None:
    problems = companies("terms <-> terms_days", "match: [name]\ncreate: right\non_delete: retire")
    assert "company records of Chargebee can't be retired" in [p.what for p in problems]


def test_a_reference_to_another_kind_of_record_is_an_error() -> None:
    text = dataflow(
        "email <-> email | email\ncompany_id <-> account_id | reference(customer, contact)",
        pair="match: [email]\ncreate: left",
    )
    problems = [p for p in check(parse_dataflow(text), ENTITIES, NAMES) if p.severity == "error"]
    assert [p.what for p in problems] == [
        '"company_id" of Chargebee refers to company, not customer',
        '"account_id" of the ERP refers to account, not contact',
    ]


def test_ids_that_are_copied_and_not_translated_are_told() -> None:
    (problem, _) = found("company_id <-> account_id")
    assert problem.what == '"company_id" of Chargebee holds the id of a company'
    assert problem.fix == "translate it: | reference(company, account)"


def test_a_pair_without_a_match_is_told_of_duplicates() -> None:
    (problem,) = found("terms <-> terms_days", pair="match: []")
    assert problem.what == '"contact" has nothing to match by'
    assert found("terms <-> terms_days", pair="match: []\ncreate: none") == []


def test_constants_are_fields_that_a_new_record_takes() -> None:
    problems = found(
        "terms <-> terms_days",
        pair="match: [email]\nconstants: {left: {channel: web}, right: {activ: true}}",
    )
    assert [(p.what, p.fix) for p in problems] == [
        ('the constant "channel" can\'t be given to a new customer of Chargebee', "remove it"),
        ('contact of the ERP has no field "activ" (constants)', 'did you mean "active"?'),
    ]


@pytest.mark.parametrize(
    ("abilities", "count"), [(Abilities(key_window_ms=60_000), 1), (FREE, 0), (Abilities(marker="ref"), 0)]
)
def test_an_id_template_without_effect_is_told(abilities: Abilities, count: int) -> None:
    entities: Both[Mapping[str, Entity]] = Both(
        {**ENTITIES.left, "customer": replace(CUSTOMER, abilities=abilities)}, ENTITIES.right
    )
    problems = found(
        "terms <-> terms_days", pair='match: [email]\nnew_id: {left: "erp-{id}"}', entities=entities
    )
    assert [p.what for p in problems] == ["new_id has no effect in Chargebee"] * count


def test_a_system_that_can_not_tell_whether_a_create_was_applied_is_told() -> None:
    entities: Both[Mapping[str, Entity]] = Both(
        {**ENTITIES.left, "customer": replace(CUSTOMER, abilities=Abilities())}, ENTITIES.right
    )
    (problem,) = found("terms <-> terms_days", entities=entities)
    assert (problem.what, problem.severity) == (
        "Chargebee can't tell whether a customer was made",
        "warning",
    )
    assert found("terms <-> terms_days", pair="match: [email]\ncreate: right", entities=entities) == []


def test_warnings_do_not_stop_a_run_and_errors_do() -> None:
    assert {p.severity for p in found("city <-> city\nfirst_name <-> given_name")} == {"error", "warning"}
