"""Posts alerts to a URL of the user's: Slack, Discord, ntfy, or plain JSON; with a deadline, and repeated.

The URL is a secret: no text from here has it. Does not: follow redirects, use a proxy, or keep a connection.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from metabonk_tui.adapters.alerts.channel import AlertChannel, DeliveryResult
from metabonk_tui.adapters.alerts.sent_alerts import SentAlerts
from metabonk_tui.adapters.http.tls import enable_in_asyncio
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.core.alerts.webhook_message import webhook_request
from metabonk_tui.core.config.schema import Config, WebhookConfig
from metabonk_tui.core.config.webhooks import webhook_problem
from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import MASK

if TYPE_CHECKING:
    from metabonk_tui.adapters.http.httpx_link import PostAnswer

BACKOFF_S = (1.0, 4.0, 16.0)
"""Seconds before each repetition; the receiver's Retry-After replaces them."""
LONGEST_WAIT_S = 120.0
"""A longer Retry-After is not waited for: the message fails, and the next ones wait."""
MAX_CONTENT_BYTES = 65536
MAX_ANSWER_BYTES = 2048
"""How much of an answer is read: it is shown when the delivery failed."""
_GIVE_UP_POLL_S = 0.1
_SHORT = 6
"""Characters of a part of a URL that is masked alone; shorter ones are words."""
_REPEATED = (408, 425, 429)
_FAILURES = {
    "refused": "the connection was refused",
    "reset": "the connection was broken",
    "closed": "the connection was closed without an answer",
    "dns": "its host cannot be resolved",
    "own": "this machine",
    "not json": "the answer is not HTTP",
}

Post = Callable[[str, Mapping[str, str], bytes, float, threading.Event], "PostAnswer | BadStatus | None"]
"""Takes URL, headers, content, timeout, and what ends it early; returns None when that was set."""


def url_of(webhook: WebhookConfig, environ: Mapping[str, str] = os.environ) -> str:
    """Return the webhook's URL; "" when its variable is not set."""
    return webhook.url or environ.get(webhook.url_env, "").strip()


def why_unusable(webhook: WebhookConfig, environ: Mapping[str, str] = os.environ) -> str:
    """Return why no alert can be sent to the webhook, without its URL; "" when one can."""
    problem = webhook_problem(webhook, url_of(webhook, environ))
    return "" if problem is None else ": ".join(filter(None, problem))


class _Secret:
    """A URL, split into what is requested and what must not be shown."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        account, _, place = parts.netloc.rpartition("@")
        self.bare = urlunsplit((parts.scheme, place, parts.path or "/", parts.query, ""))
        self.headers = {"Content-Type": "application/json"}
        if account:
            token = base64.b64encode(unquote(account).encode()).decode()
            self.headers["Authorization"] = f"Basic {token}"
        pieces = [*re.split(r"[/?&=:@]", parts.path + "?" + parts.query), *account.split(":"), parts.hostname or ""]
        whole = {url, self.bare, parts.netloc, place, parts.path.strip("/"), account}
        whole |= {piece for piece in pieces if len(piece) >= _SHORT}
        whole |= {unquote(text) for text in whole}
        self._hidden = sorted(filter(None, whole - {"/"}), key=len, reverse=True)

    def cleaned(self, text: str, limit: int = 200) -> str:
        """Return a text from outside without the URL and its parts."""
        for hidden in self._hidden:
            text = text.replace(hidden, MASK)
        return clean_text(text, limit)


def post_alert(
    webhook: WebhookConfig,
    message: Mapping[str, Any],
    give_up: threading.Event,
    *,
    repeats: bool = True,
    post: Post | None = None,
    wait: Callable[[float], bool] | None = None,
) -> DeliveryResult:
    """Post one message. With `repeats` a failure that may pass is tried again, up to three times.

    `post` sends one request. `wait` waits the seconds before a repetition; True: the monitor ends, and the last
    attempt is made at once.
    """
    if problem := why_unusable(webhook):
        return DeliveryResult(problem, False, 0.0, attempts=0)
    post, wait = post or _post, wait or give_up.wait
    url = url_of(webhook)
    document = {**message, "host": clean_text(socket.gethostname())}
    url, body = webhook_request(webhook.kind, url, document)
    secret = _Secret(url_of(webhook))
    content = json.dumps(body, allow_nan=False).encode()
    if len(content) > MAX_CONTENT_BYTES:
        return DeliveryResult(f"the message has more than {MAX_CONTENT_BYTES} bytes", False, 0.0, attempts=0)
    request, began_s, attempts = _Secret(url), time.monotonic(), 0
    while True:
        attempts += 1
        answer = post(request.bare, request.headers, content, webhook.timeout_s, give_up)
        seconds = time.monotonic() - began_s
        if answer is None:
            return DeliveryResult("broken off: the monitor ended", False, seconds, attempts=attempts)
        how = _how(answer, webhook.timeout_s, secret)
        if not isinstance(answer, BadStatus) and 200 <= answer.code < 300:
            return DeliveryResult(how, True, seconds, attempts=attempts)
        tail = () if isinstance(answer, BadStatus) else _lines(answer.body, secret)
        delay_s = _delay_s(answer, attempts)
        wanted_s = _retry_after_s(answer)
        if wanted_s is not None and wanted_s > LONGEST_WAIT_S:
            how = f"{how}, and wants {wanted_s:.0f} s of silence"
            return DeliveryResult(how, False, seconds, tail, attempts, pause_s=wanted_s)
        if not repeats or delay_s is None:
            how = how if attempts == 1 else f"{how}, {attempts} times"
            return DeliveryResult(how, False, seconds, tail, attempts, pause_s=wanted_s or 0.0)
        if wait(delay_s):
            if wanted_s is not None:
                return DeliveryResult(f"{how}; broken off: the monitor ended", False, seconds, tail, attempts)
            repeats = False


class Webhook(AlertChannel):
    """One webhook of one pool."""

    def __init__(
        self,
        name: str,
        config: Config,
        lock: PoolLock,
        report_fault: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
        sent: SentAlerts | None = None,
    ) -> None:
        self._webhook = config.alerts.webhook[name]
        title = f"the alert webhook {name}"
        super().__init__(name, title, self._webhook, config.pool, lock, report_fault, now, sent)

    def send(self, message: dict[str, Any], give_up: threading.Event) -> DeliveryResult:
        """Post one message."""
        return post_alert(self._webhook, message, give_up, wait=self._closing.wait)

    def problem(self) -> str:
        """Return what is wrong with the configured URL."""
        return why_unusable(self._webhook)


def _post(
    url: str, headers: Mapping[str, str], content: bytes, timeout_s: float, give_up: threading.Event
) -> PostAnswer | BadStatus | None:
    try:
        # Imported here: it costs 0.1 s of CPU, and most monitors never send an alert.
        enable_in_asyncio()
        from metabonk_tui.adapters.http.httpx_link import post

        return asyncio.run(_until(give_up, post(url, headers, content, timeout_s, MAX_ANSWER_BYTES)))
    except ImportError:
        return BadStatus("no TLS", "this Python has no ssl module")
    except OSError as error:
        return BadStatus("own", error.strerror or str(error))


async def _until(
    give_up: threading.Event, request: Coroutine[Any, Any, PostAnswer | BadStatus]
) -> PostAnswer | BadStatus | None:
    task = asyncio.ensure_future(request)
    while not task.done():
        if give_up.is_set():
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
            return None
        await asyncio.wait({task}, timeout=_GIVE_UP_POLL_S)
    return task.result()


def _how(answer: PostAnswer | BadStatus, timeout_s: float, secret: _Secret) -> str:
    if isinstance(answer, BadStatus):
        if answer.error == "timeout":
            return f"no answer within {timeout_s:g} s"
        detail = secret.cleaned(answer.detail)
        # A connection that fails for its certificate counts as refused, with the reason.
        known = "no connection" if detail and answer.error == "refused" else _FAILURES.get(answer.error, answer.error)
        return f"{known}: {detail}".removesuffix(": ")
    if 300 <= answer.code < 400:
        return f"answered {answer.code}: a redirect is not followed"
    return f"answered {answer.code}"


def _lines(body: bytes, secret: _Secret) -> tuple[str, ...]:
    lines = body.decode("utf-8", "replace").splitlines()
    return tuple(cleaned for line in lines[:5] if (cleaned := secret.cleaned(line)).strip())


def _delay_s(answer: PostAnswer | BadStatus, attempts: int) -> float | None:
    """Return the seconds before the next attempt; None: there is none."""
    if attempts > len(BACKOFF_S):
        return None
    if isinstance(answer, BadStatus):
        return BACKOFF_S[attempts - 1]
    if answer.code not in _REPEATED and answer.code < 500:
        return None
    wanted_s = _retry_after_s(answer)
    return BACKOFF_S[attempts - 1] if wanted_s is None else wanted_s


def _retry_after_s(answer: PostAnswer | BadStatus) -> float | None:
    """Return what Retry-After demands, in seconds or as a time; None: nothing that can be read."""
    if isinstance(answer, BadStatus):
        return None
    text = answer.retry_after.strip()[:64]
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
