"""Keeps OpenSSL out of the process until an https URL needs it: it takes 4 MiB of memory and 6 ms of CPU.

asyncio and hashlib import it where they can, and work without it. Does not: speak TLS; httpx does.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec

_MODULES = ("ssl", "_hashlib")
_OWN_HASHES = ("_md5", "_sha1", "_sha3", "_blake2")
"""Python's own hashes; a build without them has those of OpenSSL alone. SHA-2 has another name since Python 3.12."""


def import_without_openssl() -> None:
    """Import asyncio and hashlib without OpenSSL; do nothing where they are imported, or need it."""
    own_hashes = all(map(find_spec, _OWN_HASHES)) and any(map(find_spec, ("_sha2", "_sha256")))
    if not own_hashes or {*_MODULES, "asyncio", "hashlib"} & sys.modules.keys():
        return
    for name in _MODULES:
        # None lets an import fail at once: https://docs.python.org/3/reference/import.html#the-module-cache.
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        importlib.import_module("asyncio")
        importlib.import_module("hashlib")
    finally:
        for name in _MODULES:
            del sys.modules[name]


def enable_in_asyncio() -> None:
    """Let asyncio speak TLS, if it was imported without OpenSSL. Raises ImportError: this Python has none."""
    from asyncio import base_events, selector_events, sslproto

    if vars(sslproto)["ssl"] is None:
        ssl = importlib.import_module("ssl")
        for module in (base_events, selector_events):
            vars(module)["ssl"] = ssl
        importlib.reload(sslproto)
