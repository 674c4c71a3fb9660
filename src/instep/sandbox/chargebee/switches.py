"""Every behaviour that is a choice, in one table: the README section and `/_console/switches` are made from
it.

A switch exists where Chargebee's real behaviour is not documented (its `source` says inferred), or where a
real site differs from another (its plan, its features), or where a test needs a harder world.
To add one: a row in `TABLE`, and one reading of it where the behaviour is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Switch:
    """One choice. `values` lists the words, or is "on | off", "whole number" or "share 0..1"."""

    name: str
    values: tuple[str, ...] | str
    default: Value
    about: str
    source: str


FLAG = "on | off"
WHOLE = "whole number"
SHARE = "share 0..1"

_I = "inferred"
_D = "documented"
_S = "a site's setting or plan"
_T = "for tests"

TABLE: tuple[Switch, ...] = (
    # Parameters
    Switch(
        "unknown_parameters",
        ("ignore", "reject"),
        "ignore",
        "a body parameter that the call does not know",
        _I,
    ),
    Switch(
        "immutable_parameters",
        ("ignore", "reject"),
        "ignore",
        "a parameter of the resource that this call cannot change, e.g. billing_address on a customer update",
        _I,
    ),
    Switch(
        "id_charset",
        ("strict", "loose"),
        "strict",
        "ids: only A-Z a-z 0-9 . _ - (strict), or anything but /, control characters and outer blanks",
        _I,
    ),
    Switch("item_metadata_max", WHOLE, 65535, "characters of item and item price metadata; 0 = no limit", _I),
    Switch("zip_rules", FLAG, True, "zip codes are checked by country (a few countries only)", _I),
    Switch(
        "description_html",
        ("sanitise", "strip", "off"),
        "sanitise",
        "HTML in descriptions: unsafe tags go and the rest is escaped; all tags go; it stays",
        _I,
    ),
    # Reading
    Switch(
        "default_order",
        ("documented", "asc", "desc"),
        "documented",
        "lists without sort_by: creation ascending, for the catalogue descending; or always one of them",
        _I,
    ),
    Switch(
        "after_before",
        ("strict", "inclusive"),
        "strict",
        "whether after and before leave out the second given",
        _I,
    ),
    Switch("on_means", ("second", "day"), "second", "what the operator `on` compares", _I),
    Switch(
        "text_filters",
        ("ignore_case", "exact"),
        "ignore_case",
        "how string filters compare, ids excepted",
        _I,
    ),
    Switch("limit_out_of_range", ("reject", "clamp"), "reject", "limit below 1 or above 100", _I),
    Switch(
        "retrieve_deleted", ("not_found", "record"), "not_found", "reading a deleted record by its id", _I
    ),
    Switch(
        "deleted_items_in_list",
        ("when_asked", "always"),
        "when_asked",
        "deleted catalogue records appear only if the status filter names them, or always",
        _I,
    ),
    Switch("list_lag_ms", WHOLE, 0, "how long a list goes on showing the state before a write", _D),
    Switch("list_lag_varies", FLAG, False, "each write's lag is drawn between 0 and list_lag_ms", _I),
    # Writing
    Switch("customer_id_reuse", FLAG, True, "the id of a deleted customer can be given again", _I),
    Switch(
        "customer_delete_delay_s",
        WHOLE,
        120,
        "seconds from a call to delete a customer (or to clear its personal data) to its effect",
        _D,
    ),
    Switch(
        "customer_delete_answer",
        ("deleted", "unchanged"),
        "deleted",
        "whether the delete call's own answer already says deleted: true",
        _I,
    ),
    Switch(
        "refused_delete", ("409", "400"), "409", "HTTP status of a delete that the record's state forbids", _I
    ),
    Switch(
        "vat_wipe",
        FLAG,
        True,
        "update_billing_info with an address and no vat_number clears the VAT number",
        _D,
    ),
    Switch("cancelled_again", ("refuse", "accept"), "refuse", "cancelling an order that is cancelled", _I),
    Switch(
        "order_status_rules",
        ("permissive", "strict"),
        "permissive",
        "strict: an order's status only moves along the documented chain",
        _I,
    ),
    Switch(
        "order_extra_events",
        FLAG,
        True,
        "a status change to delivered, returned or cancelled raises its own event beside order_updated",
        _I,
    ),
    Switch(
        "legacy_orders",
        FLAG,
        False,
        "POST /orders works; else it is refused as configuration_incompatible",
        _I,
    ),
    Switch(
        "auto_orders",
        ("at_once", "when_paid", "off"),
        "at_once",
        "an invoice with shippable lines makes its own order: when made, when paid, never",
        _S,
    ),
    Switch(
        "silenced_side_events",
        FLAG,
        True,
        "all-disabled also silences webhooks of secondary events (an automatic order)",
        _I,
    ),
    # Idempotency and limits
    Switch("idempotency_window_s", WHOLE, 1800, "seconds for which a key is remembered", _D),
    Switch("idempotency_remembers", ("success", "all"), "success", "which answers are replayed", _I),
    Switch("rate_limit_per_min", WHOLE, 150, "requests in 60 s before 429; 0 = no limit", _S),
    Switch(
        "rate_limit_answer",
        ("429", "403"),
        "429",
        "429 as on a test site; 403 request_blocked as on a live one",
        _D,
    ),
    Switch("concurrency_get", WHOLE, 50, "simultaneous GETs; 0 = no limit", _S),
    Switch("concurrency_post", WHOLE, 50, "simultaneous POSTs; 0 = no limit", _S),
    Switch(
        "retry_after", ("always", "sometimes", "never"), "always", "whether a 429 carries Retry-After", _D
    ),
    Switch(
        "lock_timeout", FLAG, True, "a POST is refused while another one to the same record is at work", _D
    ),
    Switch("service_time_ms", WHOLE, 0, "how long each request is at work before it takes effect", _T),
    # Events and webhooks
    Switch("events_readable_days", WHOLE, 90, "age after which an event is gone", _D),
    Switch(
        "silenced_webhook_status",
        ("skipped", "disabled"),
        "skipped",
        "webhook_status of an event whose call switched webhooks off",
        _I,
    ),
    Switch(
        "webhook_ports", ("any", "documented"), "any", "documented: only ports 80, 443, 8080 and 8443", _D
    ),
    Switch("webhook_timeout_s", WHOLE, 10, "seconds within which a receiver has to answer", _I),
    Switch("webhook_delay_ms", WHOLE, 0, "time between an event and its first delivery", _D),
    Switch("webhook_duplicate", SHARE, 0.0, "share of deliveries that are sent twice", _T),
    Switch("webhook_drop", SHARE, 0.0, "share of events that are never delivered", _T),
    Switch("webhook_reorder", SHARE, 0.0, "share of deliveries that are overtaken by later ones", _T),
)

BY_NAME: Mapping[str, Switch] = {switch.name: switch for switch in TABLE}


class SwitchError(ValueError):
    """A switch that does not exist, or a value that it does not take."""


def read_value(switch: Switch, value: object) -> Value:
    """A value from JSON or from a command line as the switch's own type; raises SwitchError."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(switch.values, tuple):
        if text in switch.values:
            return text
        raise SwitchError(f"switch {switch.name}: {text!r} is not one of {', '.join(switch.values)}")
    if switch.values == FLAG:
        if text in ("on", "true", "1"):
            return True
        if text in ("off", "false", "0"):
            return False
        raise SwitchError(f"switch {switch.name}: {text!r} is neither on nor off")
    try:
        number: int | float = int(text) if switch.values == WHOLE else float(text)
    except ValueError:
        raise SwitchError(f"switch {switch.name}: {text!r} is not a {switch.values}") from None
    if number < 0 or (switch.values == SHARE and number > 1):
        raise SwitchError(f"switch {switch.name}: {text!r} is out of range ({switch.values})")
    return number


class Switches:
    """The current values; unknown names raise SwitchError when set, KeyError when read (a bug of ours)."""

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self._values: dict[str, Value] = {switch.name: switch.default for switch in TABLE}
        self.set(values or {})

    def set(self, values: Mapping[str, object]) -> None:
        """Changes all of the given switches, or none if one of them is wrong."""
        read: dict[str, Value] = {}
        for name, value in values.items():
            if name not in BY_NAME:
                raise SwitchError(f"there is no switch {name!r}; GET /_console/switches lists them")
            read[name] = read_value(BY_NAME[name], value)
        self._values.update(read)

    def on(self, name: str) -> bool:
        """A flag."""
        return bool(self._values[name])

    def number(self, name: str) -> float:
        """A count, a time in the unit of its name, or a share."""
        return float(self._values[name])

    def choice(self, name: str) -> str:
        """One of a switch's words."""
        return str(self._values[name])

    def described(self) -> list[dict[str, object]]:
        """Table and current values, for the console."""
        return [
            {
                "name": switch.name,
                "value": self._values[switch.name],
                "default": switch.default,
                "values": list(switch.values) if isinstance(switch.values, tuple) else switch.values,
                "about": switch.about,
                "source": switch.source,
            }
            for switch in TABLE
        ]


def markdown() -> str:
    """The README's table of switches, one row each."""
    rows = ["| switch | values | default | what it decides | why it is a switch |", "|---|---|---|---|---|"]
    for switch in TABLE:
        values = switch.values if isinstance(switch.values, str) else " | ".join(switch.values)
        default = (
            {True: "on", False: "off"}[switch.default] if isinstance(switch.default, bool) else switch.default
        )
        shown = values.replace(" | ", " \\| ")
        rows.append(f"| `{switch.name}` | {shown} | `{default}` | {switch.about} | {switch.source} |")
    return "\n".join(rows) + "\n"
