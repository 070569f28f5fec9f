"""Decodes the statuses of one worker, and reads its large parts that have not changed only once.

A status of 6.5 KB in the measurements has 2.9 KB of parts that stay the same. Does not: decide what a document means;
`decode` does.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from metabonk_tui.core.model.sample import BadStatus, WorkerStatus
from metabonk_tui.core.status.decode import decode_status
from metabonk_tui.core.status.limits import MAX_DEPTH
from metabonk_tui.core.status.strict_json import UNDECIDED, decode_strict

LEAST_BYTES = 256
"""The least size of a part that is worth a search."""
MOST_PARTS = 4
MOVES_BYTES = 64
MOST_WAIT = 64
"""The most polls between two tries to learn parts that change all the time: a try decodes the document again."""
PLACE = 7_046_029_254_386_353_087
"""Stands for a part that was cut out: a number that no worker sends, and that is looked for before it is trusted."""
_PLACE = str(PLACE).encode()
_MOST_SHARED = 4_096

_raws = msgspec.json.Decoder(dict[str, msgspec.Raw])
_shared: dict[bytes, Any] = {}
"""Bytes of a part → its value. The workers of a pool have mostly the same settings, and share one object."""


class _Part(Struct):
    """One large value of a document: its top-level name, its bytes, where they were last, and what they mean."""

    name: str
    raw: bytes
    at: int
    value: Any


class StatusDecoder:
    """Decodes the statuses of one worker. Statuses may share parts, so none may be changed."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        """The large parts of the last documents that have not changed."""
        self._wait, self._left = 0, 1
        """Polls from the last try to learn to the next, and those that are left; 0 left: a try is not needed."""

    def decode(self, body: bytes) -> WorkerStatus | BadStatus:
        """Do what `decode_status` does."""
        if self._left != 1 and self._parts:
            known = self._with_known_parts(body)
            if known is not None:
                self._left = max(0, self._left - 1)
                return WorkerStatus(known)
        status = decode_status(body)
        if self._left == 1 and isinstance(status, WorkerStatus):
            self._learn(body, status)
        self._left = max(1, self._left - 1) if self._left else 0
        return status

    def _with_known_parts(self, body: bytes) -> dict[str, Any] | None:
        """Decode the document without the parts that it has in common with the last one; None: there is any doubt.

        Where a number is the value of a top-level name, an object in its place with nothing else changed is, too.
        """
        kept: list[_Part] = []
        pieces: list[bytes] = []
        end = 0
        for part in self._parts:
            # Numbers before it that gained or lost a digit have moved it by a few bytes.
            at = body.find(part.raw, max(end, part.at - MOVES_BYTES))
            if at < 0 and (at := body.find(part.raw, end)) < 0:
                continue
            part.at = at
            pieces += (body[end:at], _PLACE)
            end = at + len(part.raw)
            kept.append(part)
        rest = b"".join((*pieces, body[end:]))
        if len(kept) < len(self._parts):
            self._parts = kept
            self._try_later()
        tree = decode_strict(rest, MAX_DEPTH) if kept and rest.count(_PLACE) == len(kept) else UNDECIDED
        if type(tree) is dict and all(tree.get(part.name) == PLACE for part in kept):
            for part in kept:
                tree[part.name] = part.value
            return tree
        self._try_later()
        return None

    def _try_later(self) -> None:
        """Wait twice as long for the next try: what has changed now may change at every poll."""
        self._wait = min(MOST_WAIT, 2 * self._wait + 1)
        self._left = self._wait + 1

    def _learn(self, body: bytes, status: WorkerStatus) -> None:
        """Remember the largest parts of a document without a fault."""
        try:
            raws = {name: bytes(raw) for name, raw in _raws.decode(body).items() if len(bytes(raw)) >= LEAST_BYTES}
        except msgspec.MsgspecError:
            raws = {}
        large = [name for name, raw in raws.items() if raw.startswith((b"{", b"[")) and name in status.fields]
        if decode_strict(body, MAX_DEPTH) is UNDECIDED:
            large = []
        large.sort(key=lambda name: len(raws[name]), reverse=True)
        parts = []
        for name in large[:MOST_PARTS]:
            raw, value = raws[name], status.fields[name]
            # A part with a secret is not kept: cleaning has changed its value.
            if msgspec.json.decode(raw) == value:
                if len(_shared) >= _MOST_SHARED:
                    _shared.clear()
                parts.append(_Part(name, raw, body.find(raw), _shared.setdefault(raw, value)))
        self._parts = sorted(parts, key=lambda part: part.at)
        self._left = 0 if parts else MOST_WAIT
