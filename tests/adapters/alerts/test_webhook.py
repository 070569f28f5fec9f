"""Webhooks: a real POST to a local server, what is repeated and what is not, and a URL that no text shows."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.alerts.channel import DeliveryResult, close_all
from metabonk_tui.adapters.alerts.sent_alerts import SentAlerts
from metabonk_tui.adapters.alerts.webhook import Webhook, post_alert, url_of, why_unusable
from metabonk_tui.adapters.http.httpx_link import PostAnswer
from metabonk_tui.adapters.state.pool_lock import PoolLock
from metabonk_tui.core.alerts.payload import make_example
from metabonk_tui.core.config.schema import Config, WebhookConfig
from metabonk_tui.core.model.alert import Alert, AlertTransition, DeliveryCounts
from metabonk_tui.core.model.sample import BadStatus, Sample
from metabonk_tui.core.step.pipeline import step
from tests.support.children import config
from tests.support.waiting import wait_for
from tests.support.webhook_server import Receiver, receiving

SECRET = "https://me:pa55word@hooks.example.org/services/T0SECRET/B0SECRET?auth=tk_SECRET"
FIRING = Alert("MemLow", "", "warn", "firing", "0.8 GB available", 1000.0, firing_t=1060.0)
EXAMPLE = make_example(1.0, config())
NEVER = threading.Event()


@pytest.fixture(scope="module")
def served() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(served: Receiver) -> Receiver:
    for kept in (served.answers, served.paths, served.headers, served.documents):
        kept.clear()
    return served


def hooked(url: str, more: str = 'kind = "json"') -> Config:
    return config(f'[alerts.webhook.team]\nurl = "{url}"\n{more}\n')


def webhook(url: str, more: str = 'kind = "json"') -> WebhookConfig:
    return hooked(url, more).alerts.webhook["team"]


class Answers:
    """Answers each attempt with the next value, and keeps the waits."""

    def __init__(self, *answers: PostAnswer | BadStatus | None) -> None:
        self._answers = iter(answers)
        self.waits: list[float] = []

    def post(self, *_: Any) -> PostAnswer | BadStatus | None:
        return next(self._answers)

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False

    def run(self, url: str = SECRET, *, repeats: bool = True) -> DeliveryResult:
        return post_alert(webhook(url), EXAMPLE, NEVER, repeats=repeats, post=self.post, wait=self.wait)


def answer(code: int, retry_after: str = "", body: bytes = b"") -> PostAnswer:
    return PostAnswer(code, retry_after, body)


def test_a_server_gets_what_the_command_gets(receiver: Receiver) -> None:
    done = post_alert(webhook(receiver.url("/a/b?c=d")), EXAMPLE, NEVER)
    assert (done.ok, done.how, done.attempts) == (True, "answered 200", 1)
    assert receiver.paths == ["/a/b?c=d"]
    assert receiver.documents == [{**EXAMPLE, "host": socket.gethostname()}]
    headers = receiver.headers[0]
    assert (headers["Content-Type"], headers["User-Agent"]) == ("application/json", "metabonk-tui")
    assert "Authorization" not in headers


def test_an_account_in_the_url_is_sent_as_a_header_and_ntfy_gets_its_topic(receiver: Receiver) -> None:
    url = receiver.url("/up/top%20ic").replace("127.0.0.1", "me:tk_x@127.0.0.1")
    assert post_alert(webhook(url, 'kind = "ntfy"'), EXAMPLE, NEVER).ok
    assert receiver.headers[0]["Authorization"] == "Basic bWU6dGtfeA=="
    assert (receiver.paths, receiver.documents[0]["topic"]) == (["/up/"], "top ic")


def test_a_redirect_is_not_followed_and_no_proxy_is_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    receiver.answers = [(307, {"Location": receiver.url("/elsewhere")}, b"")]
    done = post_alert(webhook(receiver.url()), EXAMPLE, NEVER)
    assert (done.ok, done.how) == (False, "answered 307: a redirect is not followed")
    assert receiver.paths == ["/topic-secret-path"]


def test_what_the_server_says_is_shown_without_the_url(receiver: Receiver) -> None:
    body = f"no {receiver.url()} here\n\x1b[31mtopic-secret-path\n{'x' * 9000}".encode()
    receiver.answers = [(404, {}, body)]
    done = post_alert(webhook(receiver.url()), EXAMPLE, NEVER)
    assert (done.ok, done.how, done.attempts) == (False, "answered 404", 1)
    assert done.tail[0] == "no •••• here"
    assert all(line.isprintable() and len(line) <= 200 for line in done.tail)
    assert "secret" not in repr(done)


def test_a_port_on_which_nothing_listens_and_a_server_that_is_silent(receiver: Receiver) -> None:
    assert post_alert(webhook("http://127.0.0.1:1/x"), EXAMPLE, NEVER, repeats=False).how == (
        "the connection was refused"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        done = post_alert(webhook(url, 'kind = "json"\ntimeout_s = 0.2'), EXAMPLE, NEVER, repeats=False)
        assert done.how == "no answer within 0.2 s"
    for head, how in (("200 OK", "answered 200"), ("400 Bad", "answered 400")):
        with socket.create_server(("127.0.0.1", 0)) as unfinished:
            client = threading.Thread(target=answer_head, args=(unfinished, head), daemon=True)
            client.start()
            url = f"http://127.0.0.1:{unfinished.getsockname()[1]}/x"
            done = post_alert(webhook(url), EXAMPLE, NEVER, repeats=False)
            assert done.how == how, "the head counts, also where the body has no end"
            client.join(10)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        end = threading.Event()
        threading.Timer(0.1, end.set).start()
        done = post_alert(webhook(url), EXAMPLE, end)
        assert done.how == "broken off: the monitor ended"


def answer_head(listener: socket.socket, head: str) -> None:
    """Answer one client with a head and the begin of a body; a refusal is cut off, a success stays open."""
    client, _ = listener.accept()
    with client:
        client.settimeout(30)
        client.recv(65536)
        client.sendall(f"HTTP/1.1 {head}\r\nContent-Length: 5000\r\n\r\nbegin".encode())
        while head.startswith("200") and client.recv(65536):
            continue


def test_a_failure_that_may_pass_is_repeated_with_longer_waits() -> None:
    attempts = Answers(BadStatus("reset"), answer(503), answer(500), answer(200))
    done = attempts.run()
    assert (done.ok, done.attempts, attempts.waits) == (True, 4, [1.0, 4.0, 16.0])


def test_the_repetitions_end() -> None:
    attempts = Answers(*[answer(502, body=b"bad gateway")] * 4)
    done = attempts.run()
    assert (done.ok, done.attempts, done.how) == (False, 4, "answered 502, 4 times")
    assert done.tail == ("bad gateway",)


def test_a_test_is_not_repeated() -> None:
    assert Answers(answer(503)).run(repeats=False).how == "answered 503"


@pytest.mark.parametrize("code", [301, 400, 401, 403, 404, 410, 413])
def test_a_refusal_is_not_repeated(code: int) -> None:
    attempts = Answers(answer(code))
    assert (attempts.run().ok, attempts.waits) == (False, [])


def test_retry_after_replaces_the_wait() -> None:
    attempts = Answers(answer(429, "2.5"), answer(503, formatdate(time.time() + 60, usegmt=True)), answer(204))
    assert attempts.run().ok
    assert attempts.waits[0] == 2.5
    assert 0 <= attempts.waits[1] <= 60


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e9", "Fri, 99 Nov 2026"])
def test_a_retry_after_that_cannot_be_read_does_not_count(text: str) -> None:
    attempts = Answers(answer(429, text), answer(200))
    assert attempts.run().ok
    assert attempts.waits == [1.0]


def test_a_long_retry_after_pauses_the_channel() -> None:
    done = Answers(answer(429, "3600")).run()
    assert (done.ok, done.pause_s) == (False, 3600.0)
    assert done.how == "answered 429, and wants 3600 s of silence"


def test_a_monitor_that_ends_makes_one_last_attempt_unless_it_must_wait() -> None:
    done = post_alert(webhook(SECRET), EXAMPLE, NEVER, post=lambda *_: answer(503), wait=lambda _: True)
    assert (done.how, done.attempts) == ("answered 503, 2 times", 2)
    done = post_alert(webhook(SECRET), EXAMPLE, NEVER, post=lambda *_: answer(503, "5"), wait=lambda _: True)
    assert (done.how, done.attempts) == ("answered 503; broken off: the monitor ended", 1)


def test_no_text_has_the_url_or_a_part_of_it() -> None:
    words = f"{SECRET} hooks.example.org T0SECRET/B0SECRET pa55word tk_SECRET me:pa55word"
    done = Answers(answer(400, body=words.encode())).run()
    failed = Answers(*[BadStatus("refused", words)] * 4).run()
    for text in (repr(done), repr(failed)):
        for part in ("SECRET", "pa55word", "hooks.example"):
            assert part not in text


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('url = "http://192.168.1.4/x"', "url: http shows the message and the URL to others"),
        ('url = "http://192.168.1.4/x"\nallow_http = true', ""),
        ('url = "http://[::1]:80/x"', ""),
        ('url = "http://localhost/x"', ""),
        ('url = "https://ntfy.sh/x"', ""),
        ('url = "https://ntfy.sh/"\nkind = "ntfy"', "url: expected a URL like https://ntfy.sh/TOPIC: nothing"),
        ('url = "ftp://host/secret"', "url: expected a URL like https://host/path"),
        ('url = "https://host:99999/secret"', "url: expected a URL like https://host/path: its host or its port"),
        ('url = "https://ho st/secret"', "url: expected a URL like https://host/path: it contains a space"),
        ('url = "https://[secret/x"', "url: expected a URL like https://host/path: its host or its port"),
        ('url = "secret"', "url: expected a URL like https://host/path"),
        ("", "set url, or url_env: exactly one of them"),
        ('url = "https://host/x"\nurl_env = "X"', "set url, or url_env: exactly one of them"),
        ('url_env = "NO_SUCH_VARIABLE"', "url_env: the variable NO_SUCH_VARIABLE is not set"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_without_it(lines: str, expected: str) -> None:
    kind = "" if "kind" in lines else 'kind = "json"\n'
    found = why_unusable(config(f"[alerts.webhook.team]\n{kind}{lines}\n").alerts.webhook["team"])
    assert found.startswith(expected)
    assert bool(found) == bool(expected)
    assert "secret" not in found


def test_an_unusable_webhook_sends_nothing() -> None:
    done = post_alert(webhook("http://192.168.1.4/x"), EXAMPLE, NEVER, post=lambda *_: pytest.fail("posted"))
    assert (done.ok, done.attempts) == (False, 0)


def test_the_url_may_be_in_the_environment() -> None:
    named = config('[alerts.webhook.team]\nkind = "json"\nurl_env = "TEAM_URL"').alerts.webhook["team"]
    environ: Mapping[str, str] = {"TEAM_URL": " https://host/x\n"}
    assert url_of(named, environ) == "https://host/x"
    assert why_unusable(named, environ) == ""


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[tuple[Webhook, list[str]]]:
    faults: list[str] = []
    made = Webhook(
        "team",
        hooked(SECRET),
        PoolLock(tmp_path / "lock"),
        faults.append,
        sent=SentAlerts(tmp_path / "sent.json"),
    )
    yield made, faults
    made.close()


def deliver(channel: Webhook, *alerts: Alert) -> None:
    channel.deliver(
        tuple(AlertTransition("firing", alert) for alert in alerts), step(None, Sample(t=1100.0), config())
    )


def test_a_failure_is_reported_once_logged_and_counted(
    channel: tuple[Webhook, list[str]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made, faults = channel
    results = iter([answer(404, body=b"no T0SECRET"), answer(404), answer(200)])
    monkeypatch.setattr("metabonk_tui.adapters.alerts.webhook._post", lambda *_: next(results))
    caplog.set_level(logging.INFO)
    deliver(made, *(Alert(name, "", "crit", "firing", "x", 1.0, firing_t=2.0) for name in "abc"))
    assert wait_for(lambda: made.counts.sent) == 1
    assert made.counts == DeliveryCounts("team", 1, 2, 0)
    assert faults == ["the alert webhook team failed: answered 404"]
    lines = [record.getMessage() for record in caplog.records if "webhook team" in record.getMessage()]
    assert [line.split(" after ")[0] for line in lines] == [
        "the alert webhook team, notified of a firing: answered 404",
        "the alert webhook team, notified of b firing: answered 404",
        "the alert webhook team, notified of c firing: answered 200",
    ]
    assert "SECRET" not in caplog.text


def test_a_receiver_that_wants_silence_gets_it(
    channel: tuple[Webhook, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, faults = channel
    monkeypatch.setattr("metabonk_tui.adapters.alerts.webhook._post", lambda *_: answer(429, "3000"))
    deliver(made, FIRING)
    wait_for(lambda: bool(faults))
    deliver(made, Alert("Other", "", "crit", "firing", "x", 1.0, firing_t=2.0))
    assert made.counts == DeliveryCounts("team", 0, 1, 1)
    began_s = time.monotonic()
    close_all((made,))
    assert time.monotonic() - began_s < 60
    assert made.counts == DeliveryCounts("team", 0, 1, 1)


def test_a_wrong_url_is_reported_when_the_monitor_opens(tmp_path: Path) -> None:
    faults: list[str] = []
    made = Webhook("team", hooked("http://192.168.1.4/x"), PoolLock(tmp_path / "lock"), faults.append)
    made.report_problem()
    assert len(faults) == 1
    assert faults[0].startswith("the alert webhook team failed: url: http shows")
