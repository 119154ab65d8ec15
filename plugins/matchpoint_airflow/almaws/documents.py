"""What the OpenAPI page says of bodies: a user is what Alma's ``rest_user.xsd`` says, in XML or in its JSON form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Error(BaseModel):
    """One thing that was wrong."""

    errorCode: str  # noqa: N815 (Alma's name)
    errorMessage: str  # noqa: N815
    trackingId: str  # noqa: N815


class ErrorList(BaseModel):
    """What was wrong."""

    error: list[Error]


class WebServiceResult(BaseModel):
    """Alma's form of an error."""

    errorsExist: bool  # noqa: N815
    errorList: ErrorList  # noqa: N815


_USER = {
    "type": "object",
    "properties": {
        "primary_id": {"type": "string", "maxLength": 255},
        "record_type": {"type": "object", "properties": {"value": {"enum": ["PUBLIC", "STAFF", "CONTACT"]}}},
        "account_type": {"type": "object", "properties": {"value": {"enum": ["INTERNAL", "EXTERNAL"]}}},
        "external_id": {"type": "string"},
        "first_name": {"type": "string", "maxLength": 255},
        "last_name": {"type": "string", "maxLength": 255},
        "user_group": {"type": "object", "properties": {"value": {"type": "string"}}},
    },
}
_XML = {"application/xml": {"schema": {"type": "string"}}}


def _both(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}, **_XML}}


_REFUSED = {
    "model": WebServiceResult,
    "content": _XML,
    "description": "Refused, with Alma's code",
}
REFUSALS: dict[int | str, dict[str, Any]] = {status: _REFUSED for status in (400, 401, 403, 404, 405, 429)}
"""Every call may answer so."""
ONE: dict[int | str, dict[str, Any]] = {200: {**_both(_USER), "description": "The user"}}
MANY: dict[int | str, dict[str, Any]] = {
    200: {
        **_both(
            {
                "type": "object",
                "properties": {"user": {"type": "array", "items": _USER}, "total_record_count": {"type": "integer"}},
                "required": ["user", "total_record_count"],
            }
        ),
        "description": "A page of users",
    }
}
EMPTY: dict[int | str, dict[str, Any]] = {200: {**_both({"type": "object"}), "description": "It is well"}}
USER_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _USER}}}}
