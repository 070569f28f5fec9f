"""OLLAMA_HOST in the forms that people write, read as the ollama package reads it."""

from __future__ import annotations

import pytest

from metabonk_tui.core.worker.ollama import ollama_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1"),
        ("gpu-box", "http://gpu-box:11434"),
        ("http://gpu-box", "http://gpu-box:80"),
        ("https://gpu-box/ollama/", "https://gpu-box:443/ollama"),
        (":11500", "http://127.0.0.1:11500"),
        ("0.0.0.0", "http://0.0.0.0:11434"),
        ("[::1]:11500", "http://[::1]:11500"),
        ('"127.0.0.1:1"', "http://127.0.0.1:1"),
        ("h:port", None),
        ("h:99999", None),
        ("ftp://h", None),
        ("a host", None),
    ],
)
def test_each_form(host: str | None, url: str | None) -> None:
    assert ollama_url(host) == url
