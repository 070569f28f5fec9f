"""Checks that the wheel contains config.toml, the themes and the samples, and that the installed one runs anywhere."""

import email
import email.policy
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel without a network, as a release does; return its path."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an empty environment that shares only the dependencies; return its Python."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    (site,) = home.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Not a plain .pth path: that would run the editable install's own .pth files and find the checkout again.
    (site / "zzz_dependencies.pth").write_text(f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n")
    return home / "bin" / "python"


def run(python: Path, *argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ.get("PATH", ""), "HOME": str(cwd), "METABONK_TUI_STATE_DIR": str(cwd / "state")}
    return subprocess.run([python, *argv], capture_output=True, text=True, timeout=60, cwd=cwd, env=env)


def test_the_wheel_carries_the_manual_and_the_themes(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "metabonk_tui/config.toml" in names
    assert "metabonk_tui/metabonk-tui-record.service" in names
    themes = {path.name for path in (ROOT / "themes").glob("*.toml")}
    assert themes
    assert {f"metabonk_tui/themes/{name}" for name in themes} <= names
    assert {f"metabonk_tui/monitoring/{path.name}" for path in (ROOT / "monitoring").iterdir()} <= names
    assert {"metabonk_tui/samples/failed.db", "metabonk_tui/samples/rescued.db"} <= names
    assert not [name for name in names if name.startswith(("tests/", "bench/", "docs/"))]


def test_the_wheel_carries_man_page_and_completions_below_the_prefix(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shared = {str(path.relative_to(ROOT)) for path in (ROOT / "share").rglob("*") if path.is_file()}
    assert len(shared) == 4
    assert {name.split(".data/data/")[1] for name in names if ".data/data/" in name} == shared


def test_its_text_on_an_index_has_no_link_into_the_checkout(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = email.message_from_bytes(archive.read(name), policy=email.policy.default)
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = re.sub(r"```.*?```", "", metadata.get_content(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)", text)
    assert targets
    assert not [target for target in targets if not target.startswith("https://")]


def test_what_runs_is_the_installed_one_and_it_finds_its_files(installed: Path, tmp_path: Path) -> None:
    program = (
        "import metabonk_tui; from metabonk_tui.adapters.state.package_data import *\n"
        "print(metabonk_tui.__file__, data_root(), len(default_config_text()), len([*themes_dir().glob('*.toml')]))"
    )
    done = run(installed, "-c", program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    package, root, characters, themes = done.stdout.split()
    assert Path(package).is_relative_to(installed.parent.parent)
    assert Path(root) == Path(package).parent
    assert int(characters) > 1000
    assert int(themes) >= 4


def test_it_runs_from_another_folder(installed: Path, tmp_path: Path) -> None:
    # One test: in another process the wheel would be built and installed again.
    for argv in (
        ["config", "show"],
        ["config", "check"],
        ["record", "--install"],
        ["metrics", "rules"],
        ["--version"],
        ["export", "sample", "--jsonl", "-"],
    ):
        done = run(installed, "-m", "metabonk_tui", *argv, cwd=tmp_path)
        assert done.returncode == 0, (argv, done.stderr)
        assert done.stdout, argv


def test_the_demo_inside_it_can_prepare_a_pool(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "-m", "metabonk_tui.demo", "prepare", "--dir", str(tmp_path / "pool"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pool" / "config.toml").is_file()
