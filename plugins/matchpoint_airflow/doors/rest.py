"""The API door: people are brought to Alma one by one, some at a time, by its REST API.

For each: look what Alma has, decide, write. almapy keeps the pace, and slows down when Alma fails; what is tried
again, is tried again here. A write whose answer was lost is not repeated blindly: Alma is looked at
again, and what it has says whether the write came through. An answer lost to a look costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import quote

from airflow.sdk.exceptions import AirflowFailException
from almapy import AlmapyError, ThrottleTimeoutError
from almapy.exceptions import APIClientError, ThresholdError
from niquests.exceptions import RequestException

from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.deliver.decide import TAKEN, Person, Refused, Write, decide, is_meant, ways_to_find
from matchpoint.deliver.progress import Done, Progress
from matchpoint.profile import Profile
from matchpoint_airflow.hooks.alma import Alma, AlmaHook

ATTEMPTS = 5
"""Looks at one person, before it is left for the next delivery."""
NOTE_EVERY = 200
"""People noted in one transaction: what a killed delivery at most looks at again."""
MOST_FAILED = 40
"""Requests in a row that got no answer; then it is the connection that fails."""
_NOT_FOUND = {"401861", "401890"}
_LOOK_AGAIN = _NOT_FOUND | {"401851"}
"""What Alma says to a write when somebody was faster, or when our own write came late: it exists, or does no more."""
_DAILY = "DAILY_THRESHOLD"
# AssertionError, RuntimeError, ValueError: niquests' transport, when a connection breaks under it; almapy counts
# them as such, too.
LOST = (AlmapyError, RequestException, ThrottleTimeoutError, AssertionError, RuntimeError, ValueError)
"""What happens instead of an answer."""


class _Enough(Exception):  # noqa: N818 (no error: the day's requests are used up)
    """Alma takes no more requests today, or only those of the reserve are left."""


class _NoAnswer(Exception):  # noqa: N818 (no error: the person stays due)
    """Alma did not answer about a person; what it was sent it may have taken."""


class _Refusal(Exception):  # noqa: N818 (no error: it becomes a dead letter)
    """Alma says what is wrong with a person, by its ``code``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RestDoor:
    """Brings people of a profile to Alma.

    :param alma: an open connection.
    :param reserve: requests of a day that are left to others.
    """

    def __init__(self, alma: Alma, profile: Profile, reserve: int) -> None:
        self.alma = alma
        self.profile = profile
        self.reserve = reserve
        self.match_points = profile.actions.synchronize.match_points if profile.actions.synchronize else []
        self.is_enough = False
        self._failed = 0

    async def bring_all(
        self, people: Iterator[Person], progress: Progress, clock: Callable[[], datetime], *, at_once: int = 10
    ) -> None:
        """Bring people, so many at a time, and note what became of them.

        Stops where Alma takes no more requests today; ``is_enough`` tells. Raises ConnectionError when Alma does not
        answer, AirflowFailException when it does not let us in.
        """
        done: list[Done] = []
        mark = [self.alma.requests, time.monotonic()]

        def note() -> None:
            requests, now = self.alma.requests, time.monotonic()
            some, done[:] = list(done), []
            progress.note(some, requests=int(requests - mark[0]), seconds=now - mark[1], now=clock())
            mark[:] = [requests, now]

        async def work() -> None:
            for person in people:
                if (one := await self._brought(person)) is not None:
                    done.append(one)
                if len(done) >= NOTE_EVERY:
                    note()
                if self.is_enough:
                    return

        try:
            await _together(work() for _ in range(at_once))
        finally:
            note()

    async def _brought(self, person: Person) -> Done | None:
        """Bring one person; None when it stays due."""
        remaining = self.alma.remaining
        self.is_enough = self.is_enough or (remaining is not None and remaining <= self.reserve)
        if not self.is_enough:
            try:
                return await self.bring(person)
            except _Enough:
                self.is_enough = True
            except _NoAnswer:
                pass
        return None

    async def bring(self, person: Person) -> Done:
        """Bring one person: look, decide, write; after a write without an answer, look again."""
        wrote, looked_again = "", False
        for _ in range(ATTEMPTS):
            step = None
            try:
                step = await self._next_step(person)
                if step is None:
                    return Done(person.due, wrote or "unchanged")
                if isinstance(step, Refused):
                    return Done(person.due, code=step.code)
                await self._send(step)
                return Done(person.due, wrote or step.outcome)
            except _NoAnswer:
                wrote = wrote or (step.outcome if isinstance(step, Write) else "")
            except _Refusal as no:
                if no.code not in _LOOK_AGAIN or looked_again:
                    return Done(person.due, code=no.code)
                looked_again = True
        raise _NoAnswer

    async def _next_step(self, person: Person) -> Write | Refused | None:
        is_taken = False
        for id_type, value in ways_to_find(person, self.match_points):
            found = await self._look(id_type, value)
            if found is not None and is_meant(found, id_type, value):
                return decide(person, found, self.profile.code)
            is_taken = is_taken or found is not None
        return Refused(TAKEN) if is_taken else decide(person, None, self.profile.code)

    async def _look(self, id_type: str, value: str) -> User | None:
        by_type = {} if id_type == PRIMARY_ID else {"user_id_type": id_type}
        try:
            found: User = await self._ask("GET", _address(value), params=by_type)
        except _Refusal as no:
            if no.code in _NOT_FOUND:
                return None
            raise
        if PRIMARY_ID not in found:
            self._lost()
        return found

    async def _send(self, step: Write) -> None:
        if not step.at:
            await self._ask("POST", "/users", json=step.user)
            return
        params = {"override": ",".join(step.override)} if step.override else {}
        await self._ask("PUT", _address(step.at), params=params, json=step.user)

    async def _ask(self, method: str, address: str, **how: Any) -> Any:
        """Make one request. Raises _Refusal, _NoAnswer or _Enough."""
        try:
            answer = await self.alma.client.execute(method, address, parser="json", retry=False, **how)
        except ThresholdError as error:
            if error.code == _DAILY:
                raise _Enough from None
            self._lost()
        except APIClientError as error:
            if code := _code_of(error):
                self._failed = 0
                raise _Refusal(code) from None
            self._lost()
        except LOST:
            self._lost()
        self._failed = 0
        return answer.to_dict()

    def _lost(self) -> NoReturn:
        self._failed += 1
        if self._failed >= MOST_FAILED:
            raise ConnectionError(f"Alma: found no answer to {self._failed} requests in a row; expected some.")
        raise _NoAnswer


def _address(identifier: str) -> str:
    return f"/users/{quote(identifier, safe='')}"


async def _together(work: Iterator[Any]) -> None:
    """Do several things at once; what one raises ends the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


async def ask_left(hook: AlmaHook) -> int | None:
    """Ask Alma how many requests are left today: None when it does not say, 0 when it says that there are none.

    Raises ConnectionError when Alma does not answer, AirflowFailException when it does not let us in.
    """
    async with hook.alma(attempts=1) as alma:
        try:
            return await alma.ask_remaining()
        except ThresholdError as error:
            if error.code == _DAILY:
                return 0
            raise ConnectionError("Alma: found that others ask it too fast; expected an answer.") from None
        except (APIClientError, *LOST) as error:
            raise failed_as(error) from None


def failed_as(error: Exception) -> ConnectionError:
    """Give the error for an Alma that does not answer; raises AirflowFailException when it does not let us in."""
    if isinstance(error, APIClientError) and (code := _code_of(error)):
        _fail(code)
    return ConnectionError(f"Alma: found no answer ({type(error).__name__}); expected one.")


_NOT_LET_IN = ("401", "403")
_OF_A_GATEWAY = ("ROUTING_ERROR",)
"""Codes for an Alma that could not be reached behind its gateway (reference 6.4)."""


def _code_of(error: APIClientError) -> str:
    """Give Alma's code for what is wrong with a person, "" when it is no answer of Alma's.

    Raises AirflowFailException when it is wrong with the connection: then nobody can be brought. Alma's codes for
    that are not in the reference; those about a person are numbers.
    """
    code = str(error.code)
    if code in _OF_A_GATEWAY:
        return ""
    if not code.isdigit() or code in _NOT_LET_IN:
        _fail(code)
    return code


def _fail(code: str) -> NoReturn:
    raise AirflowFailException(
        f"Alma: found the answer {code}; expected to be let in. Look at the API key in Admin > Connections: it needs "
        "the area Users with read and write, and the address of its own region."
    )


def ways_to_find_new(profile: Profile) -> int:
    """Tell by how many identifiers, at most, Alma is asked for a person before it is taken for new."""
    points: Sequence[str] = profile.actions.synchronize.match_points if profile.actions.synchronize else ()
    return len({PRIMARY_ID, *points})
