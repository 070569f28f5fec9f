"""Reads OLLAMA_HOST as the `ollama` package of the workers does. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

VARIABLE = "OLLAMA_HOST"
DEFAULT_URL = "http://127.0.0.1:11434"
"""Where the package asks when the variable is not set."""
_DEFAULT_PORT = 11434
_PORTS = {"http": 80, "https": 443}


def ollama_url(host: str | None) -> str | None:
    """Return the URL that the workers ask; None: the value names no host and port.

    Without a scheme the port is 11434; with one it is that of the scheme, as in `http://h`.
    """
    text = (host or "").strip().strip("\"'")
    if not text:
        return DEFAULT_URL
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "http", text
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if scheme not in _PORTS or any(character.isspace() for character in text):
        return None
    name = name or "127.0.0.1"
    shown = f"[{name}]" if ":" in name else name
    port = port or (_PORTS[scheme] if found else _DEFAULT_PORT)
    return f"{scheme}://{shown}:{port}{parts.path.rstrip('/')}"
