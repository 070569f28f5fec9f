"""What Slack, Discord and ntfy get of an alert: the same words, and no sign that notifies a group."""

from __future__ import annotations

from typing import Any

import pytest

from metabonk_tui.core.alerts.payload import make_example
from metabonk_tui.core.alerts.webhook_message import MOST_CHARACTERS, webhook_request
from tests.support.children import config


def message(text: str = "0.8 GB available", severity: str = "warn", **more: Any) -> dict[str, Any]:
    made = {**make_example(1.0, config()), "host": "trainer-3", "run": {"name": "r1"}, **more}
    return {**made, "alert": {**made["alert"], "text": text, "severity": severity}}


def test_slack_and_discord_get_the_alert_with_its_surroundings() -> None:
    expected = (
        "FIRING warn Test on trainer-3\n0.8 GB available\n"
        "pool 127.0.0.1:5000, 5 of 5 workers up, verdict WAITING, run r1"
    )
    made = message()
    made = {**made, "pool": {**made["pool"], "desired": 5, "up": 5}}
    assert webhook_request("slack", "u", made) == ("u", {"text": expected})
    assert webhook_request("discord", "u", made)[1]["content"] == expected


def test_a_test_says_no_verdict_and_no_number_of_workers() -> None:
    made = {**make_example(1.0, config()), "host": "trainer-3"}
    assert webhook_request("slack", "u", made)[1]["text"].splitlines() == [
        "FIRING warn Test on trainer-3",
        "this is a test: no worker was asked, and every value is made up",
        f"for the pool {made['pool']['host']}:{made['pool']['base_port']}",
    ]
    assert made["verdict"]["word"] == "WAITING", "a made-up word is no go"


def test_nobody_is_called_by_a_text() -> None:
    made = message("<!channel> @everyone & more")
    assert "&lt;!channel&gt; @everyone &amp; more" in webhook_request("slack", "u", made)[1]["text"]
    assert webhook_request("discord", "u", made)[1]["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize(
    ("severity", "turn", "priority", "tag"),
    [
        ("crit", "firing", 5, "rotating_light"),
        ("warn", "louder", 3, "warning"),
        ("info", "firing", 2, "information_source"),
        ("crit", "resolved", 2, "white_check_mark"),
    ],
)
def test_ntfy_gets_priority_and_tag_by_severity(severity: str, turn: str, priority: int, tag: str) -> None:
    url, body = webhook_request("ntfy", "https://host/up/topic?auth=x", message(severity=severity, turn=turn))
    assert url == "https://host/up/?auth=x"
    assert (body["topic"], body["priority"], body["tags"]) == ("topic", priority, [tag])


@pytest.mark.parametrize("kind", ["slack", "discord", "ntfy"])
def test_a_long_text_is_cut_before_the_service_refuses_it(kind: Any) -> None:
    _, body = webhook_request(kind, "https://host/topic", message("x" * 5000))
    text = body.get("text") or body.get("content") or body["message"]
    assert len(text) <= MOST_CHARACTERS


def test_what_was_left_out_and_what_is_not_known_is_said() -> None:
    made = message(left_out=3)
    made = {**made, "pool": {**made["pool"], "desired": None}}
    text = webhook_request("slack", "u", made)[1]["text"]
    assert text.endswith("\n3 changes in between were not sent")
    assert "of ? workers up" in text


def test_a_server_of_the_users_gets_the_whole_document() -> None:
    made = message()
    assert webhook_request("json", "https://host/x", made) == ("https://host/x", made)
