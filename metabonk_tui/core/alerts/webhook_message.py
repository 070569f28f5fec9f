"""Writes one alert as the JSON that Slack, Discord, ntfy or a server of the user's expects: docs/alerts.md. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from metabonk_tui.core.alerts.payload import MADE_UP, Message
from metabonk_tui.core.config.schema import WebhookKind

MOST_CHARACTERS = 1500
"""Discord refuses more than 2000 characters, and ntfy makes a file of more than 4096 bytes."""
_TURNS = {"firing": "FIRING", "louder": "WORSE", "resolved": "RESOLVED"}
_TAGS = {"crit": "rotating_light", "warn": "warning"}
_PRIORITIES = {"crit": 5, "warn": 3}


def webhook_request(kind: WebhookKind, url: str, message: Message) -> tuple[str, dict[str, Any]]:
    """Return the URL to post to, and the document. A sign in an alert's text notifies no group of people."""
    if kind == "slack":
        text = "\n".join((_title(message), *_lines(message)))[:MOST_CHARACTERS]
        return url, {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    if kind == "discord":
        text = "\n".join((_title(message), *_lines(message)))[:MOST_CHARACTERS]
        return url, {"content": text, "allowed_mentions": {"parse": []}}
    if kind == "ntfy":
        return _ntfy(url, message)
    return url, message


def _ntfy(url: str, message: Message) -> tuple[str, dict[str, Any]]:
    """Name the topic in the document: a header could not carry every character."""
    parts = urlsplit(url)
    above, _, topic = parts.path.rstrip("/").rpartition("/")
    severity = "resolved" if message["turn"] == "resolved" else message["alert"]["severity"]
    return urlunsplit((parts.scheme, parts.netloc, f"{above}/", parts.query, "")), {
        "topic": unquote(topic),
        "title": _title(message)[:200],
        "message": "\n".join(_lines(message))[:MOST_CHARACTERS],
        "priority": _PRIORITIES.get(severity, 2),
        "tags": [_TAGS.get(severity, "white_check_mark" if severity == "resolved" else "information_source")],
    }


def _title(message: Message) -> str:
    alert = message["alert"]
    return f"{_TURNS.get(message['turn'], message['turn'])} {alert['severity']} {alert['id']} on {message['host']}"


def _lines(message: Message) -> list[str]:
    pool, left_out = message["pool"], message["left_out"]
    if message["run"]["name"] == MADE_UP:  # a test names the pool that it is for, and no verdict: nothing was observed
        return [message["alert"]["text"], f"for the pool {pool['host']}:{pool['base_port']}"]
    lines = [
        message["alert"]["text"],
        f"pool {pool['host']}:{pool['base_port']}, {pool['up']} of {_known(pool['desired'])} workers up, "
        f"verdict {message['verdict']['word']}, run {message['run']['name']}",
    ]
    return [*lines, f"{left_out} changes in between were not sent"] if left_out else lines


def _known(number: int | None) -> str:
    return "?" if number is None else str(number)
