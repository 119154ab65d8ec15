"""The SIS's SFTP server: Airflow's SFTP hook, with failures told in words that say what to do."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
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
from matchpoint_airflow.hooks.host_keys import SisHook, UnknownHost, fingerprint


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
        except UnicodeDecodeError:
            raise AirflowFailException(
                f"connection {self.hook.ssh_conn_id}, folder {self.folder!r}: found a file whose name is not UTF-8; "
                "expected names in UTF-8. Rename it on the server."
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
        with tempfile.TemporaryFile() as local:  # without a name: a process that is killed leaves nobody lying about
            self.hook.retrieve_file(self.path(file.name), local)
            if local.tell() != file.size:
                raise ConnectionError(
                    f"{self.path(file.name)}: found {local.tell()} bytes after the transfer; "
                    f"expected {file.size}. The file changed or the connection broke."
                )
            local.seek(0)
            with target.open("wb") as out:
                shutil.copyfileobj(local, out, 1 << 20)

    def send(self, source: AnyPath, name: str) -> None:
        """Copy a file to the folder, over one of the same name; one of another size there is a broken transfer."""
        path = self.path(name)
        with source.open("rb") as local, self.hook.get_managed_conn() as connection:
            try:
                connection.putfo(local, path, confirm=False)
            except (FileNotFoundError, PermissionError) as error:
                raise AirflowFailException(
                    f"connection {self.hook.ssh_conn_id}: the server let no file be written in {self.folder!r} "
                    f"({type(error).__name__}); expected a folder that the login may write to. Make it, or allow it."
                ) from None
            size, there = local.tell(), connection.stat(path).st_size
        if there != size:
            raise ConnectionError(
                f"{path}: found {there} bytes after the transfer; expected {size}. The connection broke."
            )

    def remove(self, name: str) -> bool:
        """Remove a file from the folder; tells whether it was there."""
        with self.hook.get_managed_conn() as connection:
            try:
                connection.remove(self.path(name))
            except FileNotFoundError:
                return False
        return True

    def rename(self, name: str, new_name: str) -> None:
        """Rename a file in the folder."""
        with self.hook.get_managed_conn() as connection:
            connection.rename(self.path(name), self.path(new_name))


@contextmanager
def sis_server(conn_id: str, folder: str) -> Iterator[SisServer]:
    """Connect to the folder of a SIS.

    An unknown or wrong host key and a refused login fail the task at once, with words; anything else that keeps the
    connection from standing is a :class:`ConnectionError`, which Airflow tries again.
    """
    hook = _hook(conn_id)
    where = f"connection {conn_id} ({hook.remote_host}:{hook.port})"
    try:
        with hook.get_managed_conn():
            yield SisServer(hook, folder)
    except BadHostKeyException as error:
        raise AirflowFailException(
            f"{where}: found another host key than the one pinned in the connection ({fingerprint(error.key)}); "
            "expected the same server. Ask the SIS's people whether they changed it before you change host_key."
        ) from error
    except UnknownHost as error:
        raise AirflowFailException(f"{where}: {error}") from error
    except AuthenticationException as error:
        raise AirflowFailException(
            f"{where}: the login was refused; expected the user name and key of the connection to be accepted. "
            "Check login and key with the SIS's people."
        ) from error
    except (NoValidConnectionsError, socket.gaierror, TimeoutError, EOFError) as error:
        raise ConnectionError(f"{where}: the server cannot be reached ({type(error).__name__})") from error
    except SSHException as error:
        raise ConnectionError(f"{where}: the connection broke ({error})") from error


def _hook(conn_id: str) -> SisHook:
    try:
        return SisHook(ssh_conn_id=conn_id, conn_retry_attempts=1)
    except (ValueError, OSError, SSHException) as error:
        raise AirflowFailException(
            f"connection {conn_id}: found settings that cannot be used ({error}); expected a server, a key to "
            "sign in with, and host_key or known_hosts. Mend the connection."
        ) from error
