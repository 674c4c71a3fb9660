"""The ways to a person: a mail, or a POST to a webhook. Each sends a message or raises NotSent; none tries again."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Final, Protocol

import aiohttp

from instep.dataflow.systems import Email, Notify, NotifyWebhook, Secret
from instep.serve.notify_states import Change

TIMEOUT_S: Final = 20.0


class NotSent(Exception):
    """A message did not go out; the text says why, without a secret. `again`: whether it may be sent once more."""

    def __init__(self, why: str, *, again: bool = True) -> None:
        super().__init__(why)
        self.again = again


@dataclass(frozen=True, slots=True)
class Message:
    """Changes that are told together. `at`: when, ISO 8601; `link`: to the console, "" if its address is unknown."""

    at: str
    link: str
    changes: Sequence[Change]

    @property
    def subject(self) -> str:
        first = self.changes[0].text
        return first if len(self.changes) == 1 else f"{first} (and {len(self.changes) - 1} more)"

    @property
    def lines(self) -> list[str]:
        return [*(change.text for change in self.changes), *([self.link] if self.link else [])]


class Channel(Protocol):
    """`name` stays the same across restarts: what waits to be sent is kept under it."""

    @property
    def name(self) -> str: ...
    async def send(self, message: Message) -> None: ...


def channels(settings: Notify, secret: Callable[[Secret, str], str]) -> list[Channel]:
    """Those that `instep.yaml` names. `secret` is given a reference and the key that it stands at."""
    found: list[Channel] = []
    if settings.email is not None:
        password = settings.email.password
        found.append(Mail(settings.email, secret(password, "email.password") if password else ""))
    for number, webhook in enumerate(settings.webhooks):
        found.append(Post(f"webhook {number + 1}", webhook, secret(webhook.url, f"webhooks.{number}.url")))
    return found


@dataclass(frozen=True, slots=True)
class Mail:
    """By SMTP, in a thread, since the standard library's client waits."""

    settings: Email
    password: str = field(repr=False)
    name: str = "email"

    async def send(self, message: Message) -> None:
        try:
            refused = await asyncio.to_thread(self._send, self._mail(message))
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"the mail server answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"the mail server could not be used: {type(error).__name__}") from None
        except UnicodeError:
            raise NotSent("a user or a password can have ASCII characters alone") from None
        if refused:
            told = f"the mail server refused {len(refused)} of {len(self.settings.to)} recipients"
            raise NotSent(told, again=False)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self.settings.sender, ", ".join(self.settings.to)
        mail["Subject"] = f"Instep: {message.subject}"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n".join(message.lines) + "\n")
        return mail

    def _send(self, mail: EmailMessage) -> Mapping[str, object]:
        """Who of the recipients was refused, while others were not."""
        settings, context = self.settings, ssl.create_default_context()
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)
        with server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.user is not None:
                server.login(settings.user, self.password)
            return server.send_message(mail)


@dataclass(frozen=True, slots=True)
class Post:
    """A POST of JSON. A redirect is not followed: it would take what is told to where nobody has said."""

    name: str
    settings: NotifyWebhook
    url: str = field(repr=False)

    async def send(self, message: Message) -> None:
        body = _slack(message) if self.settings.format == "slack" else _json(message)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.url, json=body, allow_redirects=False) as answer,
            ):
                if not 200 <= answer.status < 300:
                    raise NotSent(f"the webhook answered {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise NotSent(f"the webhook could not be reached: {type(error).__name__}") from None


def _json(message: Message) -> Mapping[str, Any]:
    return {
        "at": message.at,
        "link": message.link or None,
        "changes": [
            {"key": change.key, "state": "begins" if change.begins else "over", "text": change.text}
            for change in message.changes
        ],
    }


def _slack(message: Message) -> Mapping[str, str]:
    marks = {True: ":warning:", False: ":white_check_mark:"}
    lines = [f"{marks[change.begins]} {_plain(change.text)}" for change in message.changes]
    return {"text": "\n".join([*lines, *([f"<{message.link}>"] if message.link else [])])}


def _plain(text: str) -> str:
    """A text in which Slack finds no link, no mention and no markup of its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
