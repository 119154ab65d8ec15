"""Encrypted extracts in whole runs: opened with the keys of a connection, refused where anything is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pysequoia
import pytest
from airflow.sdk.exceptions import AirflowFailException
from extracts import extract, student
from harness import Matchpoint

from matchpoint.profile.openpgp import Decrypt
from matchpoint_airflow.hooks.openpgp import decryption_keys

LIBRARY, SIS = pysequoia.Tsk.generate("Library"), pysequoia.Tsk.generate("SIS")
SECTION = ("format:", "decrypt: {connection: keys}\nformat:")


def sealed(content: str) -> bytes:
    return pysequoia.encrypt(
        content.encode(), recipients=[LIBRARY.extract_certificate()], signer=SIS.signer(), armor=False
    )


def connection(**changes: str | None) -> str:
    extra = {"private_key": str(LIBRARY), "signed_by": str(SIS.extract_certificate()), **changes}
    return json.dumps({"conn_type": "generic", "extra": {name: value for name, value in extra.items() if value}})


@pytest.fixture
def encrypted(on_sqlite: Matchpoint) -> Matchpoint:
    """One institution whose files come encrypted."""
    on_sqlite.use_profile("students", SECTION, ("students_*.csv", "students_*.csv.gpg"))
    on_sqlite.monkeypatch.setenv("AIRFLOW_CONN_KEYS", connection())
    return on_sqlite


def test_an_encrypted_file_is_loaded_and_only_the_encrypted_one_is_marked(encrypted: Matchpoint) -> None:
    text = extract([student(1), student(2, LAST_NAME="")])
    (encrypted.remote / "students_1.csv.gpg").write_bytes(sealed(text))
    result = encrypted.run("sis_import__students")
    assert result.state == "success"
    receipt = encrypted.receipt(result)
    assert (receipt["total"]["created"], receipt["total"]["rejected"]) == (1, 1)
    assert [one["rejections"] for one in receipt["files"]] == ["students_1.rejected.csv"]
    assert [path.name for path in encrypted.remote.iterdir()] == ["students_1.csv.gpg.handled"]


def test_a_file_that_was_changed_stops_the_run_before_anything_is_written(encrypted: Matchpoint) -> None:
    content = bytearray(sealed(extract([student(1)])))
    content[-5] ^= 1
    (encrypted.remote / "students_1.csv.gpg").write_bytes(content)
    result = encrypted.run("sis_import__students")
    assert result.tasks["fetch_extracts"] == "failed"
    assert encrypted.store()["users"] == {}
    assert [path.name for path in encrypted.remote.iterdir()] == ["students_1.csv.gpg"]


def test_keys_that_are_missing_are_told_before_anything_is_fetched(encrypted: Matchpoint) -> None:
    encrypted.monkeypatch.setenv("AIRFLOW_CONN_KEYS", connection(private_key=None))
    result = encrypted.run("sis_import__students")
    assert result.tasks["check_connection"] == "failed"


# --- where the keys come from ---------------------------------------------------------------------------


def test_keys_come_from_a_connection_with_its_password_as_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KEYS", json.dumps({**json.loads(connection()), "password": "open sesame"}))
    keys = decryption_keys(Decrypt(connection="keys"))
    assert keys.private_key == str(LIBRARY)
    assert keys.passphrase == "open sesame"
    assert keys.signed_by == str(SIS.extract_certificate())


def test_keys_come_from_files_where_those_are_named(tmp_path: Path) -> None:
    (tmp_path / "key.asc").write_text(str(LIBRARY))
    (tmp_path / "sis.asc").write_text(str(SIS.extract_certificate()))
    keys = decryption_keys(Decrypt(key_file=str(tmp_path / "key.asc"), signed_by=str(tmp_path / "sis.asc")))
    assert (keys.private_key, keys.passphrase) == (str(LIBRARY), None)
    assert keys.signed_by == str(SIS.extract_certificate())


@pytest.mark.parametrize("name", ["private_key", "signed_by"])
def test_a_key_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KEYS", connection(**{name: None}))
    with pytest.raises(AirflowFailException, match=f"found no {name} in its extra"):
        decryption_keys(Decrypt(connection="keys"))


def test_signers_may_be_missing_where_signatures_are_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KEYS", connection(signed_by=None))
    assert decryption_keys(Decrypt(connection="keys", signatures="optional")).signed_by == ""


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match=r"decrypt.key_file of the profile: found no armoured text"):
        decryption_keys(Decrypt(key_file=str(tmp_path / "no.asc"), signatures="optional"))
