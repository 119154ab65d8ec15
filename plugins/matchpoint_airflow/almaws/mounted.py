"""The API inside Airflow's API server, at ``/alma/almaws/v1``: on the user store of the connection ``user_store``."""

from __future__ import annotations

from datetime import UTC, datetime

from matchpoint.almaws.keys import Limits
from matchpoint.almaws.users import Alma
from matchpoint.profile import load_profiles
from matchpoint_airflow.almaws.server import Server
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.settings import api_store, profiles_folder


def open_server() -> Server:
    """Open the store that the API serves; a profile's code is legal as an external id."""
    hook = UserStoreHook(api_store())
    hook.upgrade()
    engine = hook.get_conn()
    codes = {one.code for one in load_profiles(profiles_folder()).good}
    return Server(Alma(engine, codes), lambda: datetime.now(UTC), Limits(engine))
