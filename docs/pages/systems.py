"""The pages of both systems' entities, from what their connectors declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from ruamel.yaml import YAML

from docs.pages.markdown import code, codes, page, sentence, table
from instep.connectors.chargebee import ChargebeeConnector, PriceTerm, Settings
from instep.connectors.rest import Description, RestConnector
from instep.core.model import Both, Entity, Field
from instep.dataflow.scaffold import CURRENCIES


@cache
def entities() -> Both[Mapping[str, Entity]]:
    """What the default site connects: Chargebee with the prices of `instep init`, and the sample ERP."""
    chargebee = ChargebeeConnector("acme-test", "", Settings(prices=tuple(map(PriceTerm, CURRENCIES))))
    sample = files("instep.connectors.rest").joinpath("sample_erp.yaml").read_text("utf-8")
    described = Description.model_validate(YAML(typ="safe").load(sample))
    return Both(chargebee.entities(), RestConnector(described, lambda _: "").entities())


def chargebee_page() -> str:
    return page(
        "Entities of Chargebee",
        "What the connector declares of each entity; source of the fields: the tables of attributes of Chargebee's",
        "API v2 (Product Catalog 2.0).",
        "`price.EUR` and its like are made of item prices: one per entry of `prices` in `instep.yaml`.",
        "",
        *_legend(),
        *_tables(entities().left),
    )


def erp_page() -> str:
    return page(
        "Entities of the sample ERP",
        "What the description that `instep init` writes to `erp.yaml` declares.",
        "Nothing in Instep knows this ERP but that file: make it yours, and this is what your ERP can hold.",
        "",
        *_legend(),
        *_tables(entities().right),
    )


def _legend() -> Iterator[str]:
    yield "Written: *always* by creates and updates; *at creation* only; *later* by updates alone; *never*."
    yield "A property that would have to be written and can't be is held, with the sentence of the last column."
    yield ""


def _tables(declared: Mapping[str, Entity]) -> Iterator[str]:
    for name, entity in declared.items():
        yield from (f"## {name}", "")
        yield from _abilities(entity)
        yield from table(
            ("field", "type", "written", "limits", "if it can't be written"),
            [
                (code(field.path), type_of(field), written(field), _limits(field), sentence(field.reason))
                for field in entity.fields
            ],
        )


def _abilities(entity: Entity) -> Iterator[str]:
    able = entity.abilities
    for operation, can in (("create", able.create), ("update", able.update), ("retire", able.retire)):
        if not can:
            yield f"- No {operation}: {able.reasons.get(operation, 'the API has none')}."
    if able.create:
        once = []
        if able.chosen_id:
            once.append(f"an id of Instep's choice, at most {able.max_id_length} characters long")
        if able.marker:
            once.append(f"Instep's reference in {code(able.marker)}")
        if able.key_window_ms:
            once.append(f"a repeated request is recognised for {able.key_window_ms // 60_000} minutes")
        yield f"- A create happens once: {'; '.join(once) or 'nothing helps; a lost answer is held in doubt'}."
    if able.update:
        conditional = "is refused if the record has changed since" if able.conditional else "has no condition"
        noticed = ""
        if able.log and not able.conditional:
            noticed = "; an edit that it replaced unseen is found in the system's log, and held"
        yield f"- An update {conditional}{noticed}."
    lists = "all records" if able.complete_list else "only some records, so that a missing one proves nothing"
    deleted = "; deleted ones too" if able.tombstones else ""
    lag = f"; a change may take {able.list_lag_ms // 1000} s to be listed" if able.list_lag_ms else ""
    yield f"- A listing names {lists}{deleted}{lag}."
    if entity.retired is not None:
        yield f"- Out of use: `{entity.retired[0]}` is `{str(entity.retired[1]).lower()}`."
    yield ""


def type_of(field: Field) -> str:
    """The type of a field, with the entity that it refers to."""
    return f"{field.type}, of {code(field.reference)}" if field.reference else field.type


def written(field: Field) -> str:
    """When a field may be written."""
    if field.create and field.update:
        return "always"
    if field.create:
        return "at creation"
    return "later" if field.update else "never"


def _limits(field: Field) -> str:
    limits = ["needed"] if field.required else []
    limits += [f"{field.max_length} characters"] if field.max_length else []
    limits += [codes(field.choices)] if field.choices else []
    limits += [f"{codes(field.by_hand)} by hand alone"] if field.by_hand else []
    return "; ".join(limits)
