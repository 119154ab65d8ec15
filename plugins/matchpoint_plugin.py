"""Registers Matchpoint with Airflow: the links of its operators and its pages."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from matchpoint_airflow.almaws.app import create_app
from matchpoint_airflow.almaws.mounted import open_server
from matchpoint_airflow.links import PlanLink, ReportLink
from matchpoint_airflow.web.app import app


class MatchpointPlugin(AirflowPlugin):
    """What Airflow is to know of Matchpoint."""

    name = "matchpoint"
    operator_extra_links = [PlanLink(), ReportLink()]  # noqa: RUF012 (Airflow's form)
    fastapi_apps = [  # noqa: RUF012
        {"app": app, "url_prefix": "/matchpoint", "name": "Matchpoint"},
        {"app": create_app(open_server), "url_prefix": "/alma", "name": "Alma's API on the user store"},
    ]
