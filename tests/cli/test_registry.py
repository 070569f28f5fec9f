"""The list of verbs: its help, hints for a word in the wrong place, completion and the man page made from it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from metabonk_tui.cli import main as cli
from metabonk_tui.cli import registry
from metabonk_tui.cli.shell.arguments import arguments_of
from metabonk_tui.cli.shell.completion import completion_script
from metabonk_tui.cli.shell.man_page import man_page
from metabonk_tui.cli.verbs.completion import SHELLS
from metabonk_tui.cli.verbs.demo import SCENARIOS


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--json", "check"], "--json belongs after the verb: metabonk-tui check --json"),
        (["--base-port", "5000", "--wait", "check"], "--wait belongs after the verb: metabonk-tui check --wait"),
        (["--json", "launch"], "unrecognized arguments: --json"),
        (["check", "--version"], "--version belongs before the verb: metabonk-tui --version"),
        (["demo", "--scenario", "sed"], "did you mean seed?"),
        (["status", "--format", "jsn"], "did you mean json?"),
        (["config", "chek"], "did you mean check?"),
        (["config", "zzz"], "choose from path, check, show"),
        (["alerts", "tst"], "invalid choice: 'tst'; did you mean test?"),
        (["completion", "bsh"], "argument SHELL: invalid choice: 'bsh'; did you mean bash?"),
        (["completion", "xyz"], "argument SHELL: invalid choice: 'xyz'; choose from bash, zsh, fish\ntry"),
        (["demo", "helthy"], "unrecognized arguments: helthy; did you mean --scenario healthy?"),
        (["demo", "qq"], "unrecognized arguments: qq\ntry"),
        (["status", "jsn"], "did you mean --format json?"),
        (["watch", "--theme", "drak"], "--theme drak; the configuration has ui.theme: metabonk-tui config path\ntry"),
        (["fit", "--floor-gb", "2"], "; the configuration has memory.floor_gb: metabonk-tui config path"),
        (["watch", "--nothing-like-it"], "unrecognized arguments: --nothing-like-it\ntry"),
        (["completion"], "the following arguments are required: SHELL"),
        (["check", "--ascii"], "--ascii is not an option of check, but of watch, replay, demo"),
        (["--ascii", "check"], "--ascii is not an option of check, but of watch, replay, demo"),
        (["stop", "--read-only"], "--read-only is not an option of stop, but of watch, record"),
        (["config", "--speed", "2"], "--speed is not an option of config, but of watch, check, alerts, record and"),
        (["watch", "--json"], "unrecognized arguments: --json\ntry"),
        (["fit", "5"], "unrecognized arguments: 5; did you mean --workers 5?"),
        (["check", "--jsn"], "did you mean --json?"),
        (["launch", "3", "--workers", "5", "--yes"], "--workers 5 and launch 3 contradict each other"),
        (["help", "chek"], "no such verb: chek; did you mean check?"),
        (["report", "last"], "no run was recorded yet; name a file, try 'sample', or record one: metabonk-tui record"),
        (["replay", "nope"], "no such run: nope; no run was recorded yet"),
        (["export", "last"], "no run was recorded yet"),
        (["replay", "x" * 300], "no such run"),
        (["report", "x" * 300 + ".jsonl"], "no such file"),
        (["compare", "x" * 300, "y" * 300], "no such run"),
        (["import", "x" * 300], "no such file"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(word[:12] for word in value),
)
def test_a_wrong_word_is_refused_with_the_right_hint(
    capsys: pytest.CaptureFixture[str], argv: list[str], expected: str
) -> None:
    assert cli.guarded(argv) == 64
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("verb", registry.VERBS)
def test_the_help_of_every_verb_has_examples_that_are_valid_and_its_exit_codes(verb: str) -> None:
    text = registry.parser_of(verb).format_help()
    assert "\nexit codes:\n  0 " in text
    for example in registry.VERBS[verb].examples:
        assert f"  metabonk-tui {example}\n" in text
        words = example.split("  # ")[0].split(" && ")[0].split(" | ")[0].split(" > ")[0].split()
        before = words[: words.index(verb)] if verb in words else words
        after = words[len(before) + 1 :]
        registry.top_parser().parse_args(before)
        registry.parser_of(verb).parse_args(after)


def test_help_and_version_have_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.guarded(["help", "check"]) == 0
    assert capsys.readouterr().out == registry.parser_of("check").format_help()
    assert cli.guarded(["help"]) == 0
    assert capsys.readouterr().out == registry.top_parser().format_help()
    assert cli.guarded(["version"]) == 0
    short = capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.guarded(["-V"])
    assert capsys.readouterr().out == short


BASH = """
{script}
metabonk-tui() {{ printf 'run-a\\nrun-b\\n'; }}
complete_words() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _metabonk_tui; echo "${{COMPREPLY[*]}}"; }}
{calls}
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_verbs_options_values_runs_and_files(tmp_path: Path) -> None:
    (tmp_path / "page.html").touch()
    expected = {
        "'co'": "compare contract config completion",
        "check --w": "--wait --workers",
        "demo --scenario s": " ".join(name for name in SCENARIOS if name.startswith("s")),
        "--base-port 5000 config ''": " ".join(arguments_of("config")[1].choices),
        "replay r": "run-a run-b",
        "report --html p": "page.html",
        "help v": "version",
        "check --for ''": "",
    }
    calls = "\n".join(f"complete_words metabonk-tui {words}" for words in expected)
    script = BASH.format(script=completion_script("bash"), calls=calls)
    done = subprocess.run(["bash", "-u", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert done.stderr == ""
    assert dict(zip(expected, done.stdout.splitlines(), strict=True)) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_every_verb_and_every_option_is_completed(shell: str) -> None:
    script = completion_script(shell)
    for verb in registry.VERBS:
        assert verb in script
        for argument in arguments_of(verb):
            for name in argument.names:
                assert (
                    name if shell != "fish" else f"-{'l' if name[:2] == '--' else 's'} {name.lstrip('-')} "
                ) in script
    if shutil.which(shell):
        check = "--no-execute" if shell == "fish" else "-n"
        done = subprocess.run([shell, check], input=script, capture_output=True, text=True, timeout=20)
        assert (done.returncode, done.stderr) == (0, "")


def test_completion_names_the_recorded_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.guarded(["completion", "runs"]) == 0
    assert capsys.readouterr().out == ""
    runs = tmp_path / "state" / "runs"
    runs.mkdir(parents=True)
    (runs / "some-run.db").touch()
    assert cli.guarded(["completion", "runs"]) == 0
    assert capsys.readouterr().out == "some-run\n"


def test_the_man_page_has_every_verb_and_no_text_that_roff_takes_for_a_command() -> None:
    page = man_page()
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".nf", ".fi", ".RS", ".RE"}
    for verb in registry.VERBS:
        assert f"\n.SS {verb.replace('-', chr(92) + '-')}" in page
    if shutil.which("groff"):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, timeout=20
        )
        assert "metabonk" in done.stdout
        assert [line for line in done.stderr.splitlines() if "cannot adjust" not in line] == []
