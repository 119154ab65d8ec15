"""What goes over the wire: JSON or XML both ways, as the caller asks, and Alma's form of an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import orjson
from fastapi import Request
from fastapi.responses import Response
from lxml import etree

from matchpoint.alma.fields import User
from matchpoint.alma.xml import to_element, to_user
from matchpoint.errors import AccountError

NAMESPACE = "http://com/exlibris/urm/general/xmlbeans"
_PARSER: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_STATUS = {
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "PER_SECOND_THRESHOLD": 429,
    "DAILY_THRESHOLD": 429,
}
"""Alma answers everything else that is wrong with 400."""
_GENERAL = {"POST": "401658", "PUT": "401652"}
"""Alma's codes for what it has none of its own for, by method."""


def wants_json(request: Request) -> bool:
    """Tell whether JSON is asked for; Alma answers XML to who does not say."""
    asked = request.query_params.get("format") or request.headers.get("accept", "")
    return "json" in asked


def answer(
    request: Request, value: dict[str, Any], element: Callable[[], etree._Element], *, status: int = 200
) -> Response:
    """Give a value as JSON, or the element that stands for it as XML."""
    if wants_json(request):
        return Response(orjson.dumps(value), status, media_type="application/json")
    body = etree.tostring(element(), xml_declaration=True, encoding="UTF-8", standalone=True)
    return Response(body, status, media_type="application/xml")


def user_answer(request: Request, user: User) -> Response:
    """Give a user."""
    return answer(request, user, lambda: to_element(user))


async def given_user(request: Request) -> User:
    """Read the user that came; raises :class:`AccountError` 401676 when it is none."""
    body = await request.body()
    try:
        if "xml" in request.headers.get("content-type", ""):
            return to_user(etree.fromstring(body, etree.XMLParser(**_PARSER)))
        return _checked(json.loads(body))
    except (ValueError, etree.XMLSyntaxError, KeyError, TypeError, AttributeError):
        raise AccountError("401676", "No valid XML or JSON of a user was given.") from None


def _checked(value: Any) -> User:
    """Give a user in Alma's JSON form, as it would come out of XML: what it cannot be raises, null is left out."""
    if not isinstance(value, dict):
        raise TypeError("a user is an object")
    user = {name: one for name, one in value.items() if one is not None}
    return to_user(to_element(user))


def failed(request: Request, error: AccountError) -> Response:
    """Give an error in Alma's form."""
    code = error.code if error.code.isdigit() or error.code in _STATUS else _GENERAL.get(request.method, "401658")
    told = {"errorCode": code, "errorMessage": str(error), "trackingId": f"E01-{uuid4().hex[:20]}"}
    body = {"errorsExist": True, "errorList": {"error": [told]}, "result": None}
    return answer(request, body, lambda: _error_element(told), status=_STATUS.get(code, 400))


def _error_element(told: dict[str, str]) -> etree._Element:
    root = etree.Element("web_service_result", nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    etree.SubElement(root, "errorsExist").text = "true"
    home = etree.SubElement(etree.SubElement(root, "errorList"), "error")
    for name, text in told.items():
        etree.SubElement(home, name).text = text
    return root
