"""Alma's users API: lists, one user, sign-in."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from lxml import etree

from matchpoint.alma.fields import User
from matchpoint.alma.xml import to_element
from matchpoint.almaws.search import FIELDS, ORDERS, Question, search
from matchpoint.almaws.users import ANY_TYPE, add, authenticate, brief, delete, read, replace, shown
from matchpoint.errors import AccountError
from matchpoint_airflow.almaws.documents import EMPTY, MANY, ONE, USER_BODY
from matchpoint_airflow.almaws.server import Acting, ServerOf, caller
from matchpoint_airflow.almaws.wire import answer, given_user, user_answer

router = APIRouter(prefix="/users", tags=["Users"], dependencies=[Depends(caller)])
IdType = Annotated[str, Query(description="Type of the identifier; all_unique for any")]
Body = Annotated[User, Depends(given_user)]
_IN_LISTS = ("primary_id", "first_name", "last_name", "status")


@router.get("/operation/test", responses=EMPTY)
@router.post("/operation/test", responses=EMPTY)
def test(request: Request) -> Response:
    """Tell that the key is taken."""
    return answer(request, {}, lambda: etree.Element("test"))


@router.get("", responses=MANY)
def list_users(
    *,
    request: Request,
    here: ServerOf,
    q: Annotated[str, Query(description=f"field~words, of {', '.join(FIELDS)}; several joined by ' AND '")] = "",
    limit: Annotated[int, Query(description="0 to 100")] = 10,
    offset: int = 0,
    order_by: Annotated[str, Query(description=", ".join(ORDERS))] = "last_name",
    expand: Annotated[str, Query(description="full: whole users")] = "",
    modify_date_from: Annotated[date | None, Query(description="changed from this day on; not with q")] = None,
) -> Response:
    """Give a page of users, sorted by last name unless asked otherwise."""
    found, total = search(here.alma.engine, Question(q, order_by, limit, offset, modify_date_from))
    users = [shown(one) if expand == "full" else _in_list(one) for one in found]
    return answer(request, {"user": users, "total_record_count": total}, lambda: _list_element(users, total))


@router.post("", responses=ONE, openapi_extra=USER_BODY)
def create_user(request: Request, here: ServerOf, act: Acting, user: Body) -> Response:
    """Create a user."""
    return user_answer(request, add(here.alma, user, act))


@router.get("/{user_id:path}", responses=ONE)
def get_user(
    *,
    request: Request,
    here: ServerOf,
    user_id: str,
    user_id_type: IdType = ANY_TYPE,
    view: Literal["full", "brief"] = "full",
) -> Response:
    """Give a user by any identifier."""
    user = read(here.alma, user_id, id_type=user_id_type)
    return user_answer(request, user if view == "full" else brief(user))


@router.put("/{user_id:path}", responses=ONE, openapi_extra=USER_BODY)
def update_user(
    *,
    request: Request,
    here: ServerOf,
    act: Acting,
    user_id: str,
    user: Body,
    user_id_type: IdType = ANY_TYPE,
    override: Annotated[str, Query(description="Special fields to replace in any case, with commas")] = "",
) -> Response:
    """Swap a user for another state of it."""
    named = {one.strip() for one in override.split(",") if one.strip()}
    return user_answer(request, replace(here.alma, user_id, user, act, id_type=user_id_type, override=named))


@router.delete("/{user_id:path}", status_code=204)
def delete_user(here: ServerOf, act: Acting, user_id: str, user_id_type: IdType = ANY_TYPE) -> Response:
    """Delete a user."""
    delete(here.alma, user_id, act, id_type=user_id_type)
    return Response(status_code=204)


@router.post("/{user_id:path}", status_code=204)
def authenticate_user(
    *,
    here: ServerOf,
    act: Acting,
    user_id: str,
    op: Annotated[str, Query(description="auth")] = "",
    password: str = "",
    user_id_type: IdType = ANY_TYPE,
    exl_user_pw: Annotated[str, Header(description="The password, URL-encoded")] = "",
) -> Response:
    """Check the password of an internal user."""
    if op != "auth":
        raise AccountError("401859", "op: found another one; expected auth")
    authenticate(here.alma, user_id, unquote(exl_user_pw) or password, act, id_type=user_id_type)
    return Response(status_code=204)


def _in_list(user: User) -> dict[str, Any]:
    return {name: user[name] for name in _IN_LISTS if name in user} | {
        "link": f"/almaws/v1/users/{user['primary_id']}"
    }


def _list_element(users: list[User], total: int) -> etree._Element:
    root = etree.Element("users", total_record_count=str(total))
    root.extend(to_element(one) for one in users)
    return root
