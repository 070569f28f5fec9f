"""`serve`: shows the monitor in a browser of this machine, view only. Requires the extra "web".

Each browser gets a monitor of its own, which runs while the page is open: with no page open there is no polling.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.cli.exit_codes import DONE, FAILED
from metabonk_tui.cli.options import POOL_OPTIONS, PROGRAM, Parser, add_pool_options, listen_port, overrides, views

PORT = 8765
MOST_VIEWS = 4
MISSING = "the library for browsers is not installed: pip install 'metabonk-tui[web]'"


def add_options(parser: Parser, verb: str) -> None:
    parser.add_argument(
        "--port",
        type=listen_port,
        metavar="P",
        help=f"listen on this port of 127.0.0.1, 0: a free one; default: {PORT}, else 0",
    )
    parser.add_argument(
        "--views", type=views, default=MOST_VIEWS, metavar="N", help=f"show at most N pages; default: {MOST_VIEWS}"
    )
    add_pool_options(parser)


def main(options: argparse.Namespace, verb: str) -> int:
    """Serve until a signal; return 1 when the library is missing or the port cannot be opened."""
    load_config(getattr(options, "config", None), overrides(options))  # a mistake is said here, not in the browser
    return asyncio.run(_serve(_viewer_command(options), options.port, options.views))


def _viewer_command(options: argparse.Namespace) -> list[str]:
    command = [sys.executable, "-m", "metabonk_tui", "watch", "--viewer"]
    for key in POOL_OPTIONS:
        if hasattr(options, key):
            command += [f"--{key.replace('_', '-')}", f"{getattr(options, key)}"]
    return command


async def _serve(command: list[str], wanted: int | None, most: int) -> int:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        from metabonk_tui.adapters.web.server import ViewServer

        server = ViewServer(command, most)
    except ModuleNotFoundError:
        print(f"{PROGRAM}: {MISSING}", file=sys.stderr)
        return FAILED
    try:
        try:
            await server.start(PORT if wanted is None else wanted)
        except OSError:
            if wanted is not None:
                raise
            await server.start(0)
    except OSError as error:
        print(f"{PROGRAM}: port {wanted} cannot be opened: {error.strerror}", file=sys.stderr)
        return FAILED
    print(server.url, flush=True)
    print(
        "view only, for browsers of this machine; anyone with this address can look. Ctrl-C ends it.\n"
        f"from another machine: ssh -L {server.port}:127.0.0.1:{server.port} THIS_MACHINE, then open it there",
        file=sys.stderr,
        flush=True,
    )
    await ended.wait()
    await server.close()
    return DONE
