"""The server of `serve`: who gets in, what reaches the browser, and that no monitor is left."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from metabonk_tui.adapters.web.server import ViewServer
from metabonk_tui.adapters.web.viewer import start_viewer
from tests.support.waiting import wait_for_async

ECHO = """
import os, sys, termios, tty
from metabonk_tui.adapters.web.viewer import take_terminal
take_terminal()
tty.setraw(0)
terminal = f"size {tuple(os.get_terminal_size(0))} {os.environ['TERM']} tmux {'TMUX' in os.environ}"
print(f"pid {os.getpid()} {terminal}", flush=True)
while data := os.read(0, 100):
    os.write(1, b"<" + data + b">" + str(tuple(termios.tcgetwinsize(0))).encode())
"""
"""Stands for a monitor: says what terminal it has, and writes what it reads."""


@pytest.fixture
async def server() -> AsyncIterator[ViewServer]:
    serving = ViewServer([sys.executable, "-c", ECHO], 2)
    await serving.start(0)
    yield serving
    await serving.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until_shown(socket: aiohttp.ClientWebSocketResponse, wanted: str, limit_s: float = 20) -> str:
    shown = ""
    async with asyncio.timeout(limit_s):
        while wanted not in shown:
            shown += (await socket.receive_bytes()).decode()
    return shown


TOKEN = "TOKEN"
REFUSED = [
    ("/", {}),
    ("/socket", {}),
    ("/x/", {}),
    (f"/{TOKEN[:-1]}/", {}),
    (f"/{TOKEN}x/", {}),
    ("/%C3%A9/", {}),
    (f"/x/../{TOKEN}x", {}),
    (f"/{TOKEN}/", {"Host": "evil.example:{port}"}),
    (f"/{TOKEN}/", {"Host": "127.0.0.1.evil.example"}),
    (f"/{TOKEN}/", {"Host": "192.168.0.1:{port}"}),
    (f"/{TOKEN}/", {"Host": ""}),
    (f"/{TOKEN}/", {"Origin": "http://evil.example"}),
    (f"/{TOKEN}/socket", {}),
    (f"/{TOKEN}/socket", {"Origin": "null"}),
    (f"/{TOKEN}/socket", {"Origin": "http://127.0.0.1:1"}),
    (f"/{TOKEN}/socket", {"Origin": "https://127.0.0.1:{port}"}),
    (f"/{TOKEN}/socket", {"Origin": "http://localhost:{port}"}),
    ("/x/socket", {"Origin": "http://127.0.0.1:{port}"}),
]
"""Path and headers; {port} is the server's."""


async def test_without_token_or_by_a_foreign_name_there_is_nothing(
    server: ViewServer, client: aiohttp.ClientSession
) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    root = f"http://127.0.0.1:{server.port}"
    for path, headers in REFUSED:
        asked = {name: value.replace("{port}", str(server.port)) for name, value in headers.items()}
        if path.endswith("socket"):
            asked |= upgrade | key
        async with client.get(root + path.replace(TOKEN, server.token), headers=asked) as answer:
            assert (answer.status, await answer.text()) == (403, "403 Forbidden\n"), (path, headers)
    assert server.token not in repr(server.__dict__.get("_command"))


async def test_the_page_needs_no_other_server(server: ViewServer, client: aiohttp.ClientSession) -> None:
    async with client.get(server.url.removesuffix("/")) as answer:
        assert str(answer.url) == server.url
        text = await answer.text()
    assert f'"ws://127.0.0.1:{server.port}/{server.token}/socket"' in text
    assert "https://" not in text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for name, kind in (("textual.js", "text/javascript"), ("xterm.css", "text/css"), ("font.ttf", "font/ttf")):
        async with client.get(server.url + name) as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            assert len(await answer.read()) > 1000
    async with client.get(server.url + "../../etc/passwd") as answer:
        assert answer.status == 403
    async with client.get(server.url + "static") as answer:
        assert answer.status == 404
    async with client.post(server.url) as answer:
        assert answer.status == 405
    # Through `ssh -L 9000:...` the browser calls it by another port.
    async with client.get(server.url, headers={"Host": "localhost:9000"}) as answer:
        assert f"ws://localhost:9000/{server.token}/socket" in await answer.text()


async def test_a_browser_gets_a_terminal_and_its_end_ends_the_monitor(
    server: ViewServer, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX", "/run/tmux")
    origin = f"http://127.0.0.1:{server.port}"
    async with client.ws_connect(f"{server.url}socket?width=100&height=30", origin=origin) as socket:
        shown = await until_shown(socket, "tmux")
        assert "size (100, 30) xterm-256color tmux False" in shown
        await socket.send_json(["resize", {"width": 90, "height": 20}])
        await socket.send_json(["stdin", "a\x1a\x1cé"])
        await until_shown(socket, "<aé>(20, 90)")
        for odd in (["resize", {"width": 10**9, "height": True}], ["resize", 7], ["stdin", None], ["blur"], [1, 2, 3]):
            await socket.send_json(odd)
        await socket.send_json(["stdin", "b"])
        await until_shown(socket, "<b>(20, 90)")
    await wait_for_async(lambda: not runs(int(shown.split()[1])))


ODD = {
    "no JSON": "{",
    "an empty list": "[]",
    "an object": '{"a": 1}',
    "nested": "[" * 5000,
    "bytes": b"bytes",
    "long": json.dumps(["stdin", "x" * 70000]),
}


@pytest.mark.parametrize("message", ODD.values(), ids=ODD)
async def test_what_no_page_sends_ends_the_view(
    server: ViewServer, client: aiohttp.ClientSession, message: str | bytes
) -> None:
    async with client.ws_connect(f"{server.url}socket", origin=f"http://127.0.0.1:{server.port}") as socket:
        await until_shown(socket, "tmux")
        await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
        async with asyncio.timeout(20):
            while (await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                pass
        assert socket.closed


async def test_no_more_views_than_agreed_and_closing_ends_them_all(client: aiohttp.ClientSession) -> None:
    server = ViewServer([sys.executable, "-c", ECHO], 2)
    await server.start(0)
    origin = f"http://127.0.0.1:{server.port}"
    sockets = [await client.ws_connect(f"{server.url}socket", origin=origin) for _ in range(2)]
    pids = [int((await until_shown(socket, "tmux")).split()[1]) for socket in sockets]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(f"{server.url}socket", origin=origin)
    assert refused.value.status == 503
    await server.close()
    assert not any(runs(pid) for pid in pids)
    for socket in sockets:
        await socket.close()


async def test_a_monitor_ends_with_a_server_that_was_killed(tmp_path: Path) -> None:
    viewer = await start_viewer([sys.executable, "-c", ECHO], 80, 24)
    shown = b""
    while b"tmux" not in shown:
        shown += await viewer.read()
    # What the kernel does when the server is gone: the other end of the terminal is closed.
    os.close(viewer._terminal)
    async with asyncio.timeout(20):
        await viewer._process.wait()  # by SIGHUP, or because its input has ended


async def test_a_monitor_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metabonk_tui.adapters.web.viewer.STOP_S", 0.2)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    viewer = await start_viewer([sys.executable, "-c", deaf], 80, 24)
    assert await viewer.read()
    async with asyncio.timeout(20):
        await viewer.stop()
    assert not runs(viewer.pid)
    assert await viewer.read() == b""
