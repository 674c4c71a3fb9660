"""What is drawn from a seed before anything happens: the two systems, the faults, and what people will do.

All of it is plain data, so that a shrinker can take parts away and live the rest again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from random import Random
from typing import Any, Literal

from instep.core.dataflow import PolicyName
from instep.core.model import Both, Side
from instep.core.transformations.contract import Flow

from .faults import Faults
from .tape import Edits

PROFILES: dict[str, dict[str, Any]] = {
    "conditional": {"conditional": True, "chosen_id": True, "versions": "strict"},
    "key": {"key_window_ms": 1_800_000, "chosen_id": True, "versions": "strict"},
    "chosen id": {"chosen_id": True, "versions": "strict"},
    "marker": {"marker": "ref", "versions": "strict"},
    "unique marker": {"marker": "ref", "marker_unique": True, "conditional": True, "versions": "strict"},
    "none": {"versions": "strict"},
    "times": {"versions": "time", "resolution_ms": 1000, "chosen_id": True},
    "no versions": {"versions": "none", "marker": "ref", "marker_unique": True},
}
"""What a system offers to make a write definite; the rest of `Abilities` is alike."""

ACTS = ("edit", "create", "twin", "rename", "delete", "reuse", "merge", "double", "choose", "answer")
"""What a person may do at a moment. twin: enter what the other side has; double: enter what looks like another one
of the same side; choose: release a hold, any of them;
answer: one of those of a cause, so that the rare ones have their turn."""

RUNS = ("sync", "full", "approved", "undo")
"""Kinds of run: only what changed, everything, a plan that a person approved, taking a run back."""

EVENTS = ("wipe", "full disk", "backup", "restore", "freeze", "stall")
"""What may befall a system, the store or a process for some time. freeze: whatever runs stands still; stall: the
next process to run does, for longer than its lease, while another takes over."""


@dataclass(frozen=True)
class Step:
    """One thing that somebody does, `at_s` after the beginning. `picks` choose among what is there then, so that
    a step means something whatever other steps have been taken away."""

    at_s: float
    act: str
    side: Side
    kind: str
    picks: tuple[float, float, float, float]


@dataclass(frozen=True)
class Plan:
    """A world to live. The counts say how many steps of each kind are drawn, unless `steps` gives them."""

    seed: int
    profiles: Both[str]
    policy: PolicyName
    records: int
    edits: int
    deletes: int
    faults: Faults
    runs: int
    on_delete: Literal["hold", "retire", "ignore"] = "hold"
    creates: int = 0
    twins: int = 0
    renames: int = 0
    reuses: int = 0
    merges: int = 0
    chooses: int = 0
    wipes: int = 0
    full_disks: int = 0
    restores: int = 0
    freezes: int = 0
    doubles: int = 0
    answers: int = 0
    stalls: int = 0
    brakes: bool = False
    logs: bool = False
    rival: bool = False
    kinds_of_run: tuple[str, ...] = ("sync",)
    lenses: tuple[str, str] = ("plain", "plain")
    flow: Flow = "both"
    read_only_field: Side | None = None
    read_only_entity: Side | None = None
    spaced: bool = False
    steps: tuple[Step, ...] | None = None
    edited_draws: Edits = field(default_factory=dict)

    @classmethod
    def draw(cls, seed: int) -> Plan:
        """A plan with its own subset and intensity of everything that may happen."""
        plan, random = cls.basic(seed), Random(f"more {seed}")

        def more(most: int, share: float) -> int:
            return random.randint(1, most) if random.random() < share else 0

        return replace(
            plan,
            doubles=more(2, 0.3),
            answers=more(12, 0.4),
            stalls=more(2, 0.1),
            brakes=random.random() < 0.2,
            deletes=plan.deletes + more(3, 0.2),
            kinds_of_run=(*plan.kinds_of_run, *("undo",) * more(2, 0.1)),
            logs=random.random() < 0.3,
        )

    @classmethod
    def basic(cls, seed: int) -> Plan:
        """What a plan begins with. It is left as it is, so that a seed that once failed stays the same world."""
        random = Random(f"plan {seed}")
        names = sorted(PROFILES)
        bad = random.random()

        def some(most: float) -> float:
            return random.random() * most * bad if random.random() < 0.5 else 0.0

        def few(most: int, share: float = 0.3) -> int:
            return random.randint(1, most) if random.random() < share * (0.5 + bad) else 0

        faults = Faults(
            lost=some(0.2),
            unanswered=some(0.3),
            late=some(0.2),
            refused=some(0.2),
            stale=some(0.5),
            broken_list=some(0.3),
            crash=some(0.02),
            wrong=some(0.1),
            lagging_list=some(0.4),
            partial_list=some(0.3),
            doubled_row=some(0.3),
            hints=random.random() if random.random() < 0.4 else 0.0,
        )
        kinds = tuple(kind for kind in RUNS[1:] if random.random() < 0.2)
        sides = (None, None, None, None, None, None, None, Side.LEFT, Side.RIGHT)
        return cls(
            seed,
            Both(random.choice(names), random.choice(names)),
            random.choice(("newest", "hold", "left", "right")),
            random.randint(1, 5),
            random.randint(0, 20),
            few(2, 0.5),
            faults,
            random.randint(2, 6),
            random.choice(("hold", "retire")),
            creates=few(3),
            twins=few(2),
            renames=few(3),
            reuses=few(1, 0.15),
            merges=few(1, 0.2),
            chooses=few(4),
            wipes=few(1, 0.15),
            full_disks=few(2, 0.15),
            restores=few(1, 0.1),
            freezes=few(2, 0.15),
            rival=random.random() < 0.15,
            kinds_of_run=("sync", "sync", *kinds),
            lenses=(
                random.choice(("plain", "case", "cut", "rounded")),
                random.choice(("plain", "case", "cut", "rounded")),
            ),
            flow=random.choice(("both", "both", "both", "both", "to-right", "to-left")),
            read_only_field=random.choice(sides),
            read_only_entity=random.choice(sides),
        )

    @classmethod
    def calm(cls, seed: int) -> Plan:
        """No fault, one edit at a time, and a run after each: here a write more than needed is told apart."""
        plan = cls.draw(seed)
        return replace(
            plan,
            faults=Faults(late_apply_ms=0, read_lag_ms=0, list_lag_ms=0),
            deletes=0,
            reuses=0,
            merges=0,
            chooses=0,
            wipes=0,
            full_disks=0,
            restores=0,
            freezes=0,
            doubles=0,
            answers=0,
            stalls=0,
            brakes=False,
            rival=False,
            kinds_of_run=("sync",),
            spaced=True,
        )

    @classmethod
    def living(cls, seed: int) -> Plan:
        """A process that is always on, now and then beside commands or another one; most hints arrive. It commits so
        often that crashes by chance are rarer."""
        plan, random = cls.draw(seed), Random(f"living {seed}")
        others = tuple(kind for kind in ("sync", *RUNS[1:]) if random.random() < 0.15)
        hints = random.choice((0.0, 0.3, 0.7, 1.0, 1.0))
        faults = replace(plan.faults, hints=hints, crash=plan.faults.crash / 8)
        return replace(plan, kinds_of_run=("live",) * 3 + others, faults=faults)

    @classmethod
    def hasty(cls, seed: int) -> Plan:
        """Many edits of few records, writes that arrive late, and no condition with any of them, but a log: here an
        edit is overwritten in every other world."""
        plan, profiles = cls.basic(seed), ("key", "chosen id", "marker")
        policies: tuple[PolicyName, ...] = (
            "hold",
            "left",
            "right",
        )  # with no need to know when an edit was made
        return replace(
            plan,
            profiles=Both(profiles[seed % 3], profiles[seed // 3 % 3]),
            logs=True,
            policy=policies[seed % 3],
            records=1,
            edits=80,
            runs=25,
            twins=0,  # a create that arrives late beside what a person has entered meanwhile is another matter
            wipes=0,
            answers=12 * (seed % 2),  # what a person has answered, the engine is not judged for
            reuses=0,  # as is an id that stands for another record by the time that a write arrives
            restores=0,
            flow="both",
            read_only_field=None,
            read_only_entity=None,
            faults=replace(plan.faults, late=0.5, unanswered=0.1, lost=0.05, wrong=0.0),
        )

    def counts(self) -> dict[str, int]:
        """How many steps of each kind are drawn."""
        return {
            "edit": self.edits,
            "delete": self.deletes,
            "create": self.creates,
            "twin": self.twins,
            "rename": self.renames,
            "reuse": self.reuses,
            "merge": self.merges,
            "choose": self.chooses,
            "wipe": self.wipes,
            "full disk": self.full_disks,
            "restore": self.restores,
            "freeze": self.freezes,
            "double": self.doubles,
            "answer": self.answers,
            "stall": self.stalls,
        }

    def script(self) -> tuple[Step, ...]:
        """What happens, in order of time: the given steps, or those that the counts and the seed lead to."""
        if self.steps is not None:
            return self.steps
        random = Random(f"script {self.seed}")
        acts = [act for act, count in self.counts().items() for _ in range(count)]
        random.shuffle(acts)
        steps, now = [], 0.0
        for act in acts:
            now += 60.0 if self.spaced else random.choice((0.05, 0.3, 2.0, 20.0))
            side = random.choice((Side.LEFT, Side.RIGHT))
            kind = "person" if act == "delete" else random.choice(("company", "person"))
            picks = (random.random(), random.random(), random.random(), random.random())
            steps.append(Step(now, act, side, kind, picks))
            if act == "restore":  # what is restored was saved some time before
                before = max(now - 5 - 60 * picks[0], 0.01)
                steps.append(Step(before, "backup", side, kind, picks))
        return tuple(sorted(steps, key=lambda step: step.at_s))


KINDS: dict[str, Callable[[int], Plan]] = {
    "living": Plan.living,
    "basic": Plan.basic,
    "drawn": Plan.draw,
    "calm": Plan.calm,
    "hasty": Plan.hasty,
}
"""What worlds are made from a seed."""


def kind_of(plan: Plan) -> str:
    """Which of them a plan is of; one that was changed afterwards counts as drawn."""
    return next((kind for kind, make in KINDS.items() if make(plan.seed) == plan), "drawn")


def told(plan: Plan) -> str:
    """A plan in a few words, without what is as usual."""
    usual = Plan(0, Both("", ""), "hold", 0, 0, 0, Faults(), 0)
    parts = [f"seed {plan.seed}", f"{plan.profiles.left} | {plan.profiles.right}", f"policy {plan.policy}"]
    for each in fields(plan):
        value = getattr(plan, each.name)
        if each.name in ("seed", "profiles", "policy", "steps", "edited_draws", "faults"):
            continue
        if plan.steps is not None and each.name.removesuffix("s").replace("_", " ") in plan.counts():
            continue  # the steps themselves are what counts
        if value != getattr(usual, each.name):
            parts.append(f"{each.name} {value}")
    for each in fields(plan.faults):
        value = getattr(plan.faults, each.name)
        if value and not each.name.endswith("_ms"):
            parts.append(f"{each.name} {value:.2f}")
    return ", ".join(parts)
