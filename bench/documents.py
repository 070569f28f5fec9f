"""Composes the `/status` documents that every measurement polls or records. Does not: serve them.

The demo's healthy worker in the middle of its run, filled up to the size of a real worker's answer.
"""

from __future__ import annotations

import json
from enum import StrEnum

from metabonk_tui.demo.document import document
from metabonk_tui.demo.flags import Flags
from metabonk_tui.demo.life import Life
from metabonk_tui.demo.system2 import System2

REAL_BYTES = 6_500
"""Size of the answer of a real worker, which has more settings than the demo's."""
MIDDLE_S = 3_600.0
"""Run second at which the documents begin: gameplay is reached, every component is active."""
ENVIRONMENT = {
    "METABONK_DYNAMIC_UI_EXPLORATION": "1",
    "METABONK_INTRINSIC_REWARD": "1",
    "METABONK_INTRINSIC_APPLY_IN_PURE_VISION": "1",
    "METABONK_META_LEARNING": "1",
    "METABONK_META_LEARNER_PRE_GAMEPLAY_ONLY": "0",
    "METABONK_PURE_VISION_MODE": "1",
    "METABONK_SYSTEM2_ENABLED": "1",
    "METABONK_SYSTEM2_TRIGGER_MODE": "smart",
    "METABONK_DYNAMIC_UI_USE_VLM_HINTS": "1",
}


class Change(StrEnum):
    """How much of a document changes from one second to the next."""

    USUAL = "usual"
    ALL = "all"
    """Every number of a worker changes every second: its run passes sixty times as fast."""
    NONE = "none"
    """Only the time of the answer changes."""


PACE = {Change.USUAL: 1.0, Change.ALL: 60.0, Change.NONE: 0.0}


def filling(size_bytes: int) -> dict[str, object]:
    """Return settings of about this size, short texts and numbers in turn, as a worker has them."""
    found: dict[str, object] = {}
    left = size_bytes
    while left > 0:
        number = len(found)
        name = f"setting_{number:03}"
        found[name] = f"value of number {number}" if number % 2 else number / 8
        left -= len(json.dumps({name: found[name]}))
    return found


class WorkerDocuments:
    """The documents of one worker over its run."""

    def __init__(self, slot: int, change: Change) -> None:
        flags = Flags.read(ENVIRONMENT)
        self._life = Life(slot, flags)
        self._system2 = System2(slot, flags, lambda _line: None)
        self._pace = PACE[change]
        self._filling: dict[str, object] | None = None

    def fields(self, passed_s: float, now_t: float) -> dict[str, object]:
        """Return the document `passed_s` after the first one; `now_t` is the Unix time of the answer."""
        run_s = MIDDLE_S + passed_s * self._pace
        self._system2.update(run_s, now_t, answers=True)
        fields = document(self._life, self._system2.fields(run_s), run_s, now_t, "")
        if self._filling is None:
            self._filling = filling(REAL_BYTES - len(json.dumps(fields)))
        hparams = fields["hparams"]
        assert isinstance(hparams, dict)
        return fields | {"hparams": {**hparams, **self._filling}}

    def body(self, passed_s: float, now_t: float) -> bytes:
        """Return the document as the bytes of an answer."""
        return json.dumps(self.fields(passed_s, now_t)).encode()
