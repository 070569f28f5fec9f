"""The line editor: every key on a text with a cursor, the history of a field, pasted text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.ui.dialogs.base import editor_field
from metabonk_tui.ui.dialogs.line_editor import DELETIONS, MAX_HISTORY, MOVES, LineEditor, history_of, with_history
from metabonk_tui.ui.frame import UiState
from metabonk_tui.ui.style.spans import plain, width


def at(marked: str, **options: object) -> LineEditor:
    """Return an editor of a text in which `|` marks the cursor."""
    editor = LineEditor(marked.replace("|", ""), **options)  # type: ignore[arg-type]
    editor.cursor = marked.index("|")
    return editor


def marked(editor: LineEditor) -> str:
    return f"{editor.text[: editor.cursor]}|{editor.text[editor.cursor :]}"


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ("ab|c", "left", "a|bc"),
        ("|abc", "left", "|abc"),
        ("ab|c", "right", "abc|"),
        ("abc|", "right", "abc|"),
        ("ab|c", "home", "|abc"),
        ("ab|c", "end", "abc|"),
        ("rss>1g  up<5m|", "ctrl+left", "rss>1g  |up<5m"),
        ("rss>1g  |up<5m", "ctrl+left", "|rss>1g  up<5m"),
        ("|rss>1g  up", "ctrl+right", "rss>1g|  up"),
        ("ab|c", "backspace", "a|c"),
        ("|abc", "backspace", "|abc"),
        ("ab|c", "delete", "ab|"),
        ("one two  |x", "ctrl+w", "one |x"),
        ("|one two", "alt+d", "| two"),
        ("one| two", "ctrl+u", "| two"),
        ("one| two", "ctrl+k", "one|"),
    ],
)
def test_a_key(before: str, key: str, after: str) -> None:
    editor = at(before)
    assert editor.press(key, None)
    assert marked(editor) == after


def test_characters_are_inserted_at_the_cursor_up_to_the_limit() -> None:
    editor = at("a|c", limit=4)
    for character in "bü!":
        assert editor.press(character, character)
    assert marked(editor) == "abü|c"
    assert not editor.press("f5", None)
    assert not editor.press("alt+x", "x")
    assert marked(editor) == "abü|c"


def test_the_history_of_a_field_comes_back_and_the_draft_is_kept() -> None:
    state = UiState()
    for text in ("down", "rss>1g", "down", "  "):
        state = with_history(state, "filter", text)
    assert history_of(state, "filter") == ("rss>1g", "down")
    assert history_of(state, "seek") == ()
    editor = LineEditor("dra", history=history_of(state, "filter"))
    seen = []
    for key in ("up", "up", "up", "down", "down", "down"):
        editor.press(key, None)
        seen.append(editor.text)
    assert seen == ["down", "rss>1g", "rss>1g", "down", "dra", "dra"]
    for number in range(MAX_HISTORY + 5):
        state = with_history(state, "filter", str(number))
    assert len(history_of(state, "filter")) == MAX_HISTORY


def test_pasted_text_becomes_one_clean_line() -> None:
    editor = at("a|z")
    editor.paste("one\n two\t\x1b[31m\x07three\u202e")
    assert marked(editor) == "aone two [31mthree|z"
    digits = LineEditor("1", 3, accepts=str.isdigit)
    digits.paste("2 x 34")
    assert digits.text == "123"


KEYS = st.sampled_from([*MOVES, *DELETIONS, "up", "down", "f5"]) | st.characters()


@given(st.text(max_size=8), st.lists(KEYS, max_size=20), st.integers(4, 30))
def test_the_cursor_stays_in_the_text_and_the_field_has_its_width(text: str, keys: list[str], wide: int) -> None:
    editor = LineEditor("".join(c for c in text if c.isprintable()), 12, history=("old", "older"))
    for key in keys:
        editor.press(key, key if len(key) == 1 else None)
        assert 0 <= editor.cursor <= len(editor.text)
    row = editor_field(editor, wide)
    assert width(row) == wide
    assert sum(span.reverse for span in row) <= 1
    assert editor.text.isprintable()
    assert plain(row).isprintable()
