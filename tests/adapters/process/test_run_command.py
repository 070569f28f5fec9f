"""What is kept of a command's output: bounded, and without secrets, also where it was cut."""

from __future__ import annotations

import sys
import threading

import pytest

from metabonk_tui.adapters.process.run_command import KEPT_BYTES, KEPT_LINES, CommandResult, run_command
from metabonk_tui.adapters.process.spawn import output_lines


def run(code: str) -> CommandResult:
    return run_command([sys.executable, "-c", code], timeout_s=60, give_up=threading.Event())


def test_output_is_masked() -> None:
    assert run("print('Authorization: Bearer abc9'); print('--password x9 --steps 3')").tail == (
        "Authorization: ••••",
        "--password •••• --steps 3",
    )


def test_a_flood_keeps_its_last_lines() -> None:
    done = run("for number in range(100000): print('line', number)")
    assert done.code == 0
    assert done.tail == tuple(f"line {number}" for number in range(100_000 - KEPT_LINES, 100_000))


def test_the_rest_of_a_secret_that_was_cut_is_not_shown() -> None:
    """The name before the secret is gone, so only the cut shows that this is one."""
    done = run(f"print('token=' + 'S3cret' * {KEPT_BYTES}); print('end')")
    assert done.tail == ("end",)
    done = run(f"print('token=' + 'S3cret' * {KEPT_BYTES}, 'end')")
    assert done.tail == ("end",)


@pytest.mark.parametrize(
    ("text", "is_cut", "expected"),
    [
        ("a\nb\n", False, ("a", "b")),
        ("rest\nb\n", True, ("b",)),
        ("rest of a line", True, ("of a line",)),
        ("rest", True, ()),
        ("\n \nb", False, ("b",)),
        ("", True, ()),
        ("x" * 1_000_000, False, ("x" * 199 + "…",)),
    ],
)
def test_lines(text: str, is_cut: bool, expected: tuple[str, ...]) -> None:
    assert output_lines(text, is_cut=is_cut) == expected
