"""Finds answers that are no worker's: a document without any name that only MetaBonk sends.

Does not: look at processes. An adapter that knows another process behind the port reports the error itself.
"""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.sample import STRANGER, Observation, Sample, WorkerStatus
from metabonk_tui.core.status.known_fields import READ, READ_IF_PRESENT
from metabonk_tui.core.text.phrases import cut_list

COMMON = frozenset({"timestamp", "instance_id", "last_error", "stream_error"})
"""Names that any service may send."""
OWN_NAMES = frozenset((*READ, *READ_IF_PRESENT)) - COMMON


NO_WORKER = ("not json", "not an object", "too deep", "redirect", "encoded")
"""Answers that no worker ever gave; nor does it answer with a code of HTTP other than 200 and 5xx."""


def is_stranger(seen: Observation, *, is_known: bool) -> bool:
    """Return whether what answers is no worker.

    Only where no worker ever answered and none is known to run may an answer without a status be a stranger's.
    """
    error = seen.error or ""
    if error == STRANGER:
        return True
    if is_known or seen.pid is not None:
        return False
    return error in NO_WORKER or (error.startswith("http ") and not error.startswith("http 5"))


def of_port_holder(seen: Observation, holder: str) -> Observation:
    """Return what a process answers that holds the port of a worker whose own process is gone; `holder` names it.

    A document is still to be looked at: the same worker may run by another command. Without an answer, its silence
    says nothing of the process.
    """
    if seen.status is not None or seen.error in ("refused", "timeout", None):
        return with_holder(seen, holder)
    return replace(seen, error=STRANGER, detail=f"{_words(seen.error, seen.detail)}; {holder}")


def with_holder(seen: Observation, holder: str) -> Observation:
    """Return an answer that is no worker's with the name of what holds the port."""
    return replace(seen, detail="; ".join(filter(None, (seen.detail, holder))))


def without_strangers(sample: Sample, config: Config) -> Sample:
    """Return the sample with every stranger's document replaced by the error `STRANGER`."""
    strange = {ref: seen for ref, seen in sample.workers.items() if _is_strange(seen, config)}
    if not strange:
        return sample
    answers = {ref: _refused(seen) if ref in strange else seen for ref, seen in sample.workers.items()}
    return replace(sample, workers=answers)


def _is_strange(seen: Observation, config: Config) -> bool:
    return seen.status is not None and not is_worker_document(seen.status, config)


def is_worker_document(status: WorkerStatus, config: Config) -> bool:
    """Return whether a document has a name that only MetaBonk sends."""
    # A recorder that asked for some fields only proves nothing by the absence of the others.
    if status.observable is not None or not OWN_NAMES.isdisjoint(status.fields):
        return True
    own = (name for spec in config.component for name in (spec.field, *spec.aliases, *spec.also, spec.proof))
    return any(name in status.fields for name in own if name)


def _refused(seen: Observation) -> Observation:
    names = cut_list(list(seen.status.fields) if seen.status else [], 3)
    return replace(
        seen,
        status=None,
        error=STRANGER,
        detail="; ".join(filter(None, (f"its names: {names}" if names else "an empty document", seen.detail))),
        pid=None,
        pid_started_at=None,
        episode=None,
        last_frame_t=None,
    )


_WORDS = {
    "not json": "its answer is no JSON",
    "not an object": "its answer is no JSON object",
    "too deep": "its JSON is nested too deep",
    "redirect": "it redirects",
    "encoded": "its answer is compressed",
    "closed": "it closes the connection",
    "reset": "it closes the connection",
}
NOT_HTTP = "not HTTP"
"""How the detail of an answer begins that is not even HTTP. The words of the parser follow."""


def _words(error: str | None, detail: str) -> str | None:
    return "it does not speak HTTP" if detail.startswith(NOT_HTTP) else _WORDS.get(error or "", error)


def stranger_text(error: str | None, detail: str) -> str:
    """Return what is known of a process that answers and is no worker."""
    words = _words(error, detail)
    if detail.startswith(NOT_HTTP):
        detail = holder_of(detail)
    what = detail if error == STRANGER else f"{words}: {detail}" if detail else words
    return f"answers, but is no MetaBonk worker: {what}" if what else "answers, but is no MetaBonk worker"


HOLDER = "; port "
"""Begins the clause of a detail that names what holds the port."""


def holder_of(detail: str) -> str:
    """Return the clause of a detail that names what holds the port; "" where it is not known."""
    _, mark, holder = f"; {detail}".rpartition(HOLDER)
    return f"port {holder}" if mark else ""
