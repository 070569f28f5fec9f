"""Commands in a browser: none may change what another monitor sees."""

from __future__ import annotations

import pytest

from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.commands import COMMANDS, VIEW_REFUSAL, Command
from tests.support.snapshots import alarmed

ACTING = [command for command in COMMANDS if command.group == "act" or command.id.startswith("acknowledge")]


@pytest.mark.parametrize("command", ACTING, ids=[command.id for command in ACTING])
def test_a_browser_cannot_act(command: Command) -> None:
    snapshot = alarmed()
    context = CommandContext(
        snapshot,
        "alerts" if command.id.startswith("acknowledge") else "dashboard",
        snapshot.workers[0],
        read_only=True,
        alert=snapshot.alerts[0],
        is_viewer=True,
    )
    assert command.refusal(context) == VIEW_REFUSAL
