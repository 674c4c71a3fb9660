"""What the people of an office may agree on in `dataflow.yaml`, and the file that says so."""

from __future__ import annotations

from dataclasses import dataclass

from instep.core.dataflow import Flow, PolicyName
from instep.core.model import Both

PROPERTIES = ("name", "phone", "city", "mail")
PLAIN = ("mail", "dna", "parent")
"""Fields with one name on both sides."""
PATH = Both.of(
    lambda side: {name: name if name in PLAIN else f"{side.value[0]}_{name}" for name in PROPERTIES}
)
ARROWS = {"both": "<->", "to-right": "->", "to-left": "<-"}


@dataclass(frozen=True)
class Terms:
    """`phone`: which way phone numbers go. `cities`: whether cities are kept in step at all. `braked`: whether more
    than two changes of a kind wait for a person."""

    policy: PolicyName = "newest"
    on_delete: str = "hold"
    phone: Flow = "both"
    cities: bool = True
    braked: bool = False
    create: str = "both"

    def mapped(self) -> tuple[str, ...]:
        """The properties that are kept in step."""
        return tuple(name for name in PROPERTIES if name != "city" or self.cities)

    def text(self, spelled: dict[str, str]) -> str:
        """`dataflow.yaml`; `spelled` has the transformation of each property."""
        lines = [
            f"{PATH.left[name]} {ARROWS[self.phone if name == 'phone' else 'both']} {PATH.right[name]} |"
            f" {spelled[name]}"
            for name in self.mapped()
        ]
        lines.append("dna <-> dna")
        text = f"version: 1\npolicy: {self.policy}\npairs:\n"
        for pair, more in (("company", []), ("person", ["parent <-> parent | reference(company)"])):
            text += f"  {pair}:\n    left: {pair}\n    right: {pair}\n    match: [mail]\n"
            text += f"    create: {self.create}\n    on_delete: {self.on_delete}\n"
            text += '    new_id: {left: "r-{id}", right: "l-{id}"}\n'
            text += f"    brakes: {{least: {2 if self.braked else 1000}, empty_count: 0}}\n    properties:\n"
            text += "".join(f"      - {line}\n" for line in (*lines, *more))
        return text


__all__ = ["ARROWS", "PATH", "PLAIN", "PROPERTIES", "Terms"]
