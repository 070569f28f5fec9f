"""Lists the expected names of `/status` and who needs each. No other module lists them.

Does not: know what a value means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.contract import Expected, NameView
from metabonk_tui.core.text.phrases import cut_list
from metabonk_tui.core.text.similar import most_similar

READ: Mapping[str, str] = {
    "step": "step rate, generations",
    "actions_total": "conduct",
    "gameplay_started": "gameplay",
    "hud_present": "gameplay",
    "phase_gameplay": "gameplay",
    "reward": "gameplay",
    "dynamic_ui_state_type": "state of the UI",
    "dynamic_ui_epsilon": "epsilon",
    "obs_fps": "frame rate",
    "scene_hash": "stale frames",
    "stream_frozen": "stale frames",
    "timestamp": "causes",
}
"""Names that the program reads besides the configured components. Every worker sends them, whatever its build."""
READ_IF_PRESENT: Mapping[str, str] = {
    "dynamic_ui_text_density": "causes, stale frames",
    "dynamic_ui_motion": "causes, stale frames",
    "dynamic_ui_ui_shape_count": "causes",
    "dynamic_ui_has_centered_panel": "causes",
    "stream_frame_var": "stale frames",
    "stream_frame_diff": "stale frames",
    "instance_id": "causes",
    "frames_ok": "stale frames",
    "last_frame_ts": "stale frames",
    "intrinsic_reward_total": "causes",
    "intrinsic_ui_context": "causes",
    "meta_success_sequences": "causes",
    "system2_enabled": "causes",
    "system2_reasoning": "causes",
    "system2_trigger_engaged_count": "causes",
    "system2_trigger_mode": "causes",
    "system2_trigger_reason": "causes",
    "vlm_hints_used": "causes",
    "discovery_stats": "causes",
    "game_log_path": "causes",
    "last_error": "the worker's own error",
    "streamer_last_error": "the worker's own error",
    "stream_error": "the worker's own error",
    "fifo_stream_last_error": "the worker's own error",
}
"""Names that depend on a component, a kind of stream or a version. Their absence is no fault."""

NEAR = 0.7
"""Similarity, 0 to 1, from which two names count as alike."""


def expectations(config: Config) -> tuple[Expected, ...]:
    """List every expected name once, with all who need it; those of components come first, as configured."""
    wanted: dict[str, tuple[list[str], bool, tuple[str, ...]]] = {}

    def note(name: str, by: str, needed: bool, alternatives: Iterable[str] = ()) -> None:
        before, was_needed, others = wanted.get(name, ([], False, ()))
        wanted[name] = ([*before, by], was_needed or needed, others or tuple(alternatives))

    for spec in config.component:
        note(spec.field, f"field of {spec.title}", True, spec.aliases)
        for name in spec.aliases:
            note(name, f"alias of {spec.title}", False)
        for name in spec.also:
            note(name, f"also of {spec.title}", True)
        if spec.proof:
            note(spec.proof, f"proof of {spec.title}", True)
    for name, purpose in READ.items():
        note(name, f"read for {purpose}", True)
    for name, purpose in READ_IF_PRESENT.items():
        if name not in wanted:
            note(name, f"read for {purpose}", False)
    return tuple(
        Expected(name, tuple(by), needed, alternatives) for name, (by, needed, alternatives) in wanted.items()
    )


def nearest(name: str, seen: Iterable[str], cutoff: float = NEAR) -> str | None:
    """Return the seen name that is most similar to `name`; None below `cutoff`."""
    return most_similar(name, seen, cutoff)


def format_names(views: Iterable[NameView], most: int = 4) -> str:
    """Format names with the nearest seen name: "a (nearest seen: b), c and 2 more"."""
    parts = [view.name + (f" (nearest seen: {view.nearest})" if view.nearest else "") for view in views]
    return cut_list(parts, most)
