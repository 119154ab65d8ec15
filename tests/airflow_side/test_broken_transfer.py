"""A server that is killed in the middle of a transfer: the copy is not taken for whole, and the next try gets it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil
import pytest
import servers

from matchpoint_airflow.hooks.sis import sis_server

SIZE = 24 << 20


def processes() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def sent(one: psutil.Process) -> int:
    try:
        return int(one.io_counters().read_chars)
    except psutil.Error:
        return 0


def kill_in_the_middle(others: set[psutil.Process], ended: threading.Event) -> None:
    """Kill all that has to do with serving, once some megabytes have gone over."""
    while not ended.is_set():
        ours = processes() - others
        if any(sent(one) > SIZE // 6 for one in ours):
            for one in ours:
                one.kill()
            return
        time.sleep(0.005)


@pytest.mark.parametrize("turn", range(2))
def test_a_server_that_is_killed_in_a_transfer(
    tmp_path: Path, sftp_server: servers.SftpServer, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    content, target, ended, others = os.urandom(SIZE), tmp_path / "target", threading.Event(), processes()
    with servers.openssh(tmp_path / "sis") as server:
        (server.root / "people.csv").write_bytes(content)
        monkeypatch.setenv("AIRFLOW_CONN_SIS", server.connection())
        killer = threading.Thread(target=kill_in_the_middle, args=(others, ended))
        try:
            # What Airflow tries again: see matchpoint_airflow.retry.
            with pytest.raises(ConnectionError), sis_server("sis", ".") as sis:
                [file] = sis.files()
                killer.start()
                sis.copy(file, target)
        finally:
            ended.set()
            killer.join()
        assert not target.exists()
    with servers.openssh(tmp_path / "again") as server:
        (server.root / "people.csv").write_bytes(content)
        monkeypatch.setenv("AIRFLOW_CONN_SIS", server.connection())
        with sis_server("sis", ".") as sis:
            [file] = sis.files()
            sis.copy(file, target)
        assert target.read_bytes() == content
