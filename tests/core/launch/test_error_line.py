"""The line that names an error, among what tests, tracebacks and shells print."""

from __future__ import annotations

import pytest

from metabonk_tui.core.launch.error_line import error_line

PYTEST_COLLECTION = """\
==================================== ERRORS ====================================
_______________ ERROR collecting tests/test_system2_reasoner.py ________________
ImportError while importing test module '/x/tests/test_system2_reasoner.py'.
Hint: make sure your test modules/packages have valid Python names.
Traceback:
/usr/lib/python3.11/importlib/__init__.py:126: in import_module
    return _bootstrap._gcd_import(name[level:], package, level)
tests/test_system2_reasoner.py:3: in <module>
    from src.worker.system2 import System2Reasoner
E   ImportError: cannot import name 'System2Reasoner' from 'src.worker.system2'
=========================== short test summary info ============================
ERROR tests/test_system2_reasoner.py
!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!
1 error in 0.42s""".splitlines()
PYTEST_ASSERT = """\
    def test_a():
>       assert score() == 3
E       assert 2 == 3
E        +  where 2 = score()
tests/test_a.py:4: AssertionError
FAILED tests/test_a.py::test_a - assert 2 == 3
1 failed in 0.02s""".splitlines()
TRACEBACK = """\
Traceback (most recent call last):
  File "t.py", line 1, in <module>
    import torch
ModuleNotFoundError: No module named 'torch'
[cleanup] done""".splitlines()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (PYTEST_COLLECTION, "ImportError: cannot import name 'System2Reasoner' from 'src.worker.system2'"),
        (PYTEST_ASSERT, "assert 2 == 3"),
        (PYTEST_ASSERT[-2:], "FAILED tests/test_a.py::test_a - assert 2 == 3"),
        (TRACEBACK, "ModuleNotFoundError: No module named 'torch'"),
        (
            ["a", "torch.cuda.OutOfMemoryError: CUDA out of memory", "bye"],
            "torch.cuda.OutOfMemoryError: CUDA out of memory",
        ),
        (["KeyboardInterrupt"], "KeyboardInterrupt"),
        (["sh: 1: pytest: not found", "bye"], "sh: 1: pytest: not found"),
        (["Errors are fine here", "no frames"], "no frames"),
        (["one", "two", ""], "two"),
        ([], ""),
    ],
)
def test_the_error_line(lines: list[str], expected: str) -> None:
    assert error_line(lines) == expected
