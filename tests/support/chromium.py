"""Drives a headless Chromium by its DevTools protocol, where one is installed; $CHROMIUM names another one."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
LIMIT_S = 60.0


def find_chromium() -> str | None:
    """Return the program; None where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._sent = 0
        self.frames: list[bytes] = []
        """What came through the WebSocket of the page, and was not taken yet."""
        self.problems: list[str] = []
        """What the console of the page calls an error."""

    async def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._sent += 1
        await self._socket.send_json({"id": self._sent, "method": method, "params": parameters})
        return await self._take(self._sent)

    async def receive_bytes(self) -> bytes:
        """Wait for a message that the page gets through its WebSocket."""
        while not self.frames:
            await self._take(None)
        return self.frames.pop(0)

    async def press(self, key: str) -> None:
        """Press a key that writes a character."""
        for kind in ("keyDown", "keyUp"):
            await self.ask("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

    async def screenshot(self) -> bytes:
        """Return the picture of the page as PNG."""
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])

    async def _take(self, wanted: int | None) -> dict[str, Any]:
        """Take messages until the answer to a command; None: take one message."""
        while True:
            async with asyncio.timeout(LIMIT_S):
                message = await self._socket.receive_json()
            parameters = message.get("params", {})
            match message.get("method"):
                case "Network.webSocketFrameReceived":
                    frame = parameters["response"]
                    self.frames += [base64.b64decode(frame["payloadData"])] if frame["opcode"] == 2 else []
                case "Log.entryAdded" if parameters["entry"]["level"] == "error":
                    self.problems.append(parameters["entry"]["text"])
            if wanted is None or message.get("id") == wanted:
                assert "error" not in message, message
                return message.get("result", {})  # type: ignore[no-any-return]


@asynccontextmanager
async def open_page(program: str, url: str, folder: Path, wide: int, high: int) -> AsyncIterator[Page]:
    """Show an address in a new browser while the block runs. `wide` and `high` are pixels."""
    browser = await asyncio.create_subprocess_exec(
        program, "--headless", "--no-sandbox", "--remote-debugging-port=0", "--enable-unsafe-swiftshader",
        f"--user-data-dir={folder}", f"--window-size={wide},{high}", "about:blank",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert browser.stderr is not None
        async with asyncio.timeout(LIMIT_S):
            while b"DevTools listening on ws://" not in (line := await browser.stderr.readline()):
                assert line, "the browser ended"
        address = line.decode().split("ws://")[1].split("/")[0]
        draining = asyncio.ensure_future(browser.stderr.read())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{address}/json/list") as answer:
                target = (await answer.json())[0]["webSocketDebuggerUrl"]
            async with session.ws_connect(target, max_msg_size=0) as socket:
                page = Page(socket)
                for domain in ("Page", "Network", "Log"):
                    await page.ask(f"{domain}.enable")
                await page.ask("Page.navigate", url=url)
                yield page
        browser.terminate()
        await draining
    finally:
        if browser.returncode is None:
            browser.kill()
        await browser.wait()
