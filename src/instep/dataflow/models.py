"""The shape of `dataflow.yaml`, field by field: what may stand there, and what it means.

The descriptions are the reference: the JSON Schemas and the documentation are generated from them.
Nothing here knows a system; see `systems` for `instep.yaml`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    Tag,
    model_validator,
)

from instep.core.dataflow import OnDelete, PolicyName
from instep.core.transformations.contract import Flow

Create = Literal["both", "left", "right", "none"]
CreatingWord = Literal["always", "referred", "never"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(strict=True, ge=0)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Paths = Annotated[list[Text], Field(min_length=1)] | Text
Conditions = list[Text] | Text

# Names of the three forms of a property in pydantic's error locations; no key of a file can be one.
LINE: Final = "<line>"
PROPERTY: Final = "<property>"
GROUP: Final = "<group>"


class Misfit(ValueError):
    """What a validator of these models raises: the three parts of a message, never with a secret in it."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix


class Strict(BaseModel):
    """A mapping in a file: a key that is not listed is a mistake, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SidesOfText(Strict):
    """A text per side."""

    left: Text | None = Field(None, description="for the left side")
    right: Text | None = Field(None, description="for the right side")


class SidesOfPaths(Strict):
    """One or more field paths per side."""

    left: Paths | None = Field(None, description="on the left side")
    right: Paths | None = Field(None, description="on the right side")


class SidesOfConditions(Strict):
    """One or more conditions per side, all of which must be met."""

    left: Conditions = Field(default_factory=list, description="on a record of the left side")
    right: Conditions = Field(default_factory=list, description="on a record of the right side")


class SidesOfValue(Strict):
    """A value per side, of whatever type the field has."""

    left: Any = Field(None, description="for the left side")
    right: Any = Field(None, description="for the right side")


class SidesOfFields(Strict):
    """Fields and their values, per side."""

    left: dict[str, Any] = Field(default_factory=dict, description="fields of a record created on the left")
    right: dict[str, Any] = Field(default_factory=dict, description="fields of a record created on the right")


class BrakesModel(Strict):
    """How much of each kind of change is made within an hour before a person is asked.

    More than the count and more than the share of what is linked is too much.
    """

    create_share: Share = Field(
        0.25,
        description="share of the pair's linked records that may be created; 1 is no limit, here and below",
    )
    create_count: Count = Field(10, description="as many may be created, whatever the share")
    change_share: Share = Field(0.25, description="share that may be changed")
    change_count: Count = Field(10, description="as many may be changed")
    retire_share: Share = Field(0.05, description="share that may be taken out of use")
    retire_count: Count = Field(5, description="as many may be taken out of use")
    clear_share: Share = Field(0.05, description="share in which a property may be emptied")
    clear_count: Count = Field(10, description="as many may have a property emptied")
    same_share: Share = Field(
        0.1, description="share in which the values of one property may be replaced by one and the same value"
    )
    same_count: Count = Field(10, description="as many may have it replaced by the same value")
    empty_share: Share = Field(
        0.9, description="share of the records known of one side that a complete reading may miss"
    )
    empty_count: Count = Field(2, description="as many may be missed")
    first_create_share: Share = Field(
        1.0, description="as create_share, until the pair was worked off once, as in its first run"
    )
    first_create_count: Count = Field(10, description="as create_count, until then")
    first_change_share: Share = Field(1.0, description="as change_share, until then")
    first_change_count: Count = Field(10, description="as change_count, until then")
    least: Count | None = Field(
        None, description="the count of every kind for which none is given, in place of those above"
    )

    def limits(self) -> dict[str, tuple[int, float]]:
        """Kind -> (count, share), as in `instep.core.dataflow.Brakes`."""
        found: dict[str, tuple[int, float]] = {}
        for kind in (
            name.removesuffix("_share") for name in type(self).model_fields if name.endswith("_share")
        ):
            count = getattr(self, f"{kind}_count")
            if self.least is not None and f"{kind}_count" not in self.model_fields_set:
                count = self.least
            found[kind] = (count, getattr(self, f"{kind}_share"))
        return found


class PropertyForm(Strict):
    """One mapped idea, where a line alone does not say it all."""

    map: Text | None = Field(None, description="the one-line form: `left <-> right | transformation`")
    left: Paths | None = Field(None, description="field or fields on the left, if there is no map")
    right: Paths | None = Field(None, description="field or fields on the right, if there is no map")
    as_: Any = Field(
        None,
        alias="as",
        description="the transformation, as text or as a mapping of its name to its arguments",
    )
    context: SidesOfPaths | None = Field(None, description="fields that are read along and never written")
    direction: Flow | None = Field(None, description="`both`, or one way only: `to-right`, `to-left`")
    name: Text | None = Field(
        None, description="what messages and match keys call it; the left field if not given"
    )
    policy: PolicyName | None = Field(None, description="who wins a conflict; the pair's policy if not given")
    group: Text | None = Field(None, description="properties of one group win or lose a conflict together")
    required: StrictBool | SidesOfConditions = Field(
        False,
        description="a create waits until this property has a value; with conditions, where the record to copy "
        "meets them",
    )
    when: SidesOfConditions = Field(
        default_factory=SidesOfConditions,
        description="the property is kept in step only where the records meet these conditions",
    )
    default: SidesOfValue | None = Field(
        None, description="written by a create where the other side has no value"
    )
    properties: list[PropertyItem] | None = Field(
        None, description="for nested and lines: the properties inside"
    )

    @model_validator(mode="after")
    def one_form(self) -> PropertyForm:
        if self.map is None and (self.left is None or self.right is None):
            raise Misfit(
                "a property needs both sides",
                why="it has neither `map` nor both of `left` and `right`",
                fix="write map: left_field <-> right_field",
            )
        if self.map is not None and (self.left is not None or self.right is not None):
            raise Misfit("`map` already names both sides", fix="remove `left` and `right`, or `map`")
        if self.map is not None and self.direction is not None:
            raise Misfit("the arrow in `map` already is the direction", fix="remove `direction`")
        return self


class GroupForm(Strict):
    """Several properties with something in common."""

    group: Text = Field(description="properties of one group win or lose a conflict together")
    policy: PolicyName | None = Field(None, description="for each of them that has no policy of its own")
    properties: list[PropertyItem] = Field(description="the properties of the group", min_length=1)


def _form_of(value: Any) -> str:
    if isinstance(value, str):
        return LINE
    if isinstance(value, GroupForm):
        return GROUP
    if isinstance(value, dict) and "group" in value and "properties" in value:
        return PROPERTY if value.keys() & {"map", "left", "right", "as", "name"} else GROUP
    return PROPERTY


PropertyItem = Annotated[
    Annotated[Text, Tag(LINE)] | Annotated[PropertyForm, Tag(PROPERTY)] | Annotated[GroupForm, Tag(GROUP)],
    Discriminator(_form_of),
]
"""A line, a property with more to say, or a group."""


class CreatingWhen(Strict):
    """Records are created for those that meet a condition."""

    when: Conditions = Field(description="what the record of the other side has to meet")


Creating = CreatingWord | CreatingWhen


class SidesOfCreating(Strict):
    """Per side, when Instep may create records there."""

    left: Creating = Field("always", description="on the left side")
    right: Creating = Field("always", description="on the right side")


MatchItem = Annotated[list[Text], Field(min_length=1)] | Text


class PairModel(Strict):
    """Two entities whose records are kept in step."""

    left: Text = Field(description="the entity on the left")
    right: Text = Field(description="the entity on the right")
    match: list[MatchItem] = Field(
        default_factory=list,
        description="how the partner of an unlinked record is found: property names, tried in order; "
        "a list of names matches when all of them are equal",
    )
    where: SidesOfConditions = Field(
        default_factory=SidesOfConditions,
        description="which records the pair is for: `company`, `not company`, `type = firm`, `type in (a, b)`; "
        "all others are left alone, unless they are linked already",
    )
    create: Create | SidesOfCreating = Field(
        "both",
        description="where Instep may create the missing partner; per side: `always`, `never`, `referred`, "
        "which is as soon as a record that is kept in step refers to it, or `when` with conditions",
    )
    on_delete: OnDelete = Field("hold", description="what a confirmed delete on one side does to the partner")
    policy: PolicyName | None = Field(None, description="who wins a conflict; the file's policy if not given")
    new_id: SidesOfText = Field(
        default_factory=lambda: SidesOfText(left=None, right=None),
        description="id of a record that Instep creates where the caller chooses it: `{id}` is the partner's id",
    )
    constants: SidesOfFields = Field(
        default_factory=SidesOfFields, description="fields that every record created by Instep gets"
    )
    brakes: BrakesModel = Field(
        default_factory=lambda: BrakesModel.model_validate({}),
        description="when a run stops before its first write",
    )
    properties: list[PropertyItem] = Field(default_factory=list, description="what is kept in step")


class DataflowFile(Strict):
    """The whole of `dataflow.yaml`."""

    version: Literal[1] = Field(description="of this file's format")
    policy: PolicyName = Field(
        "newest", description="who wins a conflict, where a pair or property does not say"
    )
    pairs: dict[Name, PairModel] = Field(description="by a name of your choice", min_length=1)


PropertyForm.model_rebuild()
GroupForm.model_rebuild()
PairModel.model_rebuild()
DataflowFile.model_rebuild()
