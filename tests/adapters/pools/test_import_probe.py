"""The launcher's own Python is asked for what the workers import: real interpreters, small checkouts."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from metabonk_tui.adapters.pools.import_probe import modules_of, probe_imports
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.core.launch.imports import ImportProbe, imports_item
from tests.support.children import config

MAIN = "src/worker/main.py"


def checkout(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def spec_of(folder: Path, launch: str = f'["{sys.executable}", "launch.py"]') -> LaunchSpec:
    toml = f'[pool.launcher]\ndirectory = "{folder}"\nlaunch = {launch}\n'
    return LaunchSpec(config(toml), folder / "state")


def probe(folder: Path, files: dict[str, str], **env: str) -> ImportProbe | str:
    checkout(folder, files)
    return probe_imports(spec_of(folder), {"PATH": os.environ["PATH"], **env}, threading.Event())


def found(folder: Path, files: dict[str, str], **env: str) -> list[tuple[str, str, str, str]]:
    answer = probe(folder, files, **env)
    assert isinstance(answer, ImportProbe), answer
    return [(module.level, module.how, module.name, module.where) for module in answer.missing]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({MAIN: "import os, json.decoder\nfrom collections import abc\n"}, []),
        ({MAIN: "import json\nimport nowhere.sub\n"}, [("needed", "missing", "nowhere", f"{MAIN}:2")]),
        ({MAIN: "from nowhere import a\n"}, [("needed", "missing", "nowhere", f"{MAIN}:1")]),
        (
            {MAIN: "from .part import x\n", "src/worker/part.py": "import nowhere\n"},
            [("needed", "missing", "nowhere", "src/worker/part.py:1")],
        ),
        (
            {MAIN: "from src.common import part\n", "src/common/part.py": "import nowhere\n"},
            [("needed", "missing", "nowhere", "src/common/part.py:1")],
        ),
        (
            {MAIN: "", "src/worker/__init__.py": "import nowhere\n"},
            [("needed", "missing", "nowhere", "src/worker/__init__.py:1")],
        ),
        ({MAIN: "from .gone import x\n"}, [("needed", "missing", "src.worker.gone", f"{MAIN}:1")]),
        ({MAIN: "from ..common.gone import x\n"}, [("needed", "missing", "src.common.gone", f"{MAIN}:1")]),
        (
            {MAIN: "import json\nfrom .part import x\n", "src/worker/part.py": "x = = 1\n"},
            [("needed", "broken", "src.worker.part", "src/worker/part.py:1")],
        ),
        (
            {MAIN: "try:\n    import nowhere\nexcept Exception:\n    nowhere = None\n"},
            [("optional", "missing", "nowhere", f"{MAIN}:2")],
        ),
        (
            {MAIN: "try:\n    import nowhere\nexcept ImportError as e:\n    raise SystemExit(str(e))\n"},
            [("needed", "missing", "nowhere", f"{MAIN}:2")],
        ),
        (
            {MAIN: "try:\n    import nowhere\nexcept Exception as e:\n    _error = e\n"},
            [("kept", "missing", "nowhere", f"{MAIN}:2")],
        ),
        (
            {
                MAIN: "try:\n    from .part import x\nexcept Exception:\n    x = None\nfrom .other import y\n",
                "src/worker/part.py": "import nowhere\n",
                "src/worker/other.py": "import nowhere\n",
            },
            [("needed", "missing", "nowhere", "src/worker/other.py:1")],
        ),
        ({MAIN: "def f():\n    import nowhere\nif False:\n    import nowhere\n"}, []),
        ({MAIN: "import docker_like\n", "docker_like/notes.txt": ""}, []),
        ({MAIN: "from src import worker\nfrom .main import a\n"}, []),
    ],
)
def test_what_is_missing(tmp_path: Path, files: dict[str, str], expected: list[tuple[str, str, str, str]]) -> None:
    assert found(tmp_path, files) == expected


def test_nothing_of_the_checkout_is_executed(tmp_path: Path) -> None:
    touched = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    assert found(tmp_path, {MAIN: touched + "from . import part\n", "src/worker/part.py": touched}) == []
    assert not (tmp_path / "ran").exists()


def test_the_environment_of_the_launch_decides(tmp_path: Path) -> None:
    files = {MAIN: "import elsewhere_only\n", "lib/elsewhere_only.py": ""}
    assert [name for _, _, name, _ in found(tmp_path, files)] == ["elsewhere_only"]
    assert found(tmp_path, files, PYTHONPATH=str(tmp_path / "lib")) == []


def test_without_the_workers_module_it_is_skipped(tmp_path: Path) -> None:
    answer = probe(tmp_path, {"launch.py": ""})
    assert isinstance(answer, str)
    assert modules_of(spec_of(tmp_path)) == ()
    assert imports_item(answer, is_checkout=False).standing == "SKIPPED"


@pytest.mark.parametrize(
    ("launch", "expected"),
    [
        ('["uv", "run", "launch.py"]', "uv is no Python"),
        ('["./launch"]', "./launch is no Python"),
        ('["no/python3", "launch.py"]', "cannot be run"),
        ('["./python3", "launch.py"]', "could not be asked: exit code 3: no CUDA"),
    ],
)
def test_a_python_that_is_not_known_or_does_not_answer_is_unknown(tmp_path: Path, launch: str, expected: str) -> None:
    checkout(tmp_path, {MAIN: "", "launch": "#!/bin/sh\n", "python3": "#!/bin/sh\necho no CUDA\nexit 3\n"})
    (tmp_path / "python3").chmod(0o755)
    answer = probe_imports(spec_of(tmp_path, launch), {"PATH": os.environ["PATH"]}, threading.Event())
    assert isinstance(answer, str)
    assert expected in answer
    assert imports_item(answer).standing == "UNKNOWN"


def test_a_scripts_first_line_names_the_python(tmp_path: Path) -> None:
    checkout(tmp_path, {MAIN: "import nowhere\n", "start": f"#!{sys.executable} -u\n"})
    if "python" not in Path(sys.executable).name:
        pytest.skip("this interpreter has another name")
    answer = probe_imports(spec_of(tmp_path, '["./start"]'), dict(os.environ), threading.Event())
    assert isinstance(answer, ImportProbe)
    assert [module.name for module in answer.missing] == ["nowhere"]


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    checkout(tmp_path, {MAIN: "", "python3": "#!/bin/sh\nsleep 600\n"})
    (tmp_path / "python3").chmod(0o755)
    spec = spec_of(tmp_path, '["./python3", "launch.py"]')
    answer = probe_imports(spec, {"PATH": os.environ["PATH"]}, threading.Event(), timeout_s=0.3)
    assert isinstance(answer, str)
    assert "no answer within" in answer
