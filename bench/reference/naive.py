"""A monitor as it is written first: one `Static` a worker, httpx for every poll, json, everything drawn anew.

python -m bench.reference.naive BASE_PORT WORKERS
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from typing import Any

import httpx
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.events import Key
from textual.widgets import Static

NUMBERS = (
    "step",
    "reward",
    "act_hz",
    "obs_fps",
    "actions_total",
    "scenes_discovered",
    "dynamic_ui_exploration_actions",
    "dynamic_ui_text_density",
    "intrinsic_reward_total",
    "system2_trigger_engaged_count",
    "vlm_hints_used",
    "meta_success_sequences",
)
PLOTTED = NUMBERS[:5]
BARS = "▁▂▃▄▅▆▇█"
KEPT = 30


class NaiveApp(App[None]):
    """Polls every worker once a second and redraws every panel."""

    CSS = "Static { height: auto; border: round $primary; }"

    def __init__(self, base_port: int, workers: int) -> None:
        super().__init__()
        self._urls = [f"http://127.0.0.1:{base_port + slot}/status" for slot in range(workers)]
        self._past: list[dict[str, deque[float]]] = [
            {name: deque(maxlen=KEPT) for name in PLOTTED} for _ in self._urls
        ]
        self._documents: list[dict[str, Any] | None] = [None] * workers
        self._selected = 0

    def compose(self) -> ComposeResult:
        self._panels = [Static("connecting") for _ in self._urls]
        with VerticalScroll():
            yield from self._panels

    def on_mount(self) -> None:
        self._client = httpx.AsyncClient(timeout=2.0)
        self.run_worker(self._poll_all())
        self.set_interval(1.0, self._poll_all)

    async def on_key(self, event: Key) -> None:
        if event.key == "q":
            self.exit()
        elif event.key in ("j", "k"):
            self._selected = (self._selected + (1 if event.key == "j" else -1)) % len(self._panels)
            self._draw_all()

    async def _poll_all(self) -> None:
        await asyncio.gather(*(self._poll(slot) for slot in range(len(self._urls))))
        self._draw_all()

    async def _poll(self, slot: int) -> None:
        try:
            answer = await self._client.get(self._urls[slot])
            document = json.loads(answer.content)
        except (httpx.HTTPError, ValueError):
            self._documents[slot] = None
            return
        self._documents[slot] = document
        for name, past in self._past[slot].items():
            past.append(float(document.get(name) or 0.0))

    def _draw_all(self) -> None:
        for slot, panel in enumerate(self._panels):
            panel.update(self._text(slot))

    def _text(self, slot: int) -> str:
        document = self._documents[slot]
        mark = "[b]>[/b]" if slot == self._selected else " "
        if document is None:
            return f"{mark} worker {slot}: down"
        numbers = "  ".join(f"{name} [b]{document.get(name)}[/b]" for name in NUMBERS)
        plots = "  ".join(plot(past) for past in self._past[slot].values())
        return f"{mark} worker {slot}  {numbers}\n{plots}"


def plot(values: deque[float]) -> str:
    """Return the values as bars."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    width = (high - low) or 1.0
    return "".join(BARS[int((value - low) / width * (len(BARS) - 1))] for value in values)


if __name__ == "__main__":
    NaiveApp(int(sys.argv[1]), int(sys.argv[2])).run()
