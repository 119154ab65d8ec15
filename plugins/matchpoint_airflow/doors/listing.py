"""Reading all users of Alma by its REST API, page after page, within the requests of a day that are ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowFailException
from almapy.exceptions import APIClientError, ThresholdError

from matchpoint.alma.fields import User
from matchpoint_airflow.doors.rest import LOST, failed_as
from matchpoint_airflow.hooks.alma import Alma

PAGE = 100
"""Users in one answer, Alma's most (reference 6.1)."""
PAGES = 5
"""Pages asked for at once."""


async def read_all(alma: Alma, place: int, take: Callable[[Sequence[User]], None], *, reserve: int) -> bool:
    """Give all users of Alma from a place on to ``take``, in lots; tell whether the last one was reached.

    They come by primary id. Stops where only the ``reserve`` of today's requests is left. Raises ConnectionError when
    Alma does not answer, AirflowFailException when it does not let us in, or lists users without what they have.
    """
    while alma.remaining is None or alma.remaining - PAGES >= reserve:
        try:
            pages = await asyncio.gather(*(_page(alma, place + number * PAGE) for number in range(PAGES)))
        except ThresholdError as error:
            if error.code == "DAILY_THRESHOLD":
                return False
            raise ConnectionError("Alma: found that others ask it too fast; expected an answer.") from None
        except (APIClientError, *LOST) as error:
            raise failed_as(error) from None
        lot = [user for page in pages for user in page]
        place += len(lot)
        if lot:
            take(lot)
        if any(len(page) < PAGE for page in pages):
            return True
    return False


async def _page(alma: Alma, offset: int) -> list[User]:
    params: dict[str, Any] = {"limit": PAGE, "offset": offset, "order_by": "primary_id", "expand": "full"}
    answer = (await alma.client.execute("GET", "/users", params=params, parser="json")).to_dict()
    users: list[User] = answer.get("user") or []
    if any("account_type" not in user for user in users):
        raise AirflowFailException(
            "Alma: found users without their account type; expected whole ones, as expand=full gives them. "
            "Reconcile from a file of the job Export users instead."
        )
    return users
