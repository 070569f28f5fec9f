"""A traceback in a worker's log is an event, once for each exception."""

import pytest

from metabonk_tui.core.step.log_evidence import traceback_drafts
from tests.support.refs import w

BEGIN = "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("before", "now", "raised"),
    [
        ((), ("WARN: x unavailable",), []),
        ((), (BEGIN, "  File error.py", "ValueError: bad frame"), ["ValueError: bad frame"]),
        ((BEGIN, "ValueError: bad"), (BEGIN, "ValueError: bad"), []),
        ((BEGIN, "ValueError: bad"), (BEGIN, "ValueError: bad", BEGIN, "KeyError: 'x'"), ["KeyError: 'x'"]),
        ((), (BEGIN, "a.b.CustomError", BEGIN, "OSError: y"), ["a.b.CustomError", "OSError: y"]),
        # A log is kept without equal lines: the second traceback lacks its first line.
        ((BEGIN, "ValueError: bad"), (BEGIN, "ValueError: bad", "KeyError: 'x'"), ["KeyError: 'x'"]),
        ((), ("ValueError: printed, no traceback",), []),
        ((), (BEGIN, 'raise RuntimeError("x")', "RuntimeError: x"), ["RuntimeError: x"]),
        ((), (BEGIN, "queue.Empty"), ["queue.Empty"]),
        ((), (BEGIN, "INFO:     connected, error"), [""]),
        ((), (BEGIN, "Exception in thread Thread-2 (f):", BEGIN, "OSError: y"), ["", "OSError: y"]),
        ((), (BEGIN,), [""]),
    ],
)
def test_each_new_exception_is_drafted_once(before: tuple[str, ...], now: tuple[str, ...], raised: list[str]) -> None:
    drafts = list(traceback_drafts({w(1): before}, {w(1): now}))
    assert [draft.facts["raised"] for draft in drafts] == raised
    assert all(draft.workers == (w(1),) for draft in drafts)
