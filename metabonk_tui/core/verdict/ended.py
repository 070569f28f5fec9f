"""Writes the verdict of a run that is over: its last word, or a STOP with the cause. Does not: find out the cause."""

from __future__ import annotations

from msgspec.structs import replace

from metabonk_tui.core.model.ending import RunEnd
from metabonk_tui.core.model.snapshot import Gate, NextStep, Node, Verdict, VerdictKind
from metabonk_tui.core.verdict.decide import mark_path
from metabonk_tui.core.verdict.early import NO_ANSWER, OOM_KILL, EarlyStop, early_node

OVER = "the run is over: "


def ended_verdict(
    verdict: Verdict, before: Verdict | None, end: RunEnd, gate: Gate, steps: tuple[NextStep, ...]
) -> Verdict:
    """Return the verdict of a run that is over, with the steps that are due now.

    `verdict` is that of the tick, `before` the one on the screen when the pool was first missing. A run that a person
    ended keeps its word; any other end is a STOP.
    """
    base = before or verdict
    if verdict.kind is VerdictKind.STOP and not end.keeps_verdict and _says_more(verdict, base):
        base = verdict
    how = f"{OVER}{end.text}"
    changes = "a new run begins"
    if end.keeps_verdict or base.kind is VerdictKind.STOP:
        past = _past(base, gate)
        because = (*past[:1], how, *past[1:]) if end.keeps_verdict else (how, *past)
        nodes = _past_nodes(base.nodes)
        return replace(
            base, because=because, nodes=nodes, would_be=None, changes_when=changes, next_steps=steps, ended=end
        )
    branch = early_node(EarlyStop("the run is over", (how,)))
    nodes = (branch, *(node for node in _past_nodes(base.nodes) if node.id != branch.id))
    return replace(
        base,
        kind=VerdictKind.STOP,
        since_t=end.t,
        because=(how, f"its verdict was {base.kind}"),
        nodes=mark_path(VerdictKind.STOP, None, nodes),
        would_be=None,
        early=True,
        caution=False,
        changes_when=changes,
        next_steps=steps,
        was=base.kind,
        ended=end,
    )


def _says_more(stop: Verdict, base: Verdict) -> bool:
    """Return whether the STOP of this tick says more of the run than the word before its end.

    The causes go with the workers, so a STOP from before is the better one; a kill by the kernel may be found late.
    That no worker answers is the end itself: said again, it would count on for ever.
    """
    found = {node.short for node in stop.nodes if node.id == "early"}
    return OOM_KILL in found or (base.kind is not VerdictKind.STOP and NO_ANSWER not in found)


def _past_nodes(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the nodes without what was still to come: nothing is on track in a run that is over."""
    return tuple(
        replace(node, leads_to="the run ended", short=node.short.partition(",")[0])
        if node.answer == "not yet"
        else node
        for node in nodes
    )


def _past(base: Verdict, gate: Gate) -> tuple[str, ...]:
    """Return the reasons of a verdict without what was still to come."""
    if base.ended is not None:
        return tuple(each for each in base.because if not each.startswith(OVER))
    if base.kind is not VerdictKind.VALIDATING:
        return base.because
    done = len(gate.checks) - gate.count("TO COME")
    return (f"the gate had not ended: {done}/{len(gate.checks)} checks",)
