"""The first `make`: each step is said, and what failed is shown."""

import io
import sys

import pytest

from tools.install import Progress, run, step_of


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Collecting textual<9,>=8.2.8 (from metabonk-tui==0.1.0)", "fetching textual"),
        ("  Downloading markdown_it_py-4.0.0-py3-none-any.whl.metadata (7.3 kB)", "fetching markdown_it_py"),
        ("  Using cached anyio-4.11.0-py3-none-any.whl (109 kB)", "fetching anyio"),
        ("  Installing build dependencies: started", "preparing"),
        ("Building wheels for collected packages: metabonk-tui", "building metabonk-tui"),
        ("Installing collected packages: a, b, c", "installing 3 packages"),
        ("Installing collected packages: metabonk-tui\n", "installing metabonk-tui"),
        ("Requirement already satisfied: idna in ./lib", ""),
    ],
)
def test_a_line_of_pip_becomes_a_step(line: str, says: str) -> None:
    assert step_of(line) == says


def test_without_a_terminal_each_step_is_a_line() -> None:
    out = io.StringIO()
    program = "print('Collecting a'); print('Collecting b'); print('Installing collected packages: a, b'); exit(3)"
    status, tail = run([sys.executable, "-c", program], "reading", Progress(out))
    assert status == 3
    assert [line[9:] for line in out.getvalue().splitlines()] == ["reading", "fetching a", "installing 2 packages"]
    assert tail[-1] == "Installing collected packages: a, b\n"
