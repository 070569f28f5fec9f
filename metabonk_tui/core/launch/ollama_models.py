"""Judges whether Ollama serves the model that System2 will ask for.

Pure. An Ollama that was not asked, or gave no list, is unknown, never a pass. Does not: ask Ollama.
"""

from __future__ import annotations

from collections.abc import Mapping

from metabonk_tui.core.launch.checklist import ChecklistItem, CheckState
from metabonk_tui.core.text.clean import clean_text, show_cr
from metabonk_tui.core.text.mask import mask_text
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.worker.environment import is_on, shown_value

ITEM_ID, TITLE = "ollama-model", "model of System2"
ENABLED, MODEL, OTHER_MODEL = "METABONK_SYSTEM2_ENABLED", "METABONK_SYSTEM2_MODEL", "METABONK_VLM_HINT_MODEL"
DEFAULT_MODEL = "llava:7b"
"""What MetaBonk's workers ask for when neither variable is set."""
DEFAULT_TAG = "latest"
NAMED = 4
"""Models of Ollama that the evidence names."""


def served_models(answer: object) -> frozenset[str] | None:
    """Return the names in Ollama's answer to /api/tags, decoded from JSON; None: it has no list of models."""
    models = answer.get("models") if isinstance(answer, dict) else None
    if not isinstance(models, list):
        return None
    named = (model.get(key) for model in models if isinstance(model, dict) for key in ("name", "model"))
    return frozenset(name for name in named if isinstance(name, str) and name)


def model_item(
    url: str,
    environment: Mapping[str, str] | None,
    launcher_sets: Mapping[str, str | None],
    served: frozenset[str] | str | None,
) -> ChecklistItem:
    """Judge the model. `environment`: of the launch, None: not known; `launcher_sets`: what the launcher sets over it.

    `served`: the models at `url`, where the workers will ask, or why there is no list; None: not asked.
    """
    if not url:
        return _item("SKIPPED", "not needed: preflight.ollama is empty")
    if environment is None:
        return _item("UNKNOWN", "the env file cannot be sourced", fix="mend the env file")
    effective: dict[str, str | None] = {**environment, **launcher_sets}
    if launcher_sets.get(ENABLED, "") is not None and not is_on(effective.get(ENABLED)):
        is_set = f"is {shown_value(effective[ENABLED] or '')}" if ENABLED in effective else "is not set"
        return _item("SKIPPED", f"not needed: {ENABLED} {is_set}")
    key = MODEL if MODEL in effective else OTHER_MODEL
    wanted = effective.get(key, DEFAULT_MODEL)
    by = f"{key} as the launcher sets it" if key in launcher_sets else key if key in effective else "the default"
    if wanted is None:
        return _item("UNKNOWN", f"{MODEL}: the launcher sets it, to what is not known", fix="look into its profile")
    name, url = shown_value(clean_text(show_cr(mask_text(wanted)), 80)), mask_text(url)
    if not isinstance(served, frozenset):
        return _item(
            "UNKNOWN", f"{url} gave no list of models: {served or 'it was not asked'}", fix="start Ollama there"
        )
    if _full_name(wanted) in {_full_name(model) for model in served}:
        return _item("PASS", f"{url} serves {name} ({by})")
    others = cut_list([clean_text(model, 60) for model in sorted(served)], NAMED) if served else "none"
    why = f"{url} does not serve {name} ({by}); it serves {others}"
    return _item("FAIL", why, fix=f"run there: ollama pull {name}; or set {MODEL} right in the env file")


def _full_name(model: str) -> str:
    """Return a name as Ollama resolves it: without its registry, with a tag, without case."""
    name = model.removeprefix("registry.ollama.ai/").removeprefix("library/").casefold()
    return name if ":" in name.rpartition("/")[2] else f"{name}:{DEFAULT_TAG}"


def _item(standing: CheckState, why: str, fix: str = "") -> ChecklistItem:
    return ChecklistItem(ITEM_ID, TITLE, standing, (why,), fix)
