"""Builds the page in which a browser shows a monitor. The terminal in it is xterm.js, as textual-serve ships it.

Every file comes from this server: the page works without a network, and sends nothing to another server.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

SOCKET = "socket"
"""The name of the WebSocket beside the page."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with every answer. xterm.js writes styles into the page, so those cannot be forbidden."""
_STYLE = """\
@font-face {
  font-family: "Roboto Mono";
  src: local("DejaVu Sans Mono"), local("Menlo"), local("Consolas"), url("font.ttf");
}
@font-face {
  font-family: "Roboto Mono";
  font-weight: 700;
  src: local("DejaVu Sans Mono Bold"), local("Menlo Bold"), local("Consolas Bold"), url("font.ttf");
}
html, body { margin: 0; height: 100%; overflow: hidden; background: #0e1116; color: #f0f3f6; }
body { font-family: "Roboto Mono", monospace; }
/* Outside of the picture: the title for screen readers, in both fonts, which are then there before the terminal is. */
h1 { position: absolute; left: -100rem; font-weight: 400; }
h1 b { font-weight: 700; }
.textual-terminal { height: 100vh; }
.ended { display: none; position: absolute; bottom: 0; margin: 0; padding: 1rem; z-index: 10; background: #1f262f; }
body.-closed .ended { display: block; }
body.-closed .textual-terminal { opacity: 0.4; }
"""
"""The font bears the name that the script asks for: a font of the machine first, whose glyphs are of one width."""
_SCRIPT = """\
"use strict";
// The keys go to the terminal without a click, as soon as it shows something.
const body = document.body;
const watch = new MutationObserver(() => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys && body.classList.contains("-first-byte")) {
    watch.disconnect();
    keys.focus();
  }
});
watch.observe(body, { attributes: true, attributeFilter: ["class"] });
"""
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>metabonk-tui, view only</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="xterm.css">
<link rel="stylesheet" href="page.css">
<script src="textual.js"></script>
</head>
<body>
<h1>metabonk-tui, <b>view only</b></h1>
<main id="terminal" class="textual-terminal" data-session-websocket-url="{socket}" data-font-size="15"></main>
<p class="ended" role="status">This view has ended, or too many are open. Reload the page to open it again.</p>
<script src="page.js"></script>
</body>
</html>
"""


class StaticFile(NamedTuple):
    """A file of the page."""

    content_type: str
    content: bytes


def load_files() -> Mapping[str, StaticFile]:
    """Read the files of the page, by name. Raises ModuleNotFoundError without textual-serve; OSError."""
    shipped = files("textual_serve") / "static"
    return {
        "page.js": StaticFile("text/javascript", _SCRIPT.encode()),
        "page.css": StaticFile("text/css", _STYLE.encode()),
        "xterm.css": StaticFile("text/css", (shipped / "css" / "xterm.css").read_bytes()),
        "textual.js": StaticFile("text/javascript", (shipped / "js" / "textual.js").read_bytes()),
        "font.ttf": StaticFile("font/ttf", (shipped / "fonts" / "RobotoMono-VariableFont_wght.ttf").read_bytes()),
    }


def page(host: str, token: str) -> str:
    """Return the page for a browser that called the server by this Host header."""
    return _PAGE.format(socket=html.escape(f"ws://{host}/{token}/{SOCKET}"))
