"""`serve` where it cannot serve. What it serves is in tests/adapters/web and tests/e2e."""

from __future__ import annotations

import socket
import sys

import pytest

from metabonk_tui.cli.main import guarded


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert guarded(["serve", "--port", str(port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"metabonk-tui: port {port} cannot be opened: ")


@pytest.mark.parametrize("library", ["aiohttp", "textual_serve"])
def test_without_the_extra_it_says_what_to_install(
    library: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "metabonk_tui.adapters.web.server", raising=False)
    assert guarded(["serve"]) == 1
    assert "pip install 'metabonk-tui[web]'" in capsys.readouterr().err


def test_views_and_ports_have_limits(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--views", "0"], ["--views", "17"], ["--port", "65536"], ["--base-port", "0"]):
        assert guarded(["serve", *words]) == 64
    assert "a number of pages from 1 to 16" in capsys.readouterr().err
