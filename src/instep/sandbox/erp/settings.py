"""How this ERP behaves: what an installation may do differently, changed at the console while it runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Way = Literal["bearer", "basic", "api_key", "oauth"]


class Settings(BaseModel):
    """Defaults are those of a decent, unremarkable service."""

    model_config = ConfigDict(extra="forbid", strict=True)

    auth: list[Way] = Field(
        ["bearer"], description="accepted ways to prove who one is; empty: none is asked for"
    )
    token_ttl_s: int = Field(
        3600, ge=1, description="life of a token from /oauth/token, on the sandbox clock"
    )
    list_lag_ms: int = Field(
        0, ge=0, description="lists show a change only after this; reading one is immediate"
    )
    page_shift: int = Field(
        0, description="rows by which pages after the first are off: < 0 repeats, > 0 skips"
    )
    hard_delete: bool = Field(
        False, description="a deleted record vanishes instead of being listed as deleted"
    )
    require_if_match: bool = Field(
        False, description="PATCH and DELETE without If-Match are refused with 428"
    )
    etags: bool = Field(True, description="ETag is sent and If-Match honoured")
    versions: bool = Field(True, description="records show their version")
    normalise: bool = Field(False, description="trims texts, upper-cases postal codes, lower-cases e-mails")
    bump_unchanged: bool = Field(False, description="a PATCH that changes nothing still makes a new version")
    webhooks: list[Annotated[str, Field(pattern=r"^https?://")]] = Field(
        [], max_length=5, description="addresses that are told of each change"
    )
