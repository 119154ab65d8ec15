"""The user store as an Airflow connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import URL

from matchpoint.store import open_store, upgrade

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy import Engine

_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
_DRIVERS = {"sqlite": "sqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


class UserStoreHook(BaseHook):
    """Opens the user store that a connection describes.

    :param conn_id: a connection of type ``postgres`` (host, port, schema as database name, login, password; in its
        extra ``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey``) or ``sqlite`` (host as path of the file).
    """

    def __init__(self, conn_id: str) -> None:
        super().__init__()
        self.conn_id = conn_id

    def get_conn(self) -> Engine:
        """Open the store; SQLAlchemy connects when it is first used."""
        return open_store(self._url(self.get_connection(self.conn_id)))

    def upgrade(self) -> None:
        """Bring the store to the newest migration."""
        upgrade(self.get_conn())

    def _url(self, connection: Connection) -> URL:
        driver = _DRIVERS.get(connection.conn_type or "")
        if driver is None:
            raise AirflowFailException(
                f"connection {self.conn_id}: found type {connection.conn_type!r}; expected sqlite or postgres. "
                "Change the connection in Admin > Connections."
            )
        if driver == "sqlite":
            return URL.create(driver, database=connection.host or connection.schema)
        return URL.create(
            driver,
            username=connection.login,
            password=connection.password,
            host=connection.host,
            port=connection.port,
            database=connection.schema,
            query={name: str(connection.extra_dejson[name]) for name in _TLS if name in connection.extra_dejson},
        )
