"""Checks the rules of the code: module sizes, names, imports of each verb, documented keys, forbidden paths."""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "metabonk_tui").rglob("*.py"))
TRACKED = ("metabonk_tui", "tests", "docs", "bench", "themes", ".ci")
LIMIT = 400


def modules() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every module of the program."""
    assert len(MODULES) > 100
    for path in MODULES:
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


FORBIDDEN_CLASSES = re.compile(r"(Manager|Handler|Helper|Utils?|Data|Info)$")
"""Suffixes that do not describe a class."""
UNPICKLERS = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle", "yaml"}
"""Modules that make code or any object of bytes."""
FORBIDDEN_WORDS = re.compile(r"told|tell(?!i)|heard|hear(?!t)|boil|whoever", re.IGNORECASE)
"""Words that an identifier must not contain: it names what a thing is or does."""


def module_faults(name: str, text: str, tree: ast.Module) -> Iterator[str]:
    """Yield the rules that a module breaks."""
    length = len(text.splitlines())
    if length > LIMIT:
        yield f"{name}: {length} lines, more than {LIMIT}"
    if text.strip() and not ast.get_docstring(tree):
        yield f"{name}: no module docstring"
    if "shell=True" in text:
        yield f"{name}: a shell"
    for node in ast.walk(tree):
        yield from (f"{name}:{node.lineno}: {word} runs code from data" for word in code_from_data(node))
    if re.fullmatch(r"metabonk_tui/core/(?!__init__)\w+\.py", name):
        yield f"{name}: lies in core itself, not in the package of its subject"


def code_from_data(node: Any) -> set[str]:
    """Return what a statement uses to turn data into code or into any object."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names} & UNPICKLERS
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]} & UNPICKLERS
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return {node.func.id} & {"eval", "exec", "compile", "__import__"}
    if isinstance(node, ast.FunctionDef):
        return {node.name} & {"__reduce__", "__reduce_ex__", "__setstate__"}
    return set()


def word_faults(name: str, text: str, tree: ast.Module) -> Iterator[str]:
    """Yield the identifiers that break the naming rules, with their line."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and FORBIDDEN_WORDS.search(token.string):
            yield f"{name}:{token.start[0]}: {token.string}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and FORBIDDEN_CLASSES.search(node.name):
            yield f"{name}:{node.lineno}: class {node.name}"
        elif isinstance(node, ast.For | ast.AsyncFor) and binds_one(node.target):
            if (node.end_lineno or node.lineno) - node.lineno > 5:
                yield f"{name}:{node.lineno}: `one` over more than 5 lines"
        elif isinstance(node, ast.arg) and node.arg == "one":
            yield f"{name}:{node.lineno}: a parameter called `one`"
        elif isinstance(node, ast.Assign) and any(binds_one(target) for target in node.targets):
            yield f"{name}:{node.lineno}: a variable called `one`"


def binds_one(target: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "one" for node in ast.walk(target))


def types_of(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield every class and type alias of a module with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Assign):
            alias = node.targets[0]
            if isinstance(alias, ast.Name) and re.match(r"_?[A-Z][a-z]", alias.id):
                yield alias.id, node.lineno


def test_every_module_keeps_the_rules() -> None:
    assert [fault for name, text in modules() for fault in module_faults(name, text, ast.parse(text))] == []


def test_every_identifier_is_plain() -> None:
    assert [fault for name, text in modules() for fault in word_faults(name, text, ast.parse(text))] == []


def test_no_type_has_the_name_of_another_one() -> None:
    places: dict[str, list[str]] = {}
    for name, text in modules():
        for type_name, line in types_of(ast.parse(text)):
            places.setdefault(type_name, []).append(f"{name}:{line}")
    assert {type_name: found for type_name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('"""Runs it."""\nx = 1\n', 0),
        ("x = 1\n", 1),
        ('"""Runs it."""\n' + "x = 1\n" * LIMIT, 1),
        ('"""Runs it."""\nrun("ls", shell=True)\n', 1),
        ('"""Runs it."""\nfrom pickle import loads\n', 1),
        ('"""Runs it."""\ndef f():\n    import marshal, json\n    eval("1")\n', 2),
        ('"""Runs it."""\nclass A:\n    def __reduce__(self): ...\n', 1),
    ],
    ids=["good", "no docstring", "long", "a shell", "a pickle", "code from data", "a reduce"],
)
def test_a_broken_module_rule_is_found(text: str, faults: int) -> None:
    assert len(list(module_faults("metabonk_tui/x.py", text, ast.parse(text)))) == faults


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("heartbeat = intelligent = someone = 1\n", 0),
        ("told = 1\n", 1),
        ("def tell_all(): ...\n", 1),
        ("class RunInfo: ...\n", 1),
        ("def f(one): ...\n", 1),
        ("one = 1\n", 1),
        ("for one in x:\n    a\n", 0),
        ("for one in x:\n" + "    a\n" * 6, 1),
    ],
)
def test_a_word_that_is_not_plain_is_found(text: str, faults: int) -> None:
    assert len(list(word_faults("x.py", text, ast.parse(text)))) == faults


def test_a_file_in_core_itself_is_found() -> None:
    assert list(module_faults("metabonk_tui/core/stray.py", '"""Strays."""', ast.parse('"""Strays."""')))
    assert not list(module_faults("metabonk_tui/core/__init__.py", "", ast.parse("")))


LOADED = """
import sys
from metabonk_tui.cli.main import guarded
code = guarded({argv!r})
print("LOADED", *sorted(name for name in {watched!r} if name in sys.modules), file=sys.stderr)
sys.exit(0)
"""
HEAVY = ("textual", "httpx", "psutil", "sqlite3", "prometheus_client", "metabonk_tui.ui")


def loaded_by(*argv: str) -> set[str]:
    """Run a verb in a new process and return the heavy packages that it imported."""
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
        (["check", "--base-port", "1", "--for", "0.1s"], {"httpx", "sqlite3"}),
        (["fit", "--base-port", "1"], set()),
        (["launch", "1", "--base-port", "1"], {"httpx", "sqlite3"}),
        (["stop", "--base-port", "1"], {"httpx", "sqlite3"}),
        (["resize", "1", "--base-port", "1"], {"httpx", "sqlite3"}),
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
    """A key has a comment on its own line, or above its block of lines."""
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


MAX_BRANCHES = 25
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.Assert, ast.comprehension, ast.match_case)


def branches(function: ast.AST) -> int:
    """Count the branches of a function; unlike ruff's C901 also `and`, `or`, conditional values and filters."""
    count = 1
    for node in ast.walk(function):
        count += isinstance(node, BRANCHES)
        if isinstance(node, ast.BoolOp):
            count += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            count += len(node.ifs)
    return count


def test_no_function_of_core_branches_too_often() -> None:
    found = {
        f"{path}:{node.name}": branches(node)
        for path in MODULES
        if "core" in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: count for name, count in found.items() if count > MAX_BRANCHES} == {}


def test_branches_are_counted() -> None:
    assert branches(ast.parse("def f(a, b):\n    return a if a and b else [x for x in b if x]").body[0]) == 5


MIRRORED = ("core", "engine", "adapters", "ui", "cli", "demo")
OF_SEVERAL = {
    "tests/adapters/host/test_kernel_memory.py": "memory, cgroup and the OOM counter against the real kernel",
    "tests/adapters/store/test_journal.py": "the store as a whole",
    "tests/core/memory/test_kill_attribution.py": "whose kernel kill it is, from the sample to the verdict",
    "tests/core/run/test_late_gate.py": "a gate that is taken late or again, from the sample to the verdict",
    "tests/core/worker/test_resting.py": "components at rest, from the sample to the alerts",
    "tests/core/step/test_bounds.py": "a day of steps",
    "tests/core/step/test_properties.py": "what holds for every stream of samples",
    "tests/core/step/test_real_recordings.py": "real recordings through the step",
    "tests/demo/test_process_exits.py": "how the ends of real workers are recorded",
    "tests/engine/test_earlier_peaks.py": "peaks from the reader through the collector",
    "tests/engine/test_env_file.py": "the env file from the reader through the collector",
    "tests/cli/test_privacy.py": "secrets and file modes of a whole run, over all verbs",
    "tests/cli/live/test_exporters.py": "the exporters that notifiers lists",
    "tests/cli/report/test_forms.py": "text, Markdown and HTML of one report",
    "tests/cli/verbs/test_import.py": "export and import together",
    "tests/ui/test_golden.py": "every screen as text",
    "tests/ui/test_snapshots.py": "every screen as a picture",
    "tests/ui/views/test_hand_made.py": "hand-made Snapshots against those of the core",
    "tests/ui/views/test_real.py": "every screen from real Snapshots",
    "tests/ui/views/test_sizes.py": "every screen at every size",
    "tests/ui/views/test_truth.py": "every number on every screen",
}
"""Tests of several modules, and what they are about."""


def subject_of(test: str) -> str:
    """Return the module or package that a test file is about by its name."""
    return test.replace("tests/", "metabonk_tui/", 1).replace("test_", "", 1).removesuffix(".py")


def test_tests_lie_where_what_they_test_lies() -> None:
    tests = [str(path.relative_to(ROOT)) for kind in MIRRORED for path in (ROOT / "tests" / kind).rglob("test_*.py")]
    known = {name.removesuffix(".py") for name, _ in modules()}
    known |= {str(path.relative_to(ROOT)) for path in (ROOT / "metabonk_tui").rglob("*") if path.is_dir()}
    known |= {name.removesuffix("_") for name in known}
    assert len(tests) > 100
    assert [test for test in tests if subject_of(test) not in known and test not in OF_SEVERAL] == []
    assert set(OF_SEVERAL) <= set(tests)
