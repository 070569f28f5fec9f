"""Finds which components are due in validation, and which of them no worker has shown.

Does not: judge what follows; the gate and the verdict do.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.core.model.worker import ComponentState, ComponentView, WorkerView


def due_components(workers: Sequence[WorkerView]) -> tuple[list[str], list[str]]:
    """Return two lists of titles: components due in validation, and those of them that showed in this run."""
    shown: dict[str, bool] = {}
    for worker in workers:
        for component in worker.components:
            if component.due == "validation":
                shown[component.title] = component.shown_in_run or shown.get(component.title, False)
    return list(shown), [title for title, is_shown in shown.items() if is_shown]


def never_shown(workers: Sequence[WorkerView]) -> list[str]:
    """Return the titles of due components that never showed on any worker, though a worker's source could see them."""
    due, shown = due_components(workers)
    if len(due) == len(shown):
        return []
    unseen = unobserved(workers)
    return [title for title in due if title not in shown and title not in unseen]


def unobserved(workers: Sequence[WorkerView]) -> list[str]:
    """Return the titles of due components that the source of no worker could see."""
    if not any([view.state is ComponentState.UNOBSERVED for worker in workers for view in worker.components]):
        return []
    return [title for title, each in _views(workers).items() if _is_unobserved(each)]


def _is_unobserved(each: Sequence[ComponentView]) -> bool:
    is_marked = any(view.state is ComponentState.UNOBSERVED for view in each)
    return is_marked and not any(view.samples or view.shown_in_run for view in each)


def _views(workers: Sequence[WorkerView]) -> dict[str, list[ComponentView]]:
    views: dict[str, list[ComponentView]] = {}
    for worker in workers:
        for component in worker.components:
            if component.due == "validation":
                views.setdefault(component.title, []).append(component)
    return views
