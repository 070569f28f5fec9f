"""Serves the monitor to browsers of this machine, view only. The only module that imports aiohttp.

Every address begins with a secret token. A name that is not this machine's, another origin and a wrong token get the
same 403. Does not: know what a monitor draws, or let anyone act: the command that it starts must refuse to.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Sequence

from aiohttp import WSMsgType, web

from metabonk_tui.adapters.http.own_name import is_own_name
from metabonk_tui.adapters.web.page import HEADERS, SOCKET, load_files, page
from metabonk_tui.adapters.web.viewer import Viewer, start_viewer

LOG = logging.getLogger(__name__)
ADDRESS = "127.0.0.1"
TOKEN_BYTES = 32
MAX_MESSAGE_BYTES = 65536
ALIVE_S = 15.0
"""A browser that answers no ping for about that long is gone."""
CLOSE_S = 12.0
COLUMNS, ROWS = 80, 24


class ViewServer:
    """Shows each browser a monitor of its own, while the browser is there."""

    def __init__(self, command: Sequence[str], most: int) -> None:
        """Prepare; no port is open yet. `command` starts a monitor, `most` bounds how many run at once.

        Raises ModuleNotFoundError or OSError when the files of the page are not there.
        """
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.port = 0
        self._command = tuple(command)
        self._most = most
        self._open = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._files = load_files()
        app = web.Application(client_max_size=1024)
        app.router.add_get("/{path:.*}", self._answer)
        app.on_shutdown.append(self._close_sockets)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=CLOSE_S, max_line_size=4096
        )

    @property
    def url(self) -> str:
        """The address for a browser of this machine. Who has it can look."""
        return f"http://{ADDRESS}:{self.port}/{self.token}/"

    async def start(self, port: int) -> None:
        """Listen on this port of the loopback; 0 takes a free one. Raises OSError."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, ADDRESS, port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Free the port and end every monitor."""
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        token, slash, name = request.match_info["path"].partition("/")
        if not self._is_allowed(request, token):
            return web.Response(status=403, text="403 Forbidden\n", headers=HEADERS)
        if not slash:
            return web.Response(status=308, headers={**HEADERS, "Location": f"/{token}/"})
        if name == SOCKET:
            return await self._view(request)
        if not name:
            return web.Response(text=page(request.host, token), content_type="text/html", headers=HEADERS)
        file = self._files.get(name)
        if file is None:
            return web.Response(status=404, text="404 Not Found\n", headers=HEADERS)
        return web.Response(body=file.content, content_type=file.content_type, headers=HEADERS)

    def _is_allowed(self, request: web.Request, token: str) -> bool:
        """Return whether the token, the Host and the Origin are right. A WebSocket must have an Origin."""
        known = hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())
        hosts, origins = request.headers.getall("Host", ()), request.headers.getall("Origin", ())
        if not known or len(hosts) != 1 or not is_own_name(hosts[0]):
            return False
        is_socket = "Upgrade" in request.headers or request.match_info["path"].endswith(f"/{SOCKET}")
        return list(origins) == [f"http://{hosts[0]}"] if origins or is_socket else True

    async def _view(self, request: web.Request) -> web.StreamResponse:
        """Show one browser a monitor until either of them ends."""
        socket = web.WebSocketResponse(heartbeat=ALIVE_S, max_msg_size=MAX_MESSAGE_BYTES, compress=False)
        if not socket.can_prepare(request):
            return web.Response(status=426, text="426 Upgrade Required\n", headers=HEADERS)
        if self._open >= self._most:
            return web.Response(status=503, text=f"{self._most} views are open\n", headers=HEADERS)
        self._open += 1
        try:
            await socket.prepare(request)
            self._sockets.add(socket)
            columns, rows = (_whole(request.query.get(key)) for key in ("width", "height"))
            viewer = await start_viewer(self._command, columns or COLUMNS, rows or ROWS)
            try:
                await _join(socket, viewer)
            finally:
                await asyncio.shield(viewer.stop())
        except OSError as error:
            LOG.error("a view cannot be opened: %s", error)
        finally:
            self._open -= 1
            self._sockets.discard(socket)
            await socket.close()
        return socket

    async def _close_sockets(self, app: web.Application) -> None:
        await asyncio.gather(*(socket.close(code=1001, message=b"the server ends") for socket in set(self._sockets)))


async def _join(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    """Pass output to the browser and its keys and sizes to the monitor, until one side ends."""
    tasks = {asyncio.ensure_future(_send_output(socket, viewer)), asyncio.ensure_future(_take_input(socket, viewer))}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, ConnectionError):
                LOG.error("a view failed", exc_info=result)


async def _send_output(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    while data := await viewer.read():
        await socket.send_bytes(data)


async def _take_input(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    """Take messages as textual-serve's page sends them: a JSON list of a kind and a value."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            return
        try:
            sent = json.loads(message.data)
        except (ValueError, RecursionError):
            return
        if not isinstance(sent, list) or not sent:
            return
        kind, value = sent[0], sent[1] if len(sent) > 1 else None
        if kind == "stdin" and isinstance(value, str):
            viewer.write(value)
        elif kind == "resize" and isinstance(value, dict):
            columns, rows = _whole(value.get("width")), _whole(value.get("height"))
            if columns and rows:
                viewer.resize(columns, rows)
        elif kind == "ping" and isinstance(value, str):
            await socket.send_json(["pong", value[:32]])


def _whole(value: object) -> int:
    """Return a number of cells; 0 for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(0, value)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4 else 0
