"""The monitor in a browser: what a viewer sees, that it cannot act, and that nothing stays."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pyte
import pytest

from tests.cli.conftest import home_in
from tests.support.chromium import find_chromium, open_page
from tests.support.plain_workers import plain_workers

pytestmark = pytest.mark.e2e
WIDE, HIGH = 100, 30
LIMIT_S = 90.0


@contextmanager
def serving(home: dict[str, str], *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `serve` on a free port; yields the process and the address it printed."""
    command = [sys.executable, "-m", "metabonk_tui", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, ""), err
    assert err.startswith("view only")


class View:
    """The picture that the terminal of a browser shows."""

    def __init__(self, receive: Callable[[], Awaitable[bytes]], wide: int = WIDE, high: int = HIGH) -> None:
        self._receive = receive
        self._screen = pyte.Screen(wide, high)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    async def until(self, wanted: str) -> None:
        """Wait until the picture has this text."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while wanted not in self.text:
                    self._stream.feed(await self._receive())
        except (TimeoutError, aiohttp.WSMessageTypeError):
            pytest.fail(f"never shown: {wanted}\n{self.text}")


def command_line(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


async def test_a_browser_sees_the_pool_and_cannot_act(tmp_path: Path) -> None:
    home = {key: value for key, value in home_in(tmp_path).items() if key != "NO_COLOR"}
    with plain_workers(2) as base, serving(home, "--base-port", str(base), "--workers", "2") as (process, url):
        assert children(process.pid) == [], "without a page nothing polls"
        port = url.split("/")[2]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{port}/") as answer:
                assert answer.status == 403
            address = f"{url}socket?width={WIDE}&height={HIGH}"
            async with session.ws_connect(address, origin=f"http://{port}") as socket:
                view = View(socket.receive_bytes)
                await view.until("2/2 up")
                assert "read-only" in view.text
                assert "metabonk-tui" in view.text
                (viewer,) = children(process.pid)
                assert url.split("/")[3] not in command_line(viewer), "every user of this machine can read it"
                for key in "XLRKWV!xu":
                    await socket.send_json(["stdin", key])
                    await view.until("PENDING" if key == "!" else "view only: a browser does not act")
                    # Another notice takes the place of the last one.
                    await socket.send_json(["stdin", "T"])
                    await view.until("theme ")
                await socket.send_json(["stdin", "q"])
                async with asyncio.timeout(LIMIT_S):
                    while (await socket.receive()).type is aiohttp.WSMsgType.BINARY:
                        pass
                assert socket.closed
        assert not list((tmp_path / "state").glob("*.look.json")), "an open page is no look of the operator"
    assert command_line(viewer) == ""


async def test_in_a_real_browser(tmp_path: Path) -> None:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium is installed")
    home = {key: value for key, value in home_in(tmp_path).items() if key != "NO_COLOR"}
    with plain_workers(2) as base, serving(home, "--base-port", str(base), "--workers", "2") as (_, url):
        async with open_page(program, url, tmp_path / "browser", 1200, 700) as page:
            view = View(page.receive_bytes, 200, 60)
            await view.until("2/2 up")
            await page.press("X")
            await view.until("view only: a browser does not act")
            picture = await page.screenshot()
            assert page.problems == []
            shown = await page.ask("Runtime.evaluate", expression="document.body.className", returnByValue=True)
            assert "-first-byte" in shown["result"]["value"]
            assert "-closed" not in shown["result"]["value"]
    if folder := os.environ.get("METABONK_TUI_SCREENSHOTS"):
        (Path(folder) / "serve.png").write_bytes(picture)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000, "an empty page has about 4 kB"
