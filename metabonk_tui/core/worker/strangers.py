"""Finds answers that are no worker's: a document without any name that only MetaBonk sends.

Does not: look at processes. An adapter that knows another process behind the port reports the error itself.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import STRANGER, Observation, Sample
from metabonk_tui.core.status.known_fields import READ, READ_IF_PRESENT
from metabonk_tui.core.text.phrases import cut_list

COMMON = frozenset({"timestamp", "instance_id", "last_error", "stream_error"})
"""Names that any service may send."""
OWN_NAMES = frozenset((*READ, *READ_IF_PRESENT)) - COMMON


NO_WORKER = ("not json", "not an object", "redirect")
"""Answers that no worker ever gave; nor does it answer with HTTP 4xx."""


def is_stranger(seen: Observation, *, is_known: bool) -> bool:
    """Return whether what answers is no worker.

    Only where no worker ever answered and none is known to run may an answer without a status be a stranger's.
    """
    error = seen.error or ""
    if error == STRANGER:
        return True
    return not is_known and seen.pid is None and (error in NO_WORKER or error.startswith("http 4"))


def without_strangers(sample: Sample, config: Config) -> Sample:
    """Return the sample with every stranger's document replaced by the error `STRANGER`."""
    strange = {ref: seen for ref, seen in sample.workers.items() if _is_strange(seen, config)}
    if not strange:
        return sample
    answers = {ref: _refused(seen) if ref in strange else seen for ref, seen in sample.workers.items()}
    return replace(sample, workers=answers)


def _is_strange(seen: Observation, config: Config) -> bool:
    status = seen.status
    # A recorder that asked for some fields only proves nothing by the absence of the others.
    if status is None or status.observable is not None or not OWN_NAMES.isdisjoint(status.fields):
        return False
    own = (name for spec in config.component for name in (spec.field, *spec.aliases, *spec.also, spec.proof))
    return not any(name in status.fields for name in own if name)


def _refused(seen: Observation) -> Observation:
    names = cut_list(list(seen.status.fields) if seen.status else [], 3)
    return replace(
        seen,
        status=None,
        error=STRANGER,
        detail=f"its names: {names}" if names else "an empty document",
        pid=None,
        pid_started_at=None,
        episode=None,
        last_frame_t=None,
    )


def stranger_text(error: str | None, detail: str) -> str:
    """Return what is known of a process that answers and is no worker."""
    what = detail if error == STRANGER else f"{error}: {detail}" if detail else error
    return f"answers, but is no MetaBonk worker: {what}" if what else "answers, but is no MetaBonk worker"
