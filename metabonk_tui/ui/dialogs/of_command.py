"""Makes the dialog that a command opens. Imported with the first one: most monitors open none."""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.core.ports.live import Monitor
from metabonk_tui.core.recordings.seek import SeekTarget
from metabonk_tui.ui.command_context import CommandContext
from metabonk_tui.ui.dialogs import log_lines, pool_actions
from metabonk_tui.ui.dialogs.base import Dialog
from metabonk_tui.ui.dialogs.filter import FilterDialog
from metabonk_tui.ui.dialogs.find import FindDialog
from metabonk_tui.ui.dialogs.line_editor import history_of
from metabonk_tui.ui.dialogs.memory_watch import WatchDialog
from metabonk_tui.ui.dialogs.operation import OperationDialog
from metabonk_tui.ui.dialogs.palette import PaletteDialog
from metabonk_tui.ui.dialogs.seek import HISTORY as SEEK_HISTORY
from metabonk_tui.ui.dialogs.seek import SeekDialog
from metabonk_tui.ui.frame import Frame


def dialog_of(
    command: str,
    frame: Frame,
    monitor: Monitor,
    context: CommandContext,
    themes: tuple[str, ...],
    go: Callable[[SeekTarget], object],
) -> Dialog:
    """Make the dialog of one of `commands.OPEN_DIALOG`."""
    if command == "palette":
        return PaletteDialog(context, themes, frame.own_keys)
    if command == "filter":
        return FilterDialog(frame)
    if command in ("help_find", "worker_find"):
        return FindDialog(frame)
    if command == "memory_watch":
        return WatchDialog(monitor, frame)
    if command == "operation":
        return OperationDialog()
    if command == "seek":
        return SeekDialog(go, history_of(frame.state, SEEK_HISTORY))
    if command.startswith("log_"):
        return log_lines.make_dialog(command, frame)
    return pool_actions.make_dialog(command, frame, monitor)
