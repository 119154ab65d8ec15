"""The SIS's SFTP server: Airflow's SFTP hook, with failures told in words that say what to do."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from stat import S_ISREG

from airflow.providers.sftp.hooks.sftp import SFTPHook
from airflow.sdk.exceptions import AirflowFailException
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    NoValidConnectionsError,
    SSHException,
)

from matchpoint.fetch import RemoteFile
from matchpoint.run_folder import AnyPath


class SisServer:
    """One folder on the SFTP server, over one open connection."""

    def __init__(self, hook: SFTPHook, folder: str) -> None:
        self.hook = hook
        self.folder = folder

    def files(self) -> list[RemoteFile]:
        """List the plain files of the folder."""
        try:
            listed = self.hook.list_directory_with_attr(self.folder)
        except FileNotFoundError:
            raise AirflowFailException(
                f"connection {self.hook.ssh_conn_id}: found no folder {self.folder!r}; expected the path of the "
                "profile's action. Make the folder on the server or change the profile."
            ) from None
        return [
            RemoteFile(one.filename, one.st_size or 0, int(one.st_mtime or 0))
            for one in listed
            if one.st_mode is not None and S_ISREG(one.st_mode)
        ]

    def path(self, name: str) -> str:
        """Give the full path of a file in the folder."""
        return str(PurePosixPath(self.folder, name))

    def copy(self, file: RemoteFile, target: AnyPath) -> None:
        """Copy a file to the run folder; a copy of another size than listed is a broken transfer."""
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, "copy")
            self.hook.retrieve_file(self.path(file.name), str(local))
            if local.stat().st_size != file.size:
                raise ConnectionError(
                    f"{self.path(file.name)}: found {local.stat().st_size} bytes after the transfer; "
                    f"expected {file.size}. The file changed or the connection broke."
                )
            with local.open("rb") as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file in the folder."""
        with self.hook.get_managed_conn() as connection:
            connection.rename(self.path(name), self.path(new_name))


@contextmanager
def sis_server(conn_id: str, folder: str) -> Iterator[SisServer]:
    """Connect to the folder of a SIS.

    A wrong host key and a refused login fail the task at once, with words; anything else that keeps the
    connection from standing is a :class:`ConnectionError`, which Airflow tries again.
    """
    hook = SFTPHook(ssh_conn_id=conn_id, conn_retry_attempts=1)
    where = f"connection {conn_id} ({hook.remote_host}:{hook.port})"
    try:
        with hook.get_managed_conn():
            yield SisServer(hook, folder)
    except BadHostKeyException as error:
        raise AirflowFailException(
            f"{where}: found another host key than the one pinned in the connection; expected the same server. "
            "Ask the SIS's people whether they changed it before you change host_key."
        ) from error
    except AuthenticationException as error:
        raise AirflowFailException(
            f"{where}: the login was refused; expected the user name and key of the connection to be accepted. "
            "Check login and key with the SIS's people."
        ) from error
    except (NoValidConnectionsError, socket.gaierror, TimeoutError, EOFError) as error:
        raise ConnectionError(f"{where}: the server cannot be reached ({type(error).__name__})") from error
    except SSHException as error:
        if "not found in known_hosts" in str(error):
            raise AirflowFailException(
                f"{where}: found no pinned host key; expected one. Put the server's public key into the "
                "connection's extra as host_key."
            ) from error
        raise ConnectionError(f"{where}: the connection broke ({error})") from error
