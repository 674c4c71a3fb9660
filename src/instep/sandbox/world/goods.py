"""What the company of the world sells: the catalogue that both systems partly know."""

from __future__ import annotations

from dataclasses import dataclass

FAMILIES = {
    "sensors": "Sensors",
    "spare-parts": "Spare parts",
    "services": "Services",
    "plans": "Subscriptions",
}


@dataclass(frozen=True)
class Good:
    """`euros` is the price in euro cents; other currencies follow from it. `kind` is the ERP's."""

    code: str
    name: str
    description: str | None
    family: str
    kind: str
    unit: str
    euros: int


def _sensors() -> list[Good]:
    kinds = (
        ("T", "Temperature sensor", 4990),
        ("P", "Pressure sensor", 8950),
        ("H", "Humidity sensor", 3995),
        ("L", "Level sensor", 12900),
        ("F", "Flow meter", 21900),
    )
    models = ((100, "for indoor use"), (200, "−40 to +85 °C, IP67"), (300, "ATEX zone 1"))
    return [
        Good(
            f"SENS-{letter}{model}",
            f"{name} {letter}{model}",
            f"{name}, {text}. Delivered with calibration certificate.",
            "sensors",
            "goods",
            "pcs",
            euros * model // 100,
        )
        for letter, name, euros in kinds
        for model, text in models
    ]


def _spare_parts() -> list[Good]:
    rows = (
        ("CABLE-2M", "Cable, 2 m", 1250),
        ("CABLE-10M", "Cable, 10 m, UV resistant", 3400),
        ("GASKET-40", "Gasket Ø 40 mm", 290),
        ("GASKET-80", "Gasket Ø 80 mm", 450),
        ("MOUNT-DIN", "DIN rail mount", 890),
        ("MOUNT-WALL", "Wall bracket «Fjell»", 1590),
        ("PSU-24V", "Power supply 24 V ⎓ 2 A", 5900),
        ("PSU-48V", "Power supply 48 V ⎓ 2 A", 7900),
        ("GW-LTE", "Gateway LTE", 34900),
        ("GW-ETH", "Gateway Ethernet", 19900),
        ("ANT-5DB", "Antenna 5 dBi", 2490),
        ("BATT-LI", "Lithium battery 3,6 V", 1190),
        ("FILTER-0.5", "Filter 0.5 µm", 3290),
        ("SCREW-M4", "Screws M4 × 12 (100 pcs)", 690),
        ("LUBE-1KG", "Grease, food grade", 2190),
    )
    return [
        Good(code, name, None, "spare-parts", "goods", "kg" if code == "LUBE-1KG" else "pcs", euros)
        for code, name, euros in rows
    ]


def _services() -> list[Good]:
    rows = (
        ("INSTALL", "Installation on site", 12500, "hour"),
        ("CALIB", "Calibration, accredited", 18900, "pcs"),
        ("TRAIN-DAY", "Training day — formation d'une journée", 98000, "pcs"),
        ("SUPPORT-H", "Support per hour", 9900, "hour"),
        ("REPAIR", "Repair at workshop", 8900, "hour"),
        ("AUDIT", "Energy audit (Größe M)", 240000, "pcs"),
    )
    return [Good(code, name, None, "services", "service", unit, euros) for code, name, euros, unit in rows]


def _plans() -> list[Good]:
    rows = (
        ("PLAN-BASIC", "Cloud Basic", 1900, "month"),
        ("PLAN-PRO", "Cloud Pro", 4900, "month"),
        ("PLAN-ENT", "Cloud Enterprise", 19900, "month"),
        ("ADD-ALARM", "Alarm add-on", 900, "month"),
        ("ADD-API", "API access", 2900, "month"),
        ("LIC-VIEW", "Viewer licence 閲覧", 700, "licence"),
        ("LIC-EDIT", "Editor licence", 1500, "licence"),
    )
    return [
        Good(code, name, f"{name}: billed in advance.", "plans", "subscription", unit, euros)
        for code, name, euros, unit in rows
    ]


def _only_in_the_erp() -> list[Good]:
    """What the warehouse knows and nobody can subscribe to."""
    names = (
        "Pallet, EUR", "Cardboard box S", "Cardboard box L", "Label roll", "Packing tape", "Spare fuse 2 A",
        "Demo case", "Used sensor, checked", "Rental logger", "Shipping within the EU", "Express surcharge",
        "Customs papers", "Test gas (kg)", "Cleaning set", "Antistatic gloves", "Toolbox «Håndverker»",
        "Catalogue, printed", "Deposit", "Old stock T90", "Sample, free of charge",
    )  # fmt: skip
    return [
        Good(f"WH-{1000 + place * 7}", name, None, "spare-parts", "goods", "pcs", 150 + place * 275)
        for place, name in enumerate(names)
    ]


CATALOGUE: tuple[Good, ...] = (*_sensors(), *_spare_parts(), *_services(), *_plans())
WAREHOUSE: tuple[Good, ...] = tuple(_only_in_the_erp())

# What one euro cent is in minor units of each currency. Not today's rates, but steady ones.
RATES = {"EUR": 1.0, "USD": 1.1, "NOK": 11.5, "JPY": 1.6}
EXPONENTS = {"EUR": 2, "USD": 2, "NOK": 2, "JPY": 0}


def price_minor(good: Good, currency: str) -> int:
    """In minor units: cents, øre, whole yen."""
    return max(1, round(good.euros * RATES[currency]))


def decimal_text(minor: int, currency: str) -> str:
    """`1990` EUR as "19.90", `500` JPY as "500"."""
    places = EXPONENTS[currency]
    if places == 0:
        return str(minor)
    return f"{minor // 10**places}.{minor % 10**places:0{places}d}"
