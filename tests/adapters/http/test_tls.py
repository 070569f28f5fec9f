"""The monitor runs without OpenSSL until an https URL needs it, and speaks TLS then."""

from __future__ import annotations

import hashlib
import subprocess
import sys

PROGRAM = """
import sys
from metabonk_tui.adapters.http.tls import import_without_openssl
import_without_openssl()
import asyncio, hashlib
print(*sorted({"ssl", "_ssl", "_hashlib"} & set(sys.modules)), ".")
print(hashlib.sha256(b"x").hexdigest(), hashlib.blake2b(b"x", digest_size=8, person=b"y").hexdigest())

from metabonk_tui.adapters.http.client import StatusClient

async def main():
    began = []
    async def answer(reader, writer):
        began.append(await reader.read(3))
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with StatusClient(20.0, 1000) as client:
        await client.fetch(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    print(began[0].hex())

asyncio.run(main())
"""
CLIENT_HELLO = "160301"
"""How a TLS connection begins: a handshake record, of version 3.1 for old servers."""


def test_openssl_is_imported_for_an_https_url_and_not_before() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [
        ".",
        f"{hashlib.sha256(b'x').hexdigest()} {hashlib.blake2b(b'x', digest_size=8, person=b'y').hexdigest()}",
        CLIENT_HELLO,
    ], done.stderr


def test_what_is_imported_already_stays() -> None:
    program = (
        "import asyncio, ssl, sys\nfrom metabonk_tui.adapters.http.tls import *\n"
        "import_without_openssl()\nenable_in_asyncio()\nprint(asyncio.sslproto.ssl is ssl is sys.modules['ssl'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True"], done.stderr
