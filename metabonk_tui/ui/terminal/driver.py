"""Drives the terminal: output, title, notifications, colours, and a clean exit on signals.

Does not: know what is drawn.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from metabonk_tui.ui.terminal.background import AnswerFilter, take_typed
from metabonk_tui.ui.terminal.keyboard import KeyboardInput
from metabonk_tui.ui.terminal.modes import make_sane, modes_of_stdin, sane, set_modes, terminal_modes
from metabonk_tui.ui.terminal.output import TerminalOutput
from metabonk_tui.ui.terminal.textual_private import end_writer, key_parser, write_to

LOG = logging.getLogger(__name__)
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
STALL_S = 3.0
"""An exit that takes longer is blocked by a terminal that takes no output (Ctrl-S, a frozen SSH connection)."""
CLEANUP_S = 30.0
"""Time limit of the emergency cleanup after that."""

Notify = Literal["off", "osc9", "osc777", "both"]
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
_DRAWING_MODES = "\x1b[m\x1b(B\x0f\x1b[?6l\x1b[r\x1b[?7l\x1b[?25l"
"""No style, the normal character set, the whole screen as scrolling region, no line wrap, no cursor."""
_SCREEN_MODES = "\x1b[?1049h\x1b[?1004h\x1b[?2004h"
"""The alternate screen, reports of the focus, marks around pasted text."""
_BELOW_PICTURE = "\x1b[m\x1b[r\x1b[999;1H\r\n"
"""The last row, and a new one below it. A second screen is left after this, and shows nothing of it."""
_NO_MOUSE = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"
"""A monitor that was killed may have left the reports of the mouse on."""
_MOUSE_MODES = "\x1b[?1003l\x1b[?1000h\x1b[?1006h"
"""Reports of buttons and the wheel; Textual asks for every movement as well."""
INPUT_WAIT_MS = 100
"""The reader of a terminal that is gone looks this often whether the monitor ends."""
ESCAPE_WAIT_MS = round(ESCAPE_DELAY * 1000) + 1
"""After this much silence the reader asks the key parser whether an Escape stands alone."""


class Driver(LinuxDriver):
    """Writes to standard output, so that standard error can go to a file; Textual's own driver writes to the latter.

    Textual sends whole rows; the driver writes only the cells that changed, from a thread of its own: Textual's blocks
    the screens while a terminal takes no output, and ends at the first error. The driver reads the keyboard itself,
    because the reader of Textual ends the program at the first byte that is not UTF-8.
    """

    class Resumed(Message):
        """The process was stopped and runs again: the terminal shows what others wrote meanwhile."""

    class WriteFailed(Message):
        """A part of the picture was not written, because of a bug that is in the log."""

    around_stop: Callable[[Callable[..., object]], Callable[..., object]] = staticmethod(lambda stop: stop)
    """Wraps the handler of SIGTSTP: the monitor gives the control of its pool up before it stops."""

    take_modes: Callable[[], list[Any] | None] = staticmethod(lambda: None)
    """Returns, once, the modes that the terminal gets back at the end; None: those that it has now."""

    has_mouse: ClassVar[bool] = False
    """The terminal reports buttons and the wheel."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if sys.__stdout__ is not None and sys.__stdout__.isatty():
            write_to(self, sys.__stdout__)
        self._output: TerminalOutput | None = None
        self._running_modes: list[Any] | None = None
        self._left_for_stop = False
        self._input_end: tuple[int, int] | None = None
        """A pipe that is readable once the reader of the keyboard must end: it waits without a timeout."""
        signal.signal(signal.SIGTSTP, self.around_stop(lambda *_: self._leave_and_stop()))
        signal.signal(signal.SIGCONT, lambda *_: self._come_back())

    def write(self, data: str) -> None:
        """Write the cells of `data` that the terminal does not show yet."""
        if self._output is not None:
            self._output.write(data)

    def write_rows(self, data: str, is_synchronised: bool) -> bool:
        """Write rows outside of Textual's own drawing; return whether the terminal is the monitor's now."""
        if self._running_modes is None or self._output is None:
            return False
        self._output.write_rows(data, is_synchronised)
        return True

    def forget(self) -> None:
        """Write the next output whole, because the terminal may show something else than was written."""
        if self._output is not None:
            self._output.forget()
            self._output.write(_DRAWING_MODES)

    def start_application_mode(self) -> None:
        """Take the terminal, and keep its modes for a return after SIGSTOP."""
        if self._input_end is None:
            self._input_end = os.pipe()
        shell_modes = self.take_modes()
        if shell_modes is None and not _is_in_background(self.fileno):
            make_sane(self.fileno)
        if self._output is None:
            self._output = self._make_output()
        self.write(_NO_MOUSE)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if shell_modes is not None:
            self.attrs_before = shell_modes
        self.write(_MOUSE_MODES if self.has_mouse else "")
        end_writer(self)
        self._running_modes = terminal_modes(self.fileno)

    def stop_application_mode(self) -> None:
        """Give the terminal back, with the cursor below the picture where the terminal has no second screen."""
        self._running_modes = None
        if self._output is not None:
            self._output.drop_rows()
        self.write(_BELOW_PICTURE)
        super().stop_application_mode()

    def _make_output(self) -> TerminalOutput:
        file = sys.__stdout__ if sys.__stdout__ is not None and sys.__stdout__.isatty() else sys.__stderr__
        return TerminalOutput(
            file.fileno() if file is not None else 1,
            (file.encoding if file is not None else None) or "ascii",
            # A terminal that takes nothing any more is gone, also where the kernel sends no signal for it.
            lambda: os.kill(os.getpid(), signal.SIGHUP),
            lambda: self.send_message(self.WriteFailed()),
        )

    def disable_input(self) -> None:
        """End the reader of the keyboard and wait for it."""
        if self._input_end is None:
            super().disable_input()
            return
        reading, writing = self._input_end
        os.write(writing, b".")
        super().disable_input()
        os.read(reading, 1)

    def close(self) -> None:
        """Clean up; the reader of the keyboard has ended."""
        super().close()
        if self._output is not None:
            self._output.stop()
            self._output = None
        for descriptor in self._input_end or ():
            os.close(descriptor)
        self._input_end = None

    def run_input_thread(self) -> None:
        """Read keys until the monitor ends. Without keys the thread sleeps."""
        answers, keyboard, parser = AnswerFilter(), KeyboardInput(), key_parser()
        ending = self._input_end[0] if self._input_end is not None else -1
        poll = select.poll()
        for descriptor in (self.fileno, ending):
            poll.register(descriptor, select.POLLIN)
        data = take_typed()
        wait_ms: int | None = 0 if data else None
        while not self.exit_event.is_set():
            ready = [descriptor for descriptor, _ in poll.poll(wait_ms)]
            if ending in ready:
                return
            if ready:
                # A terminal that is gone raises OSError or reads as empty; SIGHUP ends the monitor then.
                read = b""
                with contextlib.suppress(OSError):
                    read = os.read(self.fileno, 4096)
                if not read:
                    self.exit_event.wait(INPUT_WAIT_MS / 1000)
                data += read
            # Only a key can leave something unfinished: it is looked at again after one silence.
            wait_ms = ESCAPE_WAIT_MS if data else None
            now_s = time.monotonic()
            text = keyboard.feed(answers.feed(data, now_s), now_s) if data else ""
            data = b""
            try:
                for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                    self.process_message(event)
            except Exception:
                # Numbers that are no characters (ESC [ 99999999 ; 1 u) make the parser raise, and end it.
                LOG.warning("unreadable input from the terminal was dropped", exc_info=True)
                parser = key_parser()

    def suspend(self, spared_pids: Iterable[int] = ()) -> str:
        """Stop with the whole process group, as Ctrl+Z does in a shell; return why not, "" when it was stopped.

        Does nothing if one of `spared_pids` would stop as well: `launch.py & metabonk-tui` in a script is one group.
        """
        if _is_orphaned():
            return "no shell with job control started the monitor: nothing could resume it"
        if any(_is_in_our_group(pid) for pid in spared_pids):
            return "the pool is of the same job of the shell: Ctrl+Z would stop it as well"
        os.killpg(os.getpgrp(), signal.SIGTSTP)
        return ""

    def _leave_and_stop(self) -> None:
        """Give the terminal back and stop, on SIGTSTP. The next SIGCONT calls `_come_back`."""
        if self._running_modes is not None:
            self._left_for_stop = True
            self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _come_back(self) -> None:
        """Take the terminal again, on SIGCONT: after SIGTSTP, or after a SIGSTOP that changed nothing before it."""
        if not self._left_for_stop and self._running_modes is None:
            return
        if _is_in_background(self.fileno):
            # `bg`: the terminal belongs to the shell. `fg` sends the next SIGCONT.
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        if self._left_for_stop:
            self._left_for_stop = False
            self.resume_application_mode()
        elif self._running_modes is not None:
            set_modes(self.fileno, self._running_modes)
            self.write(_SCREEN_MODES)
            self.write(_MOUSE_MODES if self.has_mouse else "")
        self.send_message(self.Resumed())


def title_sequence(title: str, limit: int = 120) -> str:
    """Return the escape sequence (OSC 2) of a window title; unprintable characters are replaced."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in title)
    return f"\x1b]2;{clean[:limit]}\x07"


def notification(how: Notify, title: str, body: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the escape sequences (OSC 9, OSC 777) by which a terminal notifies its desktop; "" for "off".

    Inside tmux they are wrapped, so that tmux passes them on where `allow-passthrough` is on.
    """
    title, body = _plain(title, 60), _plain(body, 200)
    # ConEmu reads an OSC 9 text that begins with a number as a command; the title never does.
    sequences = {"osc9": f"\x1b]9;{title}: {body}\x07", "osc777": f"\x1b]777;notify;{title};{body}\x07"}
    chosen = [sequence for name, sequence in sequences.items() if how in (name, "both")]
    if environ.get("TMUX") or environ.get("TERM", "").startswith("tmux"):
        chosen = ["\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\" for sequence in chosen]
    return "".join(chosen)


def _plain(text: str, limit: int) -> str:
    """Remove the characters that end or split an escape sequence."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:limit]).replace(";", ",")


@contextlib.contextmanager
def leave_on_signals(leave: Callable[[int], None], emergency_cleanup: Callable[[], None]) -> Iterator[None]:
    """Inside the block, a SIGTERM, SIGHUP or SIGINT calls `leave(exit code)` from another thread. Main thread only.

    A signal handler in Python needs the main thread, which a stalled terminal blocks. So a thread reads the signal's
    number from the wakeup descriptor. If the block does not end within `STALL_S`, the thread runs `emergency_cleanup`
    and ends the process.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    left = threading.Event()
    saved = modes_of_stdin()

    def read() -> None:
        while data := os.read(reading, 64):
            for number in data:
                if number in SIGNALS:
                    leave(128 + number)
                    if not left.wait(STALL_S):
                        ending = threading.Thread(target=emergency_cleanup, name="last words", daemon=True)
                        ending.start()
                        ending.join(CLEANUP_S)
                        if saved is not None:
                            set_modes(saved[0], sane(saved[1]))
                        os._exit(128 + number)
                    return

    before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    old = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    thread = threading.Thread(target=read, name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)
        thread.join()
        os.close(reading)


def _is_in_our_group(pid: int) -> bool:
    try:
        return os.getpgid(pid) == os.getpgrp()
    except OSError:
        return False


def _is_orphaned() -> bool:
    """Return whether no process of this session, outside this process group, waits for the group."""
    try:
        leader = os.getpgrp()
        stat = _read_stat(leader) if leader != os.getpid() else ""
        parent = int(stat.rpartition(")")[2].split()[1]) if stat else os.getppid()
        return os.getsid(parent) != os.getsid(0) or os.getpgid(parent) == leader
    except (OSError, ValueError, IndexError):
        return True


def _read_stat(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read()


def _is_in_background(fd: int) -> bool:
    """Return whether another process group has the terminal."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:
        # Not the controlling terminal: no shell takes it away.
        return False
