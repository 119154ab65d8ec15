"""The house stays as it is drawn: who imports whom, what Airflow loads, how big things get."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LIBRARY = REPOSITORY / "include" / "matchpoint"
SHELL = REPOSITORY / "plugins"


def imports(path: Path) -> set[str]:
    """Give the first parts of all modules that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_the_library_imports_neither_airflow_nor_the_shell_nor_the_network(path: Path) -> None:
    assert not imports(path) & {
        "airflow",
        "matchpoint_airflow",
        "socket",
        "paramiko",
        "asyncssh",
        "httpx",
        "requests",
    }
    assert "urllib.request" not in path.read_text()


def test_the_library_works_where_airflow_cannot_be_imported() -> None:
    script = (
        "import sys; sys.modules['airflow'] = None\n"
        "import pkgutil, importlib, matchpoint\n"
        "for one in pkgutil.walk_packages(matchpoint.__path__, 'matchpoint.'):\n"
        "    if 'migrations' not in one.name: importlib.import_module(one.name)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_the_library_asks_no_clock(path: Path) -> None:
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    assert not calls & {"datetime.now", "datetime.utcnow", "date.today", "time.time", "pd.Timestamp.now"}


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("dags/*.py")), ids=lambda path: path.name)
def test_a_dag_file_reads_in_one_screen(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 80
    assert imports(path) <= {"airflow", "matchpoint", "matchpoint_airflow"}


@pytest.mark.parametrize(
    "path",
    sorted([*LIBRARY.rglob("*.py"), *SHELL.rglob("*.py"), *REPOSITORY.glob("scripts/*.py")]),
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    if "migrations" not in path.parts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno + 1 <= 40, node.name


def test_airflow_loads_only_the_plugin_file(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    shutil.copytree(SHELL, plugins, ignore=shutil.ignore_patterns("__pycache__"))
    (plugins / "matchpoint_airflow" / "trap.py").write_text("raise SystemExit('executed by the plugin loader')")
    script = (
        "from airflow.plugins_manager import get_plugin_info\n"
        "from airflow import plugins_manager\n"
        "print([str(one['source']) for one in get_plugin_info() if one['name'] == 'matchpoint'])\n"
        "print(plugins_manager.get_import_errors() if hasattr(plugins_manager, 'get_import_errors') else {})\n"
        "import sys; print('trap' in sys.modules, 'operators' in sys.modules)\n"
    )
    environment = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins)}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1500:]
    assert "$PLUGINS_FOLDER/matchpoint_plugin.py" in done.stdout
    assert "False False" in done.stdout


def test_every_requirement_has_a_reason_and_is_locked_with_its_hash() -> None:
    lock = (REPOSITORY / "requirements.txt").read_text().lower()
    lines = [line for line in (REPOSITORY / "requirements.in").read_text().splitlines() if line.strip()]
    wanted = [line for line in lines if not line.startswith("#")]
    for line in wanted:
        name = line.split("#")[0].strip().split("[")[0].split(">")[0].split("<")[0].lower()
        assert f"\n{name}==" in f"\n{lock}" or f"\n{name}[" in f"\n{lock}", name
    assert "--hash=sha256:" in lock
