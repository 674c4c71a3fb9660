"""`instep notify test`: the settings are tried with a real receiver."""

from __future__ import annotations

import asyncio

from tests.cli.company import Company
from tests.serve.mail import hook_server, nothing_listens


async def test_a_test_is_sent_to_everybody_and_what_did_not_go_out_is_told(acme: Company) -> None:
    settings = acme.directory / "instep.yaml"
    before = settings.read_text()
    async with hook_server() as hook:
        for number, url in enumerate((hook.url, hook.url, await nothing_listens())):
            (acme.directory / f"hook{number}").write_text(url)
        urls = "".join(f"      - {{url: {{file: hook{number}}}}}\n" for number in range(3))
        settings.write_text(f"{before}\nserve:\n  notify:\n    webhooks:\n{urls}")
        hook.answers = [200, 404]
        done = await asyncio.to_thread(acme.run, "notify", "test")
    first, second, third = done.stdout.splitlines()
    assert (done.exit_code, first) == (3, "webhook 1: sent")
    assert second == "webhook 2: not sent: the webhook answered 404"
    assert third.startswith("webhook 3: not sent: the webhook could not be reached")
    assert "a test" in hook.got[0]["changes"][0]["text"]
    assert hook.url not in done.output


def test_where_nobody_is_to_be_told_it_is_said_what_is_missing(acme: Company) -> None:
    done = acme.run("notify", "test")
    assert done.exit_code == 2
    assert "nobody is to be told" in done.stderr and "serve.notify" in done.stderr
