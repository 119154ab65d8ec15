"""What operators of Matchpoint share: the profile and the mode they work for, or the user store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from matchpoint.profile import ImportAction, Mode, Profile, SynchronizeAction
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.guarded import Guarded

if TYPE_CHECKING:
    from sqlalchemy import Engine


class ProfileOperator(Guarded, BaseOperator):
    """An operator that works for one integration profile in one mode.

    :param profile: code of the integration profile.
    :param mode: ``import`` or ``synchronize``.
    """

    template_fields: Sequence[str] = ("profile", "mode")
    ui_color = "#e8f0f8"

    def __init__(self, *, profile: str, mode: Mode, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.profile = profile
        self.mode = mode


class StoreOperator(Guarded, BaseOperator):
    """An operator that works on one user store.

    :param store: connection id of the user store.
    """

    template_fields: Sequence[str] = ("store",)
    ui_color = "#e8f0f8"

    def __init__(self, *, store: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store = store

    def open_store(self) -> Engine:
        """Open the store at its newest migration."""
        hook = UserStoreHook(self.store)
        hook.upgrade()
        return hook.get_conn()


def active_action(profile: Profile, mode: Mode) -> ImportAction | SynchronizeAction:
    """Give the profile's action for a mode; a run of a mode switched off meanwhile fails."""
    action = profile.action(mode)
    if action is None:
        raise AirflowFailException(f"profile {profile.code}: actions.{mode} is not active; nothing was done")
    return action
