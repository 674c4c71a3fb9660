"""What the API answers when it refuses: one exception, rendered in Chargebee's error shape.

Source: Chargebee API, "error handling": a flat JSON object with `message` and `api_error_code` always,
`type` except on authentication errors, `param` when one parameter is at fault.
To add an error, call `ApiError` with the code; the table below knows its HTTP status and type.
"""

from __future__ import annotations

import msgspec

STATUS_AND_TYPE: dict[str, tuple[int, str]] = {
    "param_wrong_value": (400, "invalid_request"),
    "duplicate_entry": (400, "invalid_request"),
    "invalid_request": (400, "invalid_request"),
    "resource_limit_exceeded": (400, "invalid_request"),
    "configuration_incompatible": (400, "invalid_request"),
    "api_authentication_failed": (401, ""),
    "api_authorization_failed": (403, ""),
    "request_blocked": (403, "operation_failed"),
    "resource_not_found": (404, "invalid_request"),
    "site_not_found": (404, ""),
    "http_method_not_supported": (405, "invalid_request"),
    "invalid_state_for_request": (409, "invalid_request"),
    "unable_to_process_request": (422, "invalid_request"),
    "api_request_limit_exceeded": (429, "operation_failed"),
    "lock_timeout": (429, "operation_failed"),
    "internal_error": (500, "operation_failed"),
    "internal_temporary_error": (503, "operation_failed"),
}

# The older spelling of some codes, which the body still carries beside the newer one.
_LEGACY = {"duplicate_entry": "param_not_unique"}


class ApiError(Exception):
    """A refusal with its HTTP status; `message` is without the parameter, which is put in front when
    rendered."""

    def __init__(
        self, code: str, message: str, *, param: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers or {}
        self.status, self.type = STATUS_AND_TYPE[code]

    def body(self) -> bytes:
        """The JSON body, with the legacy attributes that Chargebee's own fixtures show."""
        blamed = self.param is not None and self.status == 400
        shown: dict[str, str | int] = {
            "message": f"{self.param}: {self.message}" if blamed else self.message,
            "api_error_code": self.code,
            "error_code": _LEGACY.get(self.code, self.code),
            "error_msg": self.message,
            "http_status_code": self.status,
        }
        if self.type:
            shown["type"] = self.type
        if self.param:
            shown["param"] = self.param
        if self.param and blamed:
            shown["error_param"] = self.param
        return msgspec.json.encode(shown)


def wrong_value(param: str, message: str) -> ApiError:
    """400: one parameter is missing, too long or not of its kind."""
    return ApiError("param_wrong_value", message, param=param)


def not_found(record_id: str, param: str) -> ApiError:
    """404: no such record, or none within the business entity of the call."""
    return ApiError("resource_not_found", f"{record_id} not found", param=param)
