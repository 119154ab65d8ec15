"""Reading code tables by Alma's REST API."""

from __future__ import annotations

from collections.abc import Sequence

from almapy.exceptions import APIClientError, ThresholdError

from matchpoint.alma.code_tables import Code
from matchpoint.read.code_tables import codes_of
from matchpoint_airflow.doors.rest import LOST, failed_as
from matchpoint_airflow.hooks.alma import AlmaHook


async def read_tables(hook: AlmaHook, names: Sequence[str]) -> list[Code]:
    """Read code tables; one that Alma does not have, or that has no code, is left out: it would reject everybody.

    What Alma answers for a table that it does not have is not in the reference: so a code of its own for a request is
    taken for that. Raises ConnectionError when Alma does not answer, AirflowFailException when it does not let us in.
    """
    codes: list[Code] = []
    async with hook.alma() as alma:
        for name in names:
            address = f"/conf/code-tables/{name}"
            try:
                answer = await alma.client.execute("GET", address, params={"lang": "en"}, parser="json")
                codes += codes_of(answer.to_dict())
            except ThresholdError:
                raise ConnectionError("Alma: found that it takes no more requests now; expected an answer.") from None
            except APIClientError as error:
                if not str(error.code).isdigit():
                    raise failed_as(error) from None
            except (*LOST, KeyError) as error:
                raise failed_as(error) from None
    return codes
