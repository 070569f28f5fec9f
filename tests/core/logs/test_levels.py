"""Errors, warnings, tracebacks and polls among the lines of a log."""

from __future__ import annotations

import pytest

from metabonk_tui.core.logs.levels import line_levels, stated_level


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("ERROR system2 reasoner failed", "error"),
        ("WARN: dynamic UI exploration unavailable (x); disabling", "warning"),
        ("UserWarning: expandable_segments not supported", "warning"),
        ("level=WARN msg=swapping", "warning"),
        ('{"level": "error", "msg": "x"}', "error"),
        ("E1129 13:12:12.5 main.cc] x", "error"),
        ("RuntimeError: no device", "error"),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory", "error"),
        ("[start_omega] orchestrator exited with 1", "error"),
        ("[start_omega] orchestrator exited with 0", ""),
        ("[start_omega] omega-1 restart limit reached (10/10)", "error"),
        ("[start_omega] restarting omega-1 (exit -9, attempt 2)", "warning"),
        ("Segmentation fault (core dumped)", "error"),
        ("connection refused", "warning"),
        ('INFO:     127.0.0.1:50906 - "GET /status HTTP/1.1" 200 OK', "poll"),
        ('INFO:     127.0.0.1:50906 - "GET /status HTTP/1.1" 500 Internal Server Error', ""),
        ('INFO:     127.0.0.1:50906 - "POST /config HTTP/1.1" 200 OK', ""),
        ("INFO: 3 errors were repaired", ""),
        ("errors=0 last_error=None", ""),
        ("[worker:omega-0] action_clip raw=[1.02]", ""),
        ("", ""),
    ],
)
def test_a_line_on_its_own(line: str, level: str) -> None:
    assert stated_level(line) == level


TRACEBACK = [
    ("before", ""),
    ("Traceback (most recent call last):", "trace"),
    ('  File "x.py", line 1, in f', "trace"),
    ("    g()", "trace"),
    ("ValueError: first", "error"),
    ("During handling of the above exception, another exception occurred:", "trace"),
    ("Traceback (most recent call last):", "trace"),
    ('  File "x.py", line 2, in f', "trace"),
    ("queue.Empty", "error"),
    ("after", ""),
]


def test_a_traceback_belongs_to_its_exception() -> None:
    assert [level for level, _ in line_levels(text for text, _ in TRACEBACK)] == [level for _, level in TRACEBACK]


@pytest.mark.parametrize("cut", range(len(TRACEBACK)))
def test_a_traceback_goes_on_where_it_is_read_in_two_parts(cut: int) -> None:
    texts = [text for text, _ in TRACEBACK]
    first = list(line_levels(texts[:cut]))
    rest = line_levels(texts[cut:], first[-1][1] if first else False)
    assert [level for level, _ in (*first, *rest)] == [level for _, level in TRACEBACK]
