"""Which configuration is in effect, in which order, and what `config` says about it."""

import json
import tomllib
from pathlib import Path

import pytest

from metabonk_tui.adapters.state.config_files import find_config, load_config
from metabonk_tui.cli.main import guarded
from metabonk_tui.core.text.mask import MASK
from tests.cli.conftest import Metabonk
from tests.support.paths import ROOT


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Write one file for each place a configuration can come from, each with a floor of its own."""
    own = tmp_path / "config" / "metabonk-tui" / "config.toml"
    own.parent.mkdir(parents=True)
    places = {"own": own, "env": tmp_path / "env.toml", "line": tmp_path / "line.toml"}
    for place, floor in zip(places, (2.0, 3.0, 4.0), strict=True):
        places[place].write_text(f"[memory]\nfloor_gb = {floor}\n")
    return places


def floor_of(metabonk: Metabonk, *argv: str, env: dict[str, str] | None = None) -> float:
    done = metabonk(*argv, "config", "show", env=env)
    assert done.returncode == 0, done.stderr
    floor: float = tomllib.loads(done.stdout)["memory"]["floor_gb"]
    return floor


def test_the_order_is_command_line_environment_own_file_packaged(metabonk: Metabonk, files: dict[str, Path]) -> None:
    env = {"METABONK_TUI_CONFIG": str(files["env"])}
    assert floor_of(metabonk, "--config", str(files["line"]), env=env) == 4.0
    assert floor_of(metabonk, env=env) == 3.0
    assert floor_of(metabonk, env={"METABONK_TUI_CONFIG": ""}) == 2.0
    files["own"].unlink()
    assert floor_of(metabonk) == 1.0


def test_what_was_typed_beats_every_file(metabonk: Metabonk, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[pool]\nworkers = 9\nbase_port = 6000\n")
    done = metabonk("--config", "x.toml", "--workers", "4", "config", "show", "--host", "box")
    pool = tomllib.loads(done.stdout)["pool"]
    assert (pool["workers"], pool["base_port"], pool["host"]) == (4, 6000, "box")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[pool]\nworkerz = 3\n", "pool.workerz: unknown key; did you mean `workers`?"),
        ("[pool\n", "not valid TOML"),
        (b"\xff\xfe\x00", "not valid TOML"),
        (None, "cannot be read (--config): No such file"),
    ],
)
def test_a_bad_configuration_is_78_and_names_the_file(
    metabonk: Metabonk, tmp_path: Path, content: str | bytes | None, message: str
) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = metabonk("config", "check", "--config", str(path))
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.startswith(f"metabonk-tui: {path}: ")
    assert message in done.stderr


@pytest.mark.parametrize("verb", [["config", "show"], ["check"], ["report", "x.toml"], ["stop", "--yes"], []])
def test_a_bad_configuration_is_78_for_every_verb(metabonk: Metabonk, tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "x.toml").write_text("[memory]\nfloor = 1\n")
    done = metabonk("--config", "x.toml", *verb) if "report" not in verb else metabonk(*verb, "--config", "x.toml")
    assert (done.returncode, done.stdout) == (78, "")
    assert "did you mean `floor_gb`?" in done.stderr


def test_a_file_named_by_the_environment_must_be_there(metabonk: Metabonk, tmp_path: Path) -> None:
    done = metabonk("config", "check", env={"METABONK_TUI_CONFIG": str(tmp_path / "gone.toml")})
    assert done.returncode == 78
    assert "$METABONK_TUI_CONFIG" in done.stderr


def test_path_says_where_yours_belongs_before_it_is_there(metabonk: Metabonk, tmp_path: Path) -> None:
    done = metabonk("config", "path")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/config/metabonk-tui/config.toml\n")
    assert f"no such file yet, and no folder {tmp_path}/config/metabonk-tui: the packaged defaults" in done.stderr


def test_init_writes_a_valid_file_once_and_manual_prints_every_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)
    path = tmp_path / "metabonk-tui" / "config.toml"
    assert guarded(["config", "init"]) == 0
    assert f"{path} is written" in capsys.readouterr().out
    assert guarded(["config", "check"]) == 0
    schema = json.loads((path.parent / "metabonk-tui.schema.json").read_text(encoding="utf-8"))
    assert schema["title"] == "metabonk-tui configuration"
    path.write_text("# mine\n")
    assert guarded(["config", "init"]) == 2
    path.rename(tmp_path / "mine.toml")
    capsys.readouterr()
    assert guarded(["config", "path"]) == guarded(["config", "path", "--config", f"{tmp_path}/gone.toml"]) == 0
    usual, named = capsys.readouterr().err.splitlines()
    assert usual.startswith("no such file yet: the packaged defaults are in effect; metabonk-tui setup writes it")
    assert "--config names it, and a named file must exist" in named
    (tmp_path / "mine.toml").rename(path)
    assert path.read_text() == "# mine\n"
    assert guarded(["config", "init", "--config", f"{path}/x"]) == 1
    assert f"{path} is no folder" in capsys.readouterr().err
    assert guarded(["config", "manual"]) == 0
    assert capsys.readouterr().out == (ROOT / "config.toml").read_text(encoding="utf-8")


def test_check_says_which_file_is_good(metabonk: Metabonk, files: dict[str, Path]) -> None:
    assert metabonk("config", "check").stdout == f"ok: {files['own']} (your configuration directory)\n"


def test_show_masks_secrets(metabonk: Metabonk, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('[pool.launcher]\nenvironment = { HF_TOKEN = "hunter2", METABONK_X = "1" }\n')
    done = metabonk("--config", "x.toml", "config", "show")
    assert "hunter2" not in done.stdout + done.stderr
    assert tomllib.loads(done.stdout)["pool"]["launcher"]["environment"] == {"HF_TOKEN": MASK, "METABONK_X": "1"}


def test_what_show_prints_can_be_used(metabonk: Metabonk, tmp_path: Path) -> None:
    (tmp_path / "y.toml").write_text(metabonk("config", "show").stdout)
    assert (
        load_config(str(tmp_path / "y.toml"), environ={}).config
        == load_config(environ={"METABONK_TUI_CONFIG": ""}).config
    )


def test_the_command_line_wins_over_the_environment() -> None:
    path, origin = find_config("a.toml", {"METABONK_TUI_CONFIG": "b.toml"})
    assert (path, origin) == (Path("a.toml"), "--config")
