"""Notifications over a real mail server and a real receiver; kept in a real store across restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from instep.dataflow.systems import Email, NotifyWebhook, Secret
from instep.serve.notify import FIRST_RETRY_MS, GIVEN_UP_MS, Notifier
from instep.serve.notify_channels import Channel, Mail, Post
from instep.serve.notify_states import CALM_MS, State
from instep.store.sqlite import SqliteStore, open_store
from tests.cli.company import Company
from tests.cli.test_stopping import WAIT_S, instep
from tests.sandbox.chargebee_site import receiver

from .mail import MAIL_PASSWORD, USER, Hook, Postbox, certificate, hook_server, mail_server, nothing_listens

HELD = State("held:contact:conflict", "contact: 2 holds (conflict) for a person.", "contact: none is left.")
LINK = "https://instep.example.test/"


class World:
    """What is found, and a clock that is moved by hand."""

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.found, self.now_ms = store, list[State](), 1_763_850_000_000
        self.failures: list[tuple[str, str]] = []

    def notifier(self, *channels: Channel) -> Notifier:
        return Notifier(
            self.store,
            channels,
            lambda: self.found,
            link=LINK,
            now_ms=lambda: self.now_ms,
            failed=lambda *what: self.failures.append(what),
        )

    async def step(self, notifier: Notifier, later_ms: int = 0) -> None:
        self.now_ms += later_ms
        await notifier.look()
        await notifier.send()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = open_store(tmp_path / "instep.sqlite")
    yield World(store)
    await store.close()


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("pem"))


@pytest.fixture
def trusted(pem: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    yield


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with hook_server() as running:
        yield running


def post(hook: Hook, format: str = "json", name: str = "webhook 1") -> Post:
    settings = NotifyWebhook.model_validate({"url": {"env": "X"}, "format": format})
    return Post(name, settings, hook.url)


def mail(box: Postbox, **said: Any) -> Mail:
    given = {
        "host": "localhost",
        "port": box.port,
        "sender": "instep@example.test",
        "to": ["ops@example.test"],
    }
    login = {"user": USER, "password": Secret(env="X", file=None)}
    return Mail(Email.model_validate({**given, **login, **said}), MAIL_PASSWORD)


async def test_a_receiver_is_told_when_it_begins_and_when_it_is_over(world: World, hook: Hook) -> None:
    notifier = world.notifier(post(hook))
    world.found = [HELD]
    for _ in range(3):
        await world.step(notifier, 5_000)
    world.found = []
    for _ in range(3):
        await world.step(notifier, CALM_MS)
    begun, over = hook.got
    assert begun == {
        "at": "2025-11-22T22:20:05Z",
        "link": LINK,
        "changes": [{"key": HELD.key, "state": "begins", "text": HELD.what}],
    }
    assert over["changes"] == [{"key": HELD.key, "state": "over", "text": HELD.over}]


async def test_a_restart_does_not_tell_again(world: World, hook: Hook, tmp_path: Path) -> None:
    world.found = [HELD]
    await world.step(world.notifier(post(hook)))
    await world.store.close()
    again = World(open_store(tmp_path / "instep.sqlite"))
    again.found = [HELD]
    await again.step(again.notifier(post(hook)), 10_000)
    await again.store.close()
    assert len(hook.got) == 1


async def test_what_was_not_sent_before_a_restart_is_sent_after_it(world: World, hook: Hook) -> None:
    world.found = [HELD]
    await world.notifier(post(hook)).look()  # it dies before it has sent anything
    world.found = []
    await world.step(world.notifier(post(hook)))
    assert [change["text"] for got in hook.got for change in got["changes"]] == [HELD.what]


async def test_a_failure_is_tried_again_ever_more_rarely_and_by_that_channel_alone(
    world: World, hook: Hook
) -> None:
    async with hook_server() as other:
        other.answers = [500, 500]
        notifier = world.notifier(post(hook), post(other, name="webhook 2"))
        world.found = [HELD]
        await world.step(notifier)
        await world.step(notifier, FIRST_RETRY_MS - 1)
        assert (len(hook.got), len(other.got)) == (1, 1)
        await world.step(notifier, 1)
        await world.step(notifier, 2 * FIRST_RETRY_MS - 1)
        assert (len(hook.got), len(other.got)) == (1, 2)
        await world.step(notifier, 1)
        await world.step(notifier, 10 * FIRST_RETRY_MS)
        assert (len(hook.got), len(other.got)) == (1, 3)
    assert world.failures == [("webhook 2", "the webhook answered 500")] * 2


async def test_a_receiver_that_is_away_is_given_up_after_days_and_holds_up_nothing(world: World) -> None:
    gone = Hook(url=await nothing_listens())
    notifier = world.notifier(post(gone))
    world.found = [HELD]
    await world.step(notifier)
    assert world.failures == [("webhook 1", "the webhook could not be reached: ClientConnectorError")]
    await world.step(notifier, GIVEN_UP_MS + 1)
    count = len(world.failures)
    await world.step(notifier, GIVEN_UP_MS)
    assert len(world.failures) == count == 2


async def test_a_redirect_is_not_followed(hook: Hook, world: World) -> None:
    hook.answers = [302]
    world.found = [HELD]
    await world.step(world.notifier(post(hook)))
    assert len(hook.got) == 1
    assert world.failures == [("webhook 1", "the webhook answered 302")]


async def test_slack_gets_its_own_form_and_no_markup_of_ours(world: World, hook: Hook) -> None:
    world.found = [State("k", "<!channel> & <https://evil.example|x>", "over")]
    await world.step(world.notifier(post(hook, "slack")))
    assert hook.got == [
        {"text": f":warning: &lt;!channel&gt; &amp; &lt;https://evil.example|x&gt;\n<{LINK}>"}
    ]


async def test_changes_at_one_time_are_one_message(world: World, hook: Hook) -> None:
    world.found = [HELD, State("brake:contact", "a brake", "over")]
    await world.step(world.notifier(post(hook)))
    assert [len(got["changes"]) for got in hook.got] == [2]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_mail_goes_out_encrypted_with_the_password(world: World, pem: Path, security: str) -> None:
    async with mail_server(pem, tls=security == "tls") as box:
        world.found = [HELD, State("brake:contact", "a brake", "over")]
        await world.step(world.notifier(mail(box, security=security)))
    assert world.failures == []
    (came,) = box.mails
    assert came["subject"] == f"Instep: {HELD.what} (and 1 more)"
    assert (came["from"], came["to"]) == ("instep@example.test", "ops@example.test")
    body = came.get_content()  # type: ignore[attr-defined]
    assert body.splitlines() == [HELD.what, "a brake", LINK]


@pytest.mark.usefixtures("trusted")
async def test_a_server_that_can_not_encrypt_is_told_nothing(world: World, pem: Path) -> None:
    async with mail_server(pem, starttls=False) as box:
        world.found = [HELD]
        await world.step(world.notifier(mail(box)))
    assert box.mails == []
    assert world.failures == [("email", "the mail server could not be used: SMTPNotSupportedError")]


async def test_a_certificate_that_is_not_trusted_is_told_nothing(world: World, pem: Path) -> None:
    async with mail_server(pem, tls=True) as box:
        world.found = [HELD]
        await world.step(world.notifier(mail(box, security="tls")))
    assert box.mails == []
    assert world.failures[0][1].startswith("the mail server could not be used: SSL")


@pytest.mark.usefixtures("trusted")
async def test_a_mail_that_is_refused_is_sent_later(world: World, pem: Path) -> None:
    async with mail_server(pem) as box:
        box.refuse = 1
        notifier = world.notifier(mail(box))
        world.found = [HELD]
        await world.step(notifier)
        assert world.failures == [("email", "the mail server answered 451")]
        await world.step(notifier, FIRST_RETRY_MS)
    assert len(box.mails) == 1


@pytest.mark.usefixtures("trusted")
async def test_of_two_recipients_one_that_is_refused_is_told_and_the_other_gets_one_mail(
    world: World, pem: Path
) -> None:
    async with mail_server(pem) as box:
        box.unknown = "gone@example.test"
        settings = mail(box).settings
        both = Mail(settings.model_copy(update={"to": [*settings.to, box.unknown]}), MAIL_PASSWORD)
        notifier = world.notifier(both)
        world.found = [HELD]
        await world.step(notifier)
        assert world.failures == [("email", "the mail server refused 1 of 2 recipients")]
        await world.step(notifier, FIRST_RETRY_MS)
    assert len(box.mails) == 1


@pytest.mark.usefixtures("trusted")
async def test_a_password_that_no_mail_server_takes_holds_up_nothing_else(
    world: World, pem: Path, hook: Hook
) -> None:
    async with mail_server(pem) as box:
        world.found = [HELD]
        await world.step(world.notifier(Mail(mail(box).settings, "pässword"), post(hook)))
    assert world.failures == [("email", "a user or a password can have ASCII characters alone")]
    assert len(hook.got) == 1


@pytest.mark.usefixtures("trusted")
async def test_a_wrong_password_is_no_part_of_what_is_told(
    world: World, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("instep.serve.notify_channels.TIMEOUT_S", 0.5)  # this server answers no second try
    async with mail_server(pem) as box:
        channel = Mail(mail(box).settings, "another_password")
        world.found = [HELD]
        await world.step(world.notifier(channel))
    assert world.failures[0][1].startswith("the mail server ")
    assert "another_password" not in repr(channel)


async def test_without_a_channel_nothing_is_kept(world: World) -> None:
    world.found = [HELD]
    await world.notifier().go_on()
    assert world.store.read(lambda tx: tx.meta("notify_known")) is None


@pytest.mark.parametrize(
    "said",
    [
        {"security": "none", "host": "mail.example"},
        {"user": None},
        {"sender": "x"},
        {"sender": "a@b\nBcc: c@d"},
        {"to": []},
    ],
)
def test_settings_that_would_leak_or_go_nowhere_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        mail(Postbox(port=25), **said)


@pytest.mark.slow
def test_instep_serve_tells_of_a_hold_and_of_its_end(acme: Company) -> None:
    acme.customer("c-1", "Åse", "Nordmann", "ase@example.test")
    for id in ("1501", "1502"):
        acme.contact(id, "Åse", "Nordmann", "ase@example.test")
    with receiver() as hook:
        (acme.directory / "hook.url").write_text(hook.url)
        path = acme.directory / "instep.yaml"
        notify = (
            "serve:\n  url: https://instep.example.test\n  notify: {webhooks: [{url: {file: hook.url}}]}\n"
        )
        path.write_text(path.read_text("utf-8") + notify, "utf-8")
        with instep(acme.directory, "serve", "--port", "0") as process:
            came = hook.got.get(timeout=WAIT_S)
            process.terminate()
            process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    assert came["link"] == "https://instep.example.test"
    assert [change["text"] for change in came["changes"]] == ["contact: 3 holds (ambiguous) for a person."]
    assert "ase@" not in str(came)
