"""Checks the rules of the code: module sizes, names, imports of each verb, documented keys, forbidden paths."""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminal import Screen

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "metabonk_tui").rglob("*.py"))
TRACKED = ("metabonk_tui", "tests", "docs", "bench", "themes", "tools", "release", "share", ".ci", ".github")
LIMIT = 400


@cache
def modules() -> tuple[tuple[str, str, ast.Module], ...]:
    """Return the path, the text and the tree of every module of the program."""
    assert len(MODULES) > 100
    texts = [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in MODULES]
    return tuple((name, text, ast.parse(text)) for name, text in texts)


@cache
def nodes_of(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return every node of a module. Several rules look at them, and `ast.walk` costs more than a rule."""
    return tuple(ast.walk(tree))


FORBIDDEN_CLASSES = re.compile(r"(Manager|Handler|Helper|Utils?|Data|Info)$")
"""Suffixes that do not describe a class."""
UNPICKLERS = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle", "yaml"}
"""Modules that make code or any object of bytes."""
FORBIDDEN_WORDS = re.compile(r"told|tell(?!i)|heard|hear(?!t)|boil|whoever", re.IGNORECASE)
"""Words that an identifier must not contain: it names what a thing is or does."""
NO_ACTORS = re.compile(r"\b(no|some|any|every)body\b|\bwhoever\b", re.IGNORECASE)
"""Words that name no actor: prose of the program names the worker, the monitor, the kernel or the person."""


def module_faults(name: str, text: str, tree: ast.Module) -> Iterator[str]:
    """Yield the rules that a module breaks."""
    length = len(text.splitlines())
    if length > LIMIT:
        yield f"{name}: {length} lines, more than {LIMIT}"
    if text.strip() and not ast.get_docstring(tree):
        yield f"{name}: no module docstring"
    if "shell=True" in text:
        yield f"{name}: a shell"
    if re.search(r"^(import|from) dataclasses\b", text, re.MULTILINE):
        yield f"{name}: a dataclass, where a msgspec.Struct costs a tenth"
    if "/demo/" not in name and (found := re.search(r"(?<!entry)\.(is_dir|is_file|exists)\(\)", text)):
        yield f"{name}: {found[0]} raises where a path is too long or may not be seen; adapters/files/kind.py does not"
    for node in nodes_of(tree):
        if isinstance(node, MAKES_CODE):
            yield from (f"{name}:{node.lineno}: {word} runs code from data" for word in code_from_data(node))
    if re.fullmatch(r"metabonk_tui/core/(?!__init__)\w+\.py", name):
        yield f"{name}: lies in core itself, not in the package of its subject"


MAKES_CODE = (ast.Import, ast.ImportFrom, ast.Call, ast.FunctionDef)


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
    """Yield the identifiers and the prose that break the naming rules, with their line."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := NO_ACTORS.search(line):
            yield f"{name}:{number}: {found[0]} names no actor"
    suspects = text if FORBIDDEN_WORDS.search(text) else ""
    for token in tokenize.generate_tokens(io.StringIO(suspects).readline):
        if token.type == tokenize.NAME and FORBIDDEN_WORDS.search(token.string):
            yield f"{name}:{token.start[0]}: {token.string}"
    for node in nodes_of(tree):
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
    for node in nodes_of(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Assign):
            alias = node.targets[0]
            if isinstance(alias, ast.Name) and re.match(r"_?[A-Z][a-z]", alias.id):
                yield alias.id, node.lineno


def test_every_module_keeps_the_rules() -> None:
    assert [fault for module in modules() for fault in module_faults(*module)] == []


def test_every_identifier_is_plain() -> None:
    assert [fault for module in modules() for fault in word_faults(*module)] == []


def test_no_type_has_the_name_of_another_one() -> None:
    places: dict[str, list[str]] = {}
    for name, _, tree in modules():
        for type_name, line in types_of(tree):
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
        ('"""Runs it."""\nx = path.is_dir()\n', 1),
        ('"""Runs it."""\ndef f():\n    import marshal, json\n    eval("1")\n', 2),
        ('"""Runs it."""\nclass A:\n    def __reduce__(self): ...\n', 1),
    ],
    ids=["good", "no docstring", "long", "a shell", "a pickle", "a look that raises", "code from data", "a reduce"],
)
def test_a_broken_module_rule_is_found(text: str, faults: int) -> None:
    assert len(list(module_faults("metabonk_tui/x.py", text, ast.parse(text)))) == faults


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("heartbeat = intelligent = someone = 1\n", 0),
        ("told = 1  # whoever, somebody\n", 2),
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
        (["check", "--base-port", "1", "--for", "0.1s"], {"sqlite3"}),
        (["fit", "--base-port", "1"], set()),
        # A port each: tests that run at the same time would ask each other for control of one pool.
        (["launch", "1", "--base-port", "2"], {"sqlite3"}),
        (["stop", "--base-port", "3"], {"sqlite3"}),
        (["resize", "1", "--base-port", "4"], {"sqlite3"}),
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


OPENED_LATER = re.compile(
    r"metabonk_tui\.(ui\.screens\.(?!base|registry|dashboard)\w+|ui\.dialogs\.(?!base)\w+|ui\.views\.compare.*"
    r"|ui\.views\.run\.environment|ui\.views\.logs.*|ui\.log_(job|places)|core\.logs\.(?!model)\w+|adapters\.process\.log_files|ui\.views\.workers\.(detail|generations)"
    r"|core\.report\.(?!timeline)\w+|core\.export\.prometheus|engine\.replay_\w+|adapters\.alerts.*|cli\.report.*)"
    r"|(httpx|prometheus_client|psutil|pygments|markdown_it|rich\.(traceback|syntax|pretty|live|progress))"
)
"""Screens that are not shown, dialogs, comparison, replay, exporters, and libraries that no first picture needs."""


AFTER_THE_FIRST_PICTURE = re.compile(
    r"(textual|rich\.(console|text|segment)|ssl|_ssl|_hashlib|platformdirs|statistics|tempfile|encodings\.idna)"
    r"(\..*)?"
)
"""Textual comes after the first picture. What else costs milliseconds or megabytes is not imported for it."""
MOST_AT_THE_FIRST_PICTURE = 410
"""How many modules of the program may be imported then: each takes 0.2 ms. There are 402."""


def test_the_first_picture_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    # A pool that is configured: without one the first picture is another page.
    (tmp_path / "pool.toml").write_text("[pool]\nbase_port = 1\nworkers = 1\n", encoding="utf-8")
    screen = Screen(
        ["--config", str(tmp_path / "pool.toml")],
        tmp_path,
        module="tests.support.loaded_child",
        environment={"LOADED": str(tmp_path / "loaded")},
    )
    try:
        screen.wait_until((tmp_path / "loaded").exists, "the first picture", 60.0)
        loaded = (tmp_path / "loaded").read_text(encoding="utf-8").split()
        first = (tmp_path / "loaded.first").read_text(encoding="utf-8").split()
    finally:
        screen.close()
    assert "metabonk_tui.ui.screens.dashboard" in first
    assert [name for name in loaded if OPENED_LATER.fullmatch(name)] == []
    assert [name for name in first if AFTER_THE_FIRST_PICTURE.fullmatch(name)] == []
    own = [name for name in first if name.startswith("metabonk_tui.")]
    assert len(own) <= MOST_AT_THE_FIRST_PICTURE, len(own)


@pytest.mark.parametrize("name", ["metabonk_tui.ui.screens.help", "metabonk_tui.ui.dialogs.seek", "httpx"])
def test_what_a_first_picture_must_not_load_is_found(name: str) -> None:
    assert OPENED_LATER.fullmatch(name)
    assert not OPENED_LATER.fullmatch("metabonk_tui.ui.screens.base")


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
                and path.suffix in (".py", ".md", ".toml", ".txt", ".tcss", ".sh", ".rb", ".yml", "")
                and "__pycache__" not in path.parts
            ):
                text = path.read_text(encoding="utf-8", errors="replace")
                assert not [word for word in words if word in text], path
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "CODE_OF_CONDUCT.md",
        "Dockerfile",
        "Makefile",
        "pyproject.toml",
        "config.toml",
        "constraints.txt",
        "mkdocs.yml",
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
        f"{name}:{node.name}": branches(node)
        for name, _, tree in modules()
        if "/core/" in name
        for node in nodes_of(tree)
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: count for name, count in found.items() if count > MAX_BRANCHES} == {}


def test_branches_are_counted() -> None:
    assert branches(ast.parse("def f(a, b):\n    return a if a and b else [x for x in b if x]").body[0]) == 5


def unknown_fields(tree: ast.Module, known: set[str]) -> list[str]:
    """Return the fields that `replace` is given and no type has: mypy does not check them."""
    calls = [node for node in nodes_of(tree) if isinstance(node, ast.Call)]
    return sorted(
        keyword.arg
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "replace"
        for keyword in call.keywords
        if keyword.arg is not None and keyword.arg not in known
    )


def test_replace_is_given_fields_that_a_type_has() -> None:
    known = {name for _, text, _ in modules() for name in re.findall(r"^    (\w+): ", text, re.MULTILINE)}
    calling = [(name, tree) for name, text, tree in modules() if "replace(" in text]
    assert {name: found for name, tree in calling if (found := unknown_fields(tree, known))} == {}


def test_a_field_that_no_type_has_is_found() -> None:
    assert unknown_fields(ast.parse("replace(run, stoped_t=1, name='a', **more)"), {"name", "stopped_t"}) == [
        "stoped_t"
    ]


MIRRORED = ("core", "engine", "adapters", "ui", "cli", "demo")
OF_SEVERAL = {
    "tests/adapters/host/test_kernel_memory.py": "memory, cgroup and the OOM counter against the real kernel",
    "tests/adapters/store/test_journal.py": "the store as a whole",
    "tests/core/memory/test_kill_attribution.py": "whose kernel kill it is, from the sample to the verdict",
    "tests/core/memory/test_host_kills.py": "kills of small processes on the host, from the sample to the verdict",
    "tests/core/run/test_late_gate.py": "a gate that is taken late or again, from the sample to the verdict",
    "tests/core/worker/test_resting.py": "components at rest, from the sample to the alerts",
    "tests/core/step/test_bounds.py": "a day of steps",
    "tests/core/step/test_properties.py": "what holds for every stream of samples",
    "tests/core/step/test_real_recordings.py": "real recordings through the step",
    "tests/core/step/test_waiting.py": "workers that wait for a place, from the sample to the verdict",
    "tests/demo/test_process_exits.py": "how the ends of real workers are recorded",
    "tests/engine/test_earlier_peaks.py": "peaks from the reader through the collector",
    "tests/engine/test_env_file.py": "the env file from the reader through the collector",
    "tests/cli/verbs/test_pool_on_hosts.py": "the verbs of a pool on two hosts, by real agents",
    "tests/cli/verbs/test_two_nodes.py": "two real nodes behind sshd, from the launch to the stop",
    "tests/cli/test_privacy.py": "secrets and file modes of a whole run, over all verbs",
    "tests/cli/live/test_exporters.py": "the exporters that notifiers lists",
    "tests/cli/report/test_forms.py": "text, Markdown and HTML of one report",
    "tests/cli/verbs/test_import.py": "export and import together",
    "tests/ui/views/test_mixed_pool.py": "what no view may say of a pool whose workers are in different states",
    "tests/ui/test_golden.py": "every screen as text",
    "tests/ui/test_snapshots.py": "every screen as a picture",
    "tests/ui/test_tired_user.py": "questions of a tired person, over all screens",
    "tests/ui/views/test_hand_made.py": "hand-made Snapshots against those of the core",
    "tests/ui/views/test_partial.py": "a PARTIAL run and a run that is over, from the header to the panes",
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
    known = {name.removesuffix(".py") for name, _, _ in modules()}
    known |= {str(path.relative_to(ROOT)) for path in (ROOT / "metabonk_tui").rglob("*") if path.is_dir()}
    known |= {name.removesuffix("_") for name in known}
    assert len(tests) > 100
    assert [test for test in tests if subject_of(test) not in known and test not in OF_SEVERAL] == []
    assert set(OF_SEVERAL) <= set(tests)
