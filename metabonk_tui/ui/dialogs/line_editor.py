"""Edits one line of text: cursor, words, deletion, pasted text, and the texts that the same field had before.

Every field of every dialog is one. Does not: draw, or know what the text means.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from metabonk_tui.ui.frame import UiState

MAX_HISTORY = 50
"""The texts that a field remembers."""

FieldHistory = tuple[str, ...]


class LineEditor:
    """One line of at most `limit` characters with a cursor between them."""

    def __init__(
        self,
        text: str = "",
        limit: int = 200,
        history: FieldHistory = (),
        accepts: Callable[[str], bool] = str.isprintable,
    ) -> None:
        """Begin with the cursor behind the text. `history`: earlier texts, oldest first. `accepts` a character."""
        self.limit = limit
        self._accepts = accepts
        self._history = history
        self._at = len(history)
        """The place in the history; its length: the text that is being written."""
        self._draft = text
        self.text = text
        self.cursor = len(text)

    def set(self, text: str) -> None:
        """Replace the text; the cursor goes behind it."""
        self.text, self.cursor = text, len(text)

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; return whether it is one of the editor's, also where it changes nothing."""
        if key in MOVES:
            self.cursor = MOVES[key](self.text, self.cursor)
        elif key in DELETIONS:
            other = DELETIONS[key](self.text, self.cursor)
            first, past_last = sorted((self.cursor, other))
            self.text, self.cursor = self.text[:first] + self.text[past_last:], first
        elif key in ("up", "down") and self._history:
            self._recall(-1 if key == "up" else 1)
        elif character is not None and len(character) == 1 and character.isprintable() and not key.startswith("alt+"):
            self._insert(character)
        else:
            return False
        return True

    def paste(self, text: str) -> None:
        """Insert pasted text as one line, as far as there is room for it."""
        self._insert(" ".join(text.split()))

    def _insert(self, text: str) -> None:
        kept = "".join(c for c in text if c.isprintable() and self._accepts(c))[: self.limit - len(self.text)]
        self.text = self.text[: self.cursor] + kept + self.text[self.cursor :]
        self.cursor += len(kept)

    def _recall(self, step: int) -> None:
        if self._at == len(self._history):
            self._draft = self.text
        self._at = max(0, min(self._at + step, len(self._history)))
        self.set((*self._history, self._draft)[self._at])


def _word_left(text: str, at: int) -> int:
    while at and text[at - 1] == " ":
        at -= 1
    while at and text[at - 1] != " ":
        at -= 1
    return at


def _word_right(text: str, at: int) -> int:
    while at < len(text) and text[at] == " ":
        at += 1
    while at < len(text) and text[at] != " ":
        at += 1
    return at


Move = Callable[[str, int], int]
MOVES: dict[str, Move] = {
    "left": lambda text, at: max(0, at - 1),
    "right": lambda text, at: min(len(text), at + 1),
    "home": lambda text, at: 0,
    "ctrl+a": lambda text, at: 0,
    "end": lambda text, at: len(text),
    "ctrl+e": lambda text, at: len(text),
    "ctrl+left": _word_left,
    "alt+left": _word_left,
    "ctrl+right": _word_right,
    "alt+right": _word_right,
}
"""Where the cursor goes. Alt+B and Alt+F arrive as Ctrl+Left and Ctrl+Right."""
DELETIONS: dict[str, Move] = {
    "backspace": MOVES["left"],
    "delete": MOVES["right"],
    "ctrl+w": _word_left,
    "alt+d": _word_right,
    "ctrl+delete": _word_right,
    "ctrl+u": MOVES["home"],
    "ctrl+k": MOVES["end"],
}
"""To where the text is deleted. Alt+Backspace arrives as Ctrl+W."""


def history_of(state: UiState, field: str) -> FieldHistory:
    """Return the earlier texts of a field, oldest first."""
    return state.history.get(field, ())


def with_history(state: UiState, field: str, text: str) -> UiState:
    """Remember the text of a field as its newest; an empty one is not remembered."""
    if not text.strip():
        return state
    texts = (*(other for other in history_of(state, field) if other != text), text)[-MAX_HISTORY:]
    return replace(state, history={**state.history, field: texts})
