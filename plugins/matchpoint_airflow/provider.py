"""What Airflow is to know of the connection type ``alma``: its name and its form.

Airflow asks by the entry point in ``matchpoint_airflow-1.0.dist-info``, while it is itself being imported: so nothing
of Airflow is imported here.
"""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Give the description of this package in the form of Airflow's providers."""
    return {
        "package-name": "matchpoint-airflow",
        "name": "Matchpoint",
        "description": "Keeps the users of Alma in step with the Student Information System.",
        "connection-types": [
            {
                "connection-type": "alma",
                "hook-name": "Alma",
                "hook-class-name": "matchpoint_airflow.hooks.alma.AlmaHook",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "schema", "port", "extra"],
                    "relabeling": {"host": "Address of the API", "password": "API key"},
                    "placeholders": {"host": "https://api-eu.hosted.exlibrisgroup.com"},
                },
            }
        ],
    }
