"""The shape of `instep.yaml`: the two systems, the store, the schedule, who may use the console.

What a system of one kind may say is a model registered under that kind; `KINDS` has the shipped ones, and a
caller may pass more. Secrets are never in the file, only where to find them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from zoneinfo import available_timezones

from pydantic import Field, GetJsonSchemaHandler, StrictInt, StrictStr, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from instep.dataflow.models import Misfit, Strict, Text

DatabaseUrl = Annotated[str, Field(pattern=r"^[a-z0-9+]+://([^:@/\s]*@)?[^@\s]*$")]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
MailAddress = Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", max_length=254)]
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
HTTP_URL: Final = r"^https?://[^\s/@?#]+(:[0-9]+)?(/[^\s?#]*)?$"
HttpUrl = Annotated[str, Field(pattern=HTTP_URL)]
Role = Literal["viewer", "operator", "admin"]
"""What a person may do at the console and the API; each role may all that the one before may."""


class Secret(Strict):
    """Where a secret is: an environment variable, or a file that holds nothing else."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        None, description="name of an environment variable"
    )
    file: Text | None = Field(None, description="path of a file, seen from the configuration file")

    @model_validator(mode="before")
    @classmethod
    def by_reference(cls, value: Any) -> Any:
        if isinstance(value, str):
            kind, colon, name = value.partition(":")
            if colon and kind in ("env", "file") and name.strip():
                return {kind: name.strip()}
        if isinstance(value, (str, int)):
            raise Misfit(
                "a secret stands in the file itself",
                why="files are copied, shown and kept under version control",
                fix="put it in an environment variable, and write {env: NAME_OF_THE_VARIABLE} here; "
                "if the file was ever shared, make a new secret",
            )
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        text = {"type": "string", "pattern": "^(env|file):.+", "description": "short for the mapping"}
        return {"anyOf": [handler(core_schema), text]}

    @model_validator(mode="after")
    def one_place(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise Misfit("a secret needs either `env` or `file`", fix="write {env: NAME} or {file: PATH}")
        return self


class System(Strict):
    """What a system of any kind says."""

    kind: Text = Field(description="which connector speaks to it")
    name: Text = Field(description="what people call the system")


class Webhooks(Strict):
    """How webhooks of Chargebee prove that they come from there."""

    user: Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^:]+$")] = Field(
        "instep", description="user name of HTTP Basic"
    )
    password: Secret = Field(
        description="the password, made up by you; a sender that knows no HTTP Basic may have it as the last part "
        "of its address"
    )


class PriceKey(Strict):
    """Which item price of an item one currency stands for."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(description="ISO 4217 code")
    period: StrictInt | None = Field(None, ge=1, description="billing period, where it is not one month")
    period_unit: Literal["day", "week", "month", "year"] | None = Field(
        None, description="unit of the period"
    )

    def __str__(self) -> str:
        words = (self.currency, self.period and f"per {self.period}", self.period_unit)
        return " ".join(word for word in words if word)

    @property
    def means(self) -> tuple[str, ...]:
        """The item prices that it stands for: one of plans and addons, by default that of a month, and one of
        charges, which have no period."""
        recurring = f"{self.currency} {self.period or 1} {self.period_unit or 'month'}"
        return (recurring,) if self.period_unit else (recurring, self.currency)


class BusinessEntity(Strict):
    """A business entity, as Chargebee's user interface shows it."""

    id: Annotated[str, Field(min_length=1, max_length=50)] = Field(description="its id in Chargebee")
    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="its name in Chargebee")


class ChargebeeSystem(System):
    """A Chargebee site, Product Catalog 2.0."""

    kind: Literal["chargebee"] = Field("chargebee", description="Chargebee")
    name: Text = Field("Chargebee", description="what people call the system")
    site: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")] = Field(
        description="the site's name: `acme-test` of acme-test.chargebee.com"
    )
    base_url: HttpUrl | None = Field(
        None, description="address to use in place of the site's own (a sandbox)"
    )
    api_key: Secret = Field(description="a full-access key that only Instep uses")
    requests_per_minute: StrictInt = Field(
        150, ge=1, le=100_000, description="the plan's limit; 150 on a test site"
    )
    reserve: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1, description="share of the limit left to other tools"
    )
    list_lag_s: StrictInt = Field(
        300, ge=0, le=86_400, description="seconds by which a listing may trail behind edits"
    )
    item_family: Text = Field(
        "instep", description="item family of items that Instep creates; made if missing"
    )
    item_type: Literal["charge", "plan", "addon"] = Field(
        "charge", description="type of items that Instep creates"
    )
    prices: list[PriceKey] = Field(
        default_factory=list,
        description="item prices that belong to an item, one per currency; none: no prices",
    )
    custom_fields: dict[str, dict[Annotated[str, Field(pattern=r"^cf_")], Text]] = Field(
        default_factory=dict, description="per entity, custom fields in use and their types"
    )
    webhooks: Webhooks | None = Field(
        None, description="how its webhooks are known from others; without it none is taken"
    )
    business_entities: list[BusinessEntity] | Text = Field(
        default_factory=list,
        description="the site's business entities, or the path of a YAML file that lists them: "
        "Chargebee's API does not list them",
    )

    @field_validator("prices")
    @classmethod
    def one_each(cls, prices: list[PriceKey]) -> list[PriceKey]:
        """Two keys for one item price would each be told of the other's edits, and write over them."""
        seen: dict[str, PriceKey] = {}
        for price in prices:
            for meaning in price.means:
                other = seen.setdefault(meaning, price)
                if other is price:
                    continue
                if other == price:
                    raise Misfit(f"the price {price} stands here twice", fix="remove one of the two")
                raise Misfit(
                    f'"{other}" and "{price}" are one and the same item price',
                    why="without a period_unit it is the price of a charge, and of a month of a plan or an addon",
                    fix=f"remove one of the two, and its line in dataflow.yaml (price.{price.currency}...)",
                )
        return prices


class RestSystem(System):
    """An ERP with a JSON API, described in a YAML file of its own."""

    kind: Literal["rest"] = Field("rest", description="any JSON API, by description")
    name: Text = Field("Custom ERP", description="what people call the system")
    describe: Text = Field(description="path of the YAML file that describes the API")
    base_url: HttpUrl | None = Field(None, description="address to use in place of the description's")
    requests_per_minute: StrictInt | None = Field(
        None, ge=1, description="limit to use in place of the description's"
    )


class SqlSystem(System):
    """An ERP that is a database, described in a YAML file of its own."""

    kind: Literal["sql"] = Field("sql", description="a database, by description")
    name: Text = Field("Custom ERP", description="what people call the system")
    describe: Text = Field(description="path of the YAML file that describes the tables")
    url: DatabaseUrl | None = Field(
        None, description="address to use in place of the description's; never with a password in it"
    )


class TrytonSystem(System):
    """A database of a Tryton 8 server."""

    kind: Literal["tryton"] = Field("tryton", description="Tryton, by its JSON-RPC")
    name: Text = Field("Tryton", description="what people call the system")
    base_url: HttpUrl = Field(description="address of the server, without the database")
    database: Text = Field(description="name of the database")
    user: Text = Field(description="login of a user that only Instep is")
    password: Secret = Field(description="the user's password")
    customer_category: Text = Field("Customer", description="party category that makes a party a customer")
    contact_category: Text = Field("Contact", description="party category that makes a party a contact")
    relation: Text = Field("is contact of", description="type of relation from a contact to its customer")
    tax_number_type: StrictStr = Field(
        "", description="type of party identifier that a tax number is (`eu_vat`); empty: one without a type"
    )
    unit: Text = Field(
        "Unit", description="unit of products that Instep makes, where the dataflow names none"
    )
    overlap_s: StrictInt = Field(
        300, ge=1, le=86_400, description="seconds that the longest transaction in Tryton may take"
    )
    page_size: StrictInt = Field(500, ge=1, le=10_000, description="records in one answer")
    batch: StrictInt = Field(100, ge=1, le=1000, description="records in one write, which is one transaction")
    write_calls: StrictInt = Field(
        2, ge=1, le=16, description="writing calls at once; 1 where Tryton's database is SQLite"
    )
    requests_per_minute: StrictInt | None = Field(None, ge=1, description="limit of requests; none: no limit")


KINDS: Final[Mapping[str, type[System]]] = {
    "chargebee": ChargebeeSystem,
    "rest": RestSystem,
    "sql": SqlSystem,
    "tryton": TrytonSystem,
}


class Schedule(Strict):
    """What `instep sync --every` does by itself."""

    full_every_s: StrictInt = Field(
        86_400, ge=60, description="seconds between two complete readings, which find deletes"
    )


class Token(Strict):
    """A person or program that may use the console and the API."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="who it is: the name that the journal keeps"
    )
    role: Role = Field("viewer", description="what they may do; each role may all that the one before may")
    token: Secret = Field(description="16 characters or more that nobody can guess")


class Oidc(Strict):
    """A login elsewhere, by OpenID Connect."""

    issuer: HttpUrl = Field(description="the provider's address; its own description is found under it")
    client_id: Text = Field(description="what the provider calls this installation")
    client_secret: Secret = Field(description="what the provider knows it by")
    name_claim: Text = Field("email", description="the claim that names the person")
    role_claim: Text = Field("groups", description="the claim whose values say the role; a text or a list")
    roles: dict[Text, Role] = Field(
        description="value of that claim -> role; who has none of them can't log in"
    )


class Quiet(Strict):
    """Hours of the day in which nothing is written by itself; what changes is read all the same."""

    begins: ClockTime = Field(description="the time at which they begin, as 22:00")
    ends: ClockTime = Field(
        description="the time at which they end; on the next day if it is the earlier one"
    )
    time_zone: Text = Field("UTC", description="time zone of both, as Europe/Oslo")

    @field_validator("time_zone")
    @classmethod
    def known(cls, value: str) -> str:
        if value not in available_timezones():
            raise Misfit(f'there is no time zone "{value}"', fix="write one as Europe/Oslo, or UTC")
        return value


class Email(Strict):
    """A mail server, and whom to write to."""

    host: Text = Field(description="the mail server")
    port: StrictInt = Field(587, ge=1, le=65_535, description="its port; usually 465 for `security: tls`")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the connection is encrypted; `none` only to this very machine"
    )
    user: Text | None = Field(None, description="user name at the server, if it wants one")
    password: Secret | None = Field(None, description="the password that goes with it")
    sender: MailAddress = Field(description="the address that mails come from")
    to: list[MailAddress] = Field(min_length=1, max_length=50, description="the addresses that they go to")

    @model_validator(mode="after")
    def safe(self) -> Email:
        if (self.user is None) != (self.password is None):
            raise Misfit("a user needs a password, and a password a user", fix="write both or none")
        if self.security == "none" and self.host not in LOOPBACK:
            raise Misfit(
                f"{self.host} would be sent mails in the clear",
                why="security: none is only for this very machine",
                fix="write security: starttls, or tls",
            )
        return self


class NotifyWebhook(Strict):
    """An address that is told by a POST."""

    url: Secret = Field(description="the address; by reference, since whoever knows it may post there")
    format: Literal["json", "slack"] = Field(
        "json", description="`slack` for a webhook of Slack, or of what takes the same"
    )


class Notify(Strict):
    """Who is told when something needs a person, once, and again when it is over."""

    email: Email | None = Field(None, description="by mail")
    webhooks: list[NotifyWebhook] = Field(default_factory=list, max_length=10, description="by a POST")
    after_minutes: StrictInt = Field(
        10, ge=0, le=1_440, description="how long a system has to be down before anybody is told"
    )


class Serve(Strict):
    """What `instep serve` is told; how often it looks, who may use it, and how they log in."""

    poll_s: StrictInt = Field(
        60, ge=1, le=86_400, description="seconds between two readings of an entity in which nothing happens"
    )
    busy_poll_s: StrictInt = Field(
        5, ge=1, le=86_400, description="seconds until the next reading after one that brought something new"
    )
    quiet: Quiet | None = Field(None, description="hours in which nothing is written by itself")

    url: HttpUrl | None = Field(
        None, description="the address that people open, where it is not the one that is listened at"
    )
    tokens: list[Token] = Field(
        default_factory=list,
        description="who may use the console and the API; without any, the token of the file `instep.token`, "
        "which is made, may everything",
    )
    traces: HttpUrl | None = Field(
        None,
        description="address of an OpenTelemetry collector (OTLP over HTTP), such as http://127.0.0.1:4318; needs "
        "`instep[otel]`",
    )
    notify: Notify = Field(
        default_factory=lambda: Notify.model_validate({}),
        description="who is told when something needs a person",
    )
    oidc: Oidc | None = Field(None, description="a login elsewhere, beside the tokens; needs `instep[oidc]`")


class SystemsModel(Strict):
    """The two connected systems; what each may say depends on its kind."""

    left: Any = Field(description="the system on the left")
    right: Any = Field(description="the system on the right")


class SiteModel(Strict):
    """The whole of `instep.yaml`."""

    version: Literal[1] = Field(description="of this file's format")
    systems: SystemsModel = Field(description="the two systems")
    store: Text = Field("instep.sqlite", description="path of the store, seen from this file")
    dataflow: Text = Field("dataflow.yaml", description="path of the dataflow, seen from this file")
    keep_history_days: StrictInt | None = Field(
        730,
        ge=2,
        le=36_500,
        description="days for which the journal is kept; older entries go at the end of a run, and what they held "
        "can't be undone any more; null: for ever",
    )
    schedule: Schedule = Field(
        default_factory=lambda: Schedule.model_validate({}), description="how often to look for changes"
    )
    serve: Serve = Field(
        default_factory=lambda: Serve.model_validate({}),
        description="the console and the API of `instep serve`",
    )
