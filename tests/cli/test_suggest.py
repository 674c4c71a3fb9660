"""`instep suggest`, and how much of the shipped dataflow it finds by itself."""

from __future__ import annotations

import asyncio
import json
import re

from bench.suggest import measure, precision, recall
from instep.sandbox.world import build_world
from instep.site import load_site
from tests.cli.company import Company


def filled(acme: Company) -> Company:
    world = build_world(1)
    acme.chargebee.load(world.chargebee)
    acme.erp.load(world.erp)
    acme.run("init", "--sandbox", "--force")
    return acme


def empty_tables(acme: Company, pair: str = "") -> None:
    """The shipped dataflow as a document with empty tables would have it; or one pair of it."""
    path = acme.directory / "dataflow.yaml"
    parts = re.split(r"(?m)^(?=  [a-z]+:\n)", path.read_text())
    path.write_text("".join(_emptied(part) if part.startswith(f"  {pair}") else part for part in parts))


def _emptied(part: str) -> str:
    text = re.sub(r"(?m)^    properties:\n(?:      .*\n|\s*\n)+", "    properties: []\n", part)
    return re.sub(r"(?m)^    match: .*\n", "", text)


def test_the_shipped_answers_are_found_when_they_are_hidden(acme: Company) -> None:
    site = load_site(filled(acme).directory)

    async def look() -> None:
        before = await measure(site)
        assert precision(before) >= 0.95, before
        assert recall(before) >= 0.85, before
        await site.runner().run()
        after = await measure(site)
        assert precision(after) >= 0.95, after
        assert recall(after) >= 0.95, after
        nameless = await measure(site, names=False)
        assert precision(nameless) >= 0.5, nameless
        assert recall(nameless) >= 0.4, nameless
        await site.close()

    asyncio.run(look())


def test_nothing_is_written_until_it_is_accepted(acme: Company) -> None:
    empty_tables(filled(acme))
    text = (acme.directory / "dataflow.yaml").read_text()
    acme.erp.reset_counters()
    shown = acme.run("suggest")
    assert shown.exit_code == 0, shown.output
    assert "contact: 88 records the same by email and email, of 160 of Chargebee and 150 of" in shown.stdout
    assert "0.98  email <-> email | email\n        88 of 88 agree, as " in shown.stdout
    assert (acme.directory / "dataflow.yaml").read_text() == text
    assert acme.erp.counters()["writes"] == acme.chargebee.counters()["writes"] == 0
    assert not (acme.directory / "instep.sqlite").exists()


def test_what_is_accepted_is_in_the_dataflow_and_works(acme: Company) -> None:
    empty_tables(filled(acme), "contact")
    one = acme.run("suggest", "--accept", "last_name", "--accept", "email")
    assert one.exit_code == 0, one.output
    text = (acme.directory / "dataflow.yaml").read_text()
    assert (
        "    match: [email]\n    properties:\n      - email <-> email | email\n      - last_name <->" in text
    )
    rest = acme.run("suggest", "contact", "--accept", "all", "--least", "0.8")
    assert rest.exit_code == 0, rest.output
    plan = acme.run("plan")
    assert plan.exit_code in (0, 3), plan.output
    left = json.loads(acme.run("suggest", "contact", "--json").stdout)["suggestions"]
    assert left
    assert all(one["score"] < 0.8 for one in left)


def test_what_is_not_suggested_is_not_accepted(acme: Company) -> None:
    empty_tables(filled(acme))
    text = (acme.directory / "dataflow.yaml").read_text()
    refused = acme.run("suggest", "contact", "--accept", "emial")
    assert refused.exit_code == 2
    assert "emial is not among what is suggested for contact" in refused.stderr
    assert "several" not in refused.stderr
    assert acme.run("suggest", "--accept", "email").exit_code == 2
    assert (acme.directory / "dataflow.yaml").read_text() == text


def test_a_pair_that_has_all_its_properties_is_not_told_to_look_for_less(acme: Company) -> None:
    shown = filled(acme).run("suggest", "product")
    assert "every likely field is mapped already" in shown.stdout
    assert "--least" not in shown.output
    assert (
        "nothing is likely enough; lower: --least 0.4"
        in acme.run("suggest", "product", "--least", "1").stdout
    )


def test_a_site_whose_pairs_all_have_properties_is_told_what_to_name(acme: Company) -> None:
    told = acme.run("suggest")
    assert told.exit_code == 2
    assert "instep suggest PAIR" in told.stderr
