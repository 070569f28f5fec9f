"""Which keys of the configuration follow from the answers."""

from __future__ import annotations

from metabonk_tui.cli.setup.answers import SetupAnswers, WebhookAnswer, chosen_values
from tests.support.children import config


def test_without_a_checkout_the_monitor_only_watches() -> None:
    values = chosen_values(SetupAnswers(base_port=5000, workers=3, python="/x"), config())
    assert values == {"pool.base_port": 5000, "pool.workers": 3, "pool.backend": "none"}


def test_only_what_differs_from_the_defaults_is_set() -> None:
    plain = SetupAnswers(base_port=5000, workers=3, directory="/m", python="python3", orchestrator_port=8040)
    assert chosen_values(plain, config()) == {
        "pool.base_port": 5000,
        "pool.workers": 3,
        "pool.launcher.directory": "/m",
    }
    every = SetupAnswers(
        base_port=6000,
        workers=2,
        directory="/m",
        env_file="a.env",
        environment={"A": "1"},
        python="/m/.venv/bin/python",
        orchestrator_port=9040,
        hook=("page", "me"),
        webhook=WebhookAnswer("json", "http://127.0.0.1/x"),
    )
    assert chosen_values(every, config()) == {
        "pool.base_port": 6000,
        "pool.workers": 2,
        "pool.orchestrator": "http://127.0.0.1:9040",
        "pool.launcher.directory": "/m",
        "pool.launcher.launch": ["/m/.venv/bin/python", "launch.py", "--workers", "{workers}", "--no-dashboard"],
        "pool.launcher.stop": ["/m/.venv/bin/python", "launch.py", "stop"],
        "pool.launcher.env_file": "a.env",
        "pool.launcher.environment": {"A": "1"},
        "alerts.hook.command": ["page", "me"],
        "alerts.webhook.server": {"kind": "json", "url": "http://127.0.0.1/x"},
    }
