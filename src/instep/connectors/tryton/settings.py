"""What a person configures of a Tryton: where it is, who logs in, and by which conventions it is used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one database of one Tryton server.

    Tryton has parties and no customers or contacts: `customer_category` and `contact_category` name the party
    categories that tell them apart, `relation` the type of relation that leads from a contact to its customer.
    `tax_number_type`: the type of party identifier that a tax number is, "" for one without a type.
    `unit`: the unit of products that Instep makes, where the dataflow names none.
    `overlap_s`: how far back a listing of changes begins; it has to be longer than the longest transaction,
    since Tryton stamps a record with the moment at which its transaction began.
    `page_size`: records in one answer; `batch`: records in one write, which is one transaction.
    `write_calls`: writing calls at once; 1 for SQLite, which lets one writer in at a time.
    """

    base_url: str
    database: str
    user: str
    customer_category: str = "Customer"
    contact_category: str = "Contact"
    relation: str = "is contact of"
    tax_number_type: str = ""
    unit: str = "Unit"
    overlap_s: int = 300
    page_size: int = 500
    batch: int = 100
    write_calls: int = 2
    timeout_s: float = 60.0
    requests_per_minute: int | None = None
