"""What the models of a description have in common: how they read YAML, and the kinds of words in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SCHEMES = ("env:", "file:")


def _reference(text: str) -> str:
    if not text.startswith(SCHEMES) or text in SCHEMES:
        raise ValueError("a secret is written as env:NAME or file:PATH, never as itself")
    return text


SecretReference = Annotated[
    str, AfterValidator(_reference), Field(examples=["env:ERP_TOKEN", "file:secrets/erp"])
]
Scalar = str | int | bool | None
Outcome = Literal["refused", "taken", "moved", "gone", "retry_later", "in_doubt", "stop"]
Format = Literal["iso", "date", "epoch_s", "epoch_ms"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Equals(Model):
    """A field that says something by having one value."""

    field: str = Field(description="its dotted path")
    value: Scalar = Field(description="the value that says so")
