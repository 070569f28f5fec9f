"""Simulates System2 of one worker: its requests, responses and trigger counts.

Does not: contact Ollama; the caller passes whether Ollama answers.
"""

from __future__ import annotations

from collections.abc import Callable

from metabonk_tui.demo.flags import Flags
from metabonk_tui.demo.numbers import between, rising, unit

TRACE_MAX = 20
INIT_S = 5.0
TRACE_LINE = "start run: A menu is visible; click the highlighted tile. (conf=0.80)"


class System2:
    """The reasoner. Its counters start at zero with its process."""

    def __init__(self, slot: int, flags: Flags, log: Callable[[str], None]) -> None:
        self.slot = slot
        self.flags = flags
        self.log = log
        self.request_count = 0
        self.answer_count = 0
        self.last_request: float | None = None
        self.last_response: float | None = None

    def update(self, t: float, now: float, *, answers: bool) -> None:
        """Advance to run second `t`; `now` is Unix time, `answers` whether Ollama answers."""
        if not self.flags.system2:
            return
        # The first request comes after INIT_S, further ones 0.17 to 0.29 times a run minute.
        request_count = int(rising(t, between(0.17, 0.29, self.slot, "s2"), self.slot, "s2")) + (t >= INIT_S)
        if request_count <= self.request_count:
            return
        if answers:
            self.answer_count += request_count - self.request_count
            self.last_response = now
        else:
            self.log(
                f"omega-{self.slot}: System2 request failed: nothing answers at {self.flags.ollama or 'OLLAMA_HOST'}"
            )
        self.request_count = request_count
        self.last_request = now

    def fields(self, t: float) -> dict[str, object]:
        """Return System2's fields of `/status`. Mode `always` never counts engagements, as in MetaBonk."""
        fields: dict[str, object] = {
            "system2_enabled": self.flags.system2,
            "vlm_hints_used": self.answer_count,
            "vlm_hints_applied": self.answer_count,
            "system2_reasoning": self._reasoning(),
        }
        if not self.flags.system2:
            return fields
        smart = self.flags.system2_mode == "smart"
        engaged = not smart or unit(self.slot, "engage", int(t // 7)) < 0.15
        reasons = ("menu_ui", "novel", "stuck")
        return fields | {
            "system2_trigger_engage": 1.0 if engaged else 0.0,
            "system2_trigger_reason": (
                "always" if not smart else reasons[int(t // 7) % 3] if engaged else "no_trigger"
            ),
            "system2_trigger_mode": self.flags.system2_mode,
            "system2_trigger_last_ts": (self.last_request or 0.0) if smart else 0.0,
            "system2_trigger_engaged_count": float(self.request_count) if smart else 0.0,
        }

    def _reasoning(self) -> dict[str, object] | None:
        if not self.answer_count:
            return None
        return {
            "goal": "start run",
            "confidence": 0.8,
            "reasoning": "A menu is visible; click the highlighted tile.",
            "directive": {"action": "click", "target": [0.63, 0.44], "duration_seconds": 1.5},
            "inference_time_ms": None,
            "last_request_ts": self.last_request,
            "last_response_ts": self.last_response,
            "reasoning_trace": [TRACE_LINE] * min(self.answer_count, TRACE_MAX),
        }
