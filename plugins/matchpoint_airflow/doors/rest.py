"""The API door: people are brought to Alma one by one, some at a time, by its REST API.

For each: look what Alma has, decide, write. A write whose answer was lost is not repeated blindly: Alma is looked at
again, and what it has says whether the write came through. An answer lost to a look costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
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
MOST_FAILED = 30
"""People in a row for whom Alma gave no answer; then it is the connection that fails."""
_NOT_FOUND = {"401861", "401890"}
_EXISTS = "401851"
_DAILY = "DAILY_THRESHOLD"
# AssertionError, RuntimeError, ValueError: niquests' transport, when a connection breaks under it; almapy counts
# them as such, too.
_LOST = (AlmapyError, RequestException, ThrottleTimeoutError, AssertionError, RuntimeError, ValueError)
"""What happens instead of an answer."""


class _Enough(Exception):  # noqa: N818 (no error: the day's requests are used up)
    """Alma takes no more requests today, or only those of the reserve are left."""


class _NoAnswer(Exception):  # noqa: N818 (no error: the person stays due)
    """Alma did not answer about a person."""


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
        if self.is_enough:
            return None
        with suppress(_NoAnswer):
            try:
                done = await self.bring(person)
            except _Enough:
                self.is_enough = True
                return None
            self._failed = 0
            return done
        self._failed += 1
        if self._failed >= MOST_FAILED:
            raise ConnectionError(f"Alma: found no answer about {self._failed} people in a row; expected some.")
        return None

    async def bring(self, person: Person) -> Done:
        """Bring one person: look, decide, write; after a write without an answer, look again."""
        wrote, existed = "", False
        for _ in range(ATTEMPTS):
            step = await self._next_step(person)
            if step is None:
                return Done(person.due, wrote or "unchanged")
            if isinstance(step, Refused):
                return Done(person.due, code=step.code)
            try:
                await self._send(step)
            except ThresholdError as error:
                _stop_if_daily(error)  # else it was too fast: almapy slows down, and Alma has not taken it
            except APIClientError as error:
                code = _code_of(error)
                if code in _NOT_FOUND or (code == _EXISTS and not existed):
                    existed = True  # somebody was faster, or it was our own write that came late: look again
                elif code:
                    return Done(person.due, code=code)
                else:
                    wrote = wrote or step.outcome
            except _LOST:
                wrote = wrote or step.outcome
            else:
                return Done(person.due, wrote or step.outcome)
        raise _NoAnswer

    async def _next_step(self, person: Person) -> Write | Refused | None:
        is_taken = False
        for id_type, value in ways_to_find(person, self.match_points):
            found = await self._look(id_type, value)
            if isinstance(found, Refused):
                return found
            if found is not None and is_meant(found, id_type, value):
                return decide(person, found, self.profile.code)
            is_taken = is_taken or found is not None
        return Refused(TAKEN) if is_taken else decide(person, None, self.profile.code)

    async def _look(self, id_type: str, value: str) -> User | Refused | None:
        """Ask for a user by an identifier. almapy repeats what fails: looking twice does no harm."""
        by_type = {} if id_type == PRIMARY_ID else {"user_id_type": id_type}
        try:
            found: User = (
                await self.alma.client.execute("GET", _address(value), parser="json", params=by_type)
            ).to_dict()
        except ThresholdError as error:
            _stop_if_daily(error)
            raise _NoAnswer from None
        except APIClientError as error:
            code = _code_of(error)
            if code in _NOT_FOUND:
                return None
            if code:
                return Refused(code)
            raise _NoAnswer from None
        except _LOST:
            raise _NoAnswer from None
        if PRIMARY_ID not in found:
            raise _NoAnswer
        return found

    async def _send(self, step: Write) -> None:
        how: dict[str, Any] = {"parser": "json", "json": step.user, "retry": False}
        if not step.at:
            await self.alma.client.execute("POST", "/users", **how)
            return
        params = {"override": ",".join(step.override)} if step.override else {}
        await self.alma.client.execute("PUT", _address(step.at), params=params, **how)


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


def _stop_if_daily(error: ThresholdError) -> None:
    if error.code == _DAILY:
        raise _Enough from None


async def ask_left(hook: AlmaHook) -> int | None:
    """Ask Alma how many requests are left today: None when it does not say, 0 when it says that there are none.

    Raises ConnectionError when Alma does not answer, AirflowFailException when it does not let us in.
    """
    async with hook.alma() as alma:
        try:
            return await alma.ask_remaining()
        except ThresholdError as error:
            if error.code == _DAILY:
                return 0
            raise ConnectionError("Alma: found that others ask it too fast; expected an answer.") from None
        except (APIClientError, *_LOST) as error:
            if isinstance(error, APIClientError) and (code := _code_of(error)):
                _fail(code)
            raise ConnectionError(f"Alma: found no answer ({type(error).__name__}); expected one.") from None


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
