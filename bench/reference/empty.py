"""The smallest Textual app that answers a key: the floor of everything that draws with Textual."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Static


class EmptyApp(App[None]):
    """Shows one line; every key but `q` changes it."""

    def compose(self) -> ComposeResult:
        self._line = Static("ready")
        self._keys = 0
        yield self._line

    def on_key(self, event: Key) -> None:
        if event.key == "q":
            self.exit()
            return
        self._keys += 1
        self._line.update(f"key {self._keys}")


if __name__ == "__main__":
    EmptyApp().run()
