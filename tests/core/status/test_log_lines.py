"""Of a log, the lines that may name a cause are kept once; the last line of a traceback is one, whatever its name."""

import pytest

from metabonk_tui.core.status.log_lines import KEPT_LINES, add_lines, relevant

BEGIN = "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (("step 5", "WARN: x unavailable"), ("WARN: x unavailable",)),
        ((BEGIN, 'File "a.py", line 3, in f', "q.get()", "queue.Empty"), (BEGIN, "queue.Empty")),
        # No traceback is open before the first, or after its exception.
        (
            ("queue.Empty", BEGIN, "q.get()", "httpx.ReadTimeout: timed out", "Done: 5"),
            (BEGIN, "httpx.ReadTimeout: timed out"),
        ),
        ((BEGIN, "queue.Empty", BEGIN, "queue.Full"), (BEGIN, "queue.Empty", BEGIN, "queue.Full")),
        ((BEGIN, 'INFO:     1.2.3.4 - "GET /status HTTP/1.1" 200 OK'), (BEGIN,)),
    ],
)
def test_lines_that_may_name_a_cause_are_kept(lines: tuple[str, ...], kept: tuple[str, ...]) -> None:
    assert relevant(lines) == kept


def test_equal_lines_are_kept_once_and_of_too_many_the_first_and_the_last() -> None:
    assert add_lines(("a", "b"), ("b", "c", "c")) == ("a", "b", "c")
    many = tuple(f"error {n}" for n in range(KEPT_LINES + 5))
    half = KEPT_LINES // 2
    assert add_lines(many[:3], many) == (*many[:half], *many[-half:])
