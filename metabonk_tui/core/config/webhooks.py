"""Says what is wrong with a webhook's URL, without showing it, and which service has such a URL.

Does not: read the environment or ask the network.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from metabonk_tui.core.config.consistency import is_host
from metabonk_tui.core.config.load import on_loopback
from metabonk_tui.core.config.schema import WebhookConfig, WebhookKind

EXAMPLES: dict[WebhookKind, str] = {
    "slack": "https://hooks.slack.com/services/…",
    "discord": "https://discord.com/api/webhooks/…",
    "ntfy": "https://ntfy.sh/TOPIC",
    "json": "https://host/path",
}

_SERVICES: tuple[tuple[str, WebhookKind], ...] = (
    ("hooks.slack.com", "slack"),
    ("discord.com", "discord"),
    ("discordapp.com", "discord"),
    ("ntfy.sh", "ntfy"),
)


def service_of(url: str) -> WebhookKind | None:
    """Return the service that a URL belongs to; None: its host can be any server, also one of ntfy or Mattermost."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    return next((kind for name, kind in _SERVICES if host == name or host.endswith(f".{name}")), None)


def webhook_problem(webhook: WebhookConfig, url: str) -> tuple[str, str] | None:
    """Return the key and what is wrong with it; None: an alert can be sent. `url`: of the key or of the variable."""
    if bool(webhook.url) == bool(webhook.url_env):
        return "", "set url, or url_env: exactly one of them"
    key = "url" if webhook.url else "url_env"
    if not url:
        return key, f"the variable {webhook.url_env} is not set in the environment, or empty"
    expected = f"expected a URL like {EXAMPLES[webhook.kind]}"
    if not url.isascii() or not url.isprintable() or " " in url:
        return key, f"{expected}: it contains a space or a character that no URL has"
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return key, f"{expected}: its host or its port is not valid"
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not is_host(host) or not has_port:
        return key, expected
    if webhook.kind != "json" and not parts.path.strip("/"):
        return key, f"{expected}: nothing follows its host"
    if parts.scheme == "http" and not webhook.allow_http and not on_loopback(host):
        return key, "http shows the message and the URL to others on the way: use https, or set allow_http = true"
    return None
