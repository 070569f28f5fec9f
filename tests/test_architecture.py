"""The house rules that a machine can check: sizes, what a verb loads, what is documented, what must not be written."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "metabonk_tui").rglob("*.py"))
TRACKED = ("metabonk_tui", "tests", "docs", "bench", "themes", ".ci")
LIMIT = 400


def modules() -> Iterator[tuple[str, str]]:
    """Give every module of the program by its name, with its text."""
    assert len(MODULES) > 100
    for path in MODULES:
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def test_no_module_is_too_long() -> None:
    assert [name for name, text in modules() if len(text.splitlines()) > LIMIT] == []


def test_every_module_says_what_it_knows() -> None:
    assert [name for name, text in modules() if text.strip() and not ast.get_docstring(ast.parse(text))] == []


FORBIDDEN_NAMES = re.compile(r"class \w*(Manager|Handler|Helper|Utils?|Data|Info)\b")


def test_no_class_has_a_name_that_says_nothing() -> None:
    assert [name for name, text in modules() if FORBIDDEN_NAMES.search(text)] == []


def test_no_shell_is_ever_asked() -> None:
    for path in MODULES:
        assert "shell=True" not in path.read_text(encoding="utf-8"), path


LOADED = """
import sys
from metabonk_tui.cli.main import guarded
code = guarded({argv!r})
print("LOADED", *sorted(name for name in {watched!r} if name in sys.modules), file=sys.stderr)
sys.exit(0)
"""
HEAVY = ("textual", "httpx", "psutil", "sqlite3", "prometheus_client", "metabonk_tui.ui")


def loaded_by(*argv: str) -> set[str]:
    """Run a verb in a process of its own and list which of the heavy packages it loaded."""
    program = LOADED.format(argv=list(argv), watched=HEAVY)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    lines = [line for line in done.stderr.splitlines() if line.startswith("LOADED")]
    assert lines, done.stderr
    return set(lines[-1].split()[1:])


@pytest.mark.parametrize(
    ("argv", "allowed"),
    [
        (["config", "check"], set()),
        (["config", "show"], set()),
        (["report", "nowhere.jsonl"], {"sqlite3"}),
        (["status"], set()),
        (["compare", "nowhere.jsonl", "nowhere.jsonl"], set()),
        (["compare", "last", "last"], {"sqlite3"}),
        (["check", "--base-port", "1", "--for", "0.1s"], {"httpx", "psutil", "sqlite3"}),
        (["fit", "--base-port", "1"], {"psutil"}),
        (["launch", "1", "--base-port", "1"], {"httpx", "psutil", "sqlite3"}),
        (["stop", "--base-port", "1"], {"httpx", "psutil", "sqlite3"}),
        (["resize", "1", "--base-port", "1"], {"httpx", "psutil", "sqlite3"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_verb_loads_only_what_it_needs_and_never_the_screens(
    argv: list[str], allowed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)
    assert loaded_by(*argv) <= allowed


def test_every_configuration_key_is_explained() -> None:
    """A comment on the key's own line, or above the block of lines it stands in."""
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    tomllib.loads(text)
    explained = set(re.findall(r"^#   (\w+) ", text, re.MULTILINE)) | {"label", "title", "decimals"}
    explained |= {"expected_min", "expected_max", "expected_by_s"}  # "expected_*" stands for the three
    unexplained, block_explained = [], False
    for line in text.splitlines():
        if line.startswith("#"):
            block_explained = True
        elif not line.strip() or line.startswith("["):
            block_explained = False
        elif (key := re.match(r"(\w+) = ", line)) and "#" not in line and not block_explained:
            unexplained.append(key[1])
    assert set(unexplained) - explained == set()


def test_nothing_of_the_place_where_it_was_written_is_in_the_tree() -> None:
    words = ["/" + "work/", "/" + "root/", "shared/" + "design", "shared/" + "research"]
    for folder in TRACKED:
        for path in (ROOT / folder).rglob("*"):
            if (
                path.is_file()
                and path.suffix in (".py", ".md", ".toml", ".txt", ".tcss", "")
                and "__pycache__" not in path.parts
            ):
                text = path.read_text(encoding="utf-8", errors="replace")
                assert not [word for word in words if word in text], path
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "Makefile",
        "pyproject.toml",
        "config.toml",
        "constraints.txt",
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not [word for word in words if word in text], name
