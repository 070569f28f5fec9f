"""Computes the learning of one worker at a run second of its process's life.

Pure: from slot, flags and seconds to fields. Every life starts at zero.
"""

from __future__ import annotations

from msgspec import Struct

from metabonk_tui.demo.flags import Flags
from metabonk_tui.demo.numbers import between, oscillating, rising, unit

MINUTE_S = 60.0
MENU_S = 3 * MINUTE_S
"""Time in the menus at the end of every episode."""
PRE_GAMEPLAY_EPISODE_S = 17 * MINUTE_S


class Life(Struct, frozen=True):
    """The life of one process in one slot."""

    slot: int
    flags: Flags
    starved: bool = False
    """No frame reaches the state classifier: the worker acts, but its state stays "uncertain"."""

    @property
    def gameplay_at_s(self) -> float | None:
        """Run second of the first gameplay; None: never, it stays in the menus."""
        if not self.flags.exploration or self.starved:
            return None
        return (40 + 5 * ((self.slot + 1) % 3) + self.slot // 3) * MINUTE_S

    @property
    def episode_s(self) -> float:
        """Length of an episode after the first gameplay, in run seconds."""
        return between(22, 31, self.slot, "episode") * MINUTE_S

    def episodes(self, t: float) -> tuple[int, float]:
        """Return the number of finished episodes and the seconds since the current one started."""
        start = self.gameplay_at_s
        if start is None or t < start:
            index, into = divmod(max(t, 0.0), PRE_GAMEPLAY_EPISODE_S)
            return int(index), into
        before = int(start // PRE_GAMEPLAY_EPISODE_S)
        index, into = divmod(t - start, self.episode_s)
        return before + int(index), into

    def transitions(self, t: float) -> int:
        """Return the number of transitions from the menus into the game."""
        start = self.gameplay_at_s
        return 0 if start is None or t < start else 1 + int((t - start) // self.episode_s)

    def steps(self, t: float) -> float:
        """Return the meaningful actions so far: 0.3 to 0.48 a run second while learning, otherwise about 0.1."""
        a_second = between(0.30, 0.48, self.slot, "step") if self.flags.exploration else between(0.05, 0.14, self.slot)
        return float(int(rising(t, 60 * a_second, self.slot, "steps")))

    def actions(self, t: float) -> int:
        """Return the turns of the action loop so far, about 7.2 a run second."""
        return int(rising(t, 60 * 7.2, self.slot, "actions"))

    def state(self, t: float) -> str:
        """Return the classifier's state: "menu_ui", "gameplay" or "uncertain"."""
        if not self.flags.exploration or self.starved or t < 5:
            return "uncertain"
        start = self.gameplay_at_s
        if start is not None and t >= start:
            return "menu_ui" if self.episodes(t)[1] > self.episode_s - MENU_S else "gameplay"
        return "uncertain" if unit(self.slot, "doubt", int(t // 45)) < 0.1 else "menu_ui"

    def play(self, t: float) -> dict[str, object]:
        """Return the fields of gameplay, reward and frames. `gameplay_started` is a latch: no episode resets it."""
        started = self.transitions(t) > 0
        playing = self.state(t) == "gameplay"
        reward = (
            oscillating(t, 1.8, 5.2, self.slot, "reward")
            if playing
            else oscillating(t, 0.02, 0.09, self.slot, "reward")
        )
        scene = f"{int(unit(self.slot, int(t // 6)) * 2**64):016x}"
        return {
            "gameplay_started": started,
            "gameplay_confidence": 0.97 if started else oscillating(t, 0.18, 0.46, self.slot, "conf"),
            "hud_present": playing,
            "hud_phase": "gameplay" if playing else "lobby",
            "act_hz": oscillating(t, 6.4, 8.1, self.slot, "act"),
            "actions_total": self.actions(t),
            "phase_gameplay": playing,
            "step": self.steps(t),
            "reward": reward,
            "exploration_reward": reward,
            "visual_novelty": oscillating(t, 0.05, 0.2, self.slot, "novelty"),
            "scene_hash": scene,
            "scene_fingerprint": scene,
            "new_scene": unit(self.slot, "new", int(t)) < 0.3,
            "screen_transition": False,
            "scenes_discovered": int(rising(t, 1.1, self.slot, "scenes")),
            "stuck_score": 0.0,
            "stuck": False,
            "obs_fps": oscillating(t, 12.5, 16.5, self.slot, "fps"),
            "stream_frame_var": oscillating(t, 60, 80, self.slot, "var"),
            "stream_frame_diff": oscillating(t, 70, 95, self.slot, "diff"),
            "stream_frozen_checks": int(t // 5),
        }

    def exploration(self, t: float) -> dict[str, object]:
        """Return the exploration fields. With the component off, random clicks still raise the counter."""
        if not self.flags.exploration:
            actions = int(rising(t, 3.1, self.slot, "fallback"))
            return {
                "dynamic_ui_state_type": "uncertain",
                "dynamic_ui_exploration_actions": actions,
                "dynamic_ui_epsilon": 0.9 if actions else 0.0,
            }
        state = self.state(t)
        actions = int(rising(t, between(0.42, 0.62, self.slot, "ui"), self.slot, "ui"))
        fields: dict[str, object] = {
            "dynamic_ui_state_type": state,
            "dynamic_ui_exploration_actions": actions,
            "dynamic_ui_epsilon": self.flags.epsilon_base if state == "gameplay" else self.flags.epsilon_ui,
        }
        if t >= 2 and not self.starved:
            # The classifier's inputs appear with its first frame and prove that it runs.
            playing = state == "gameplay"
            fields["dynamic_ui_text_density"] = oscillating(
                t, *((0.04, 0.12) if playing else (0.22, 0.38)), self.slot, "td"
            )
            fields["dynamic_ui_motion"] = oscillating(
                t, *((0.21, 0.34) if playing else (0.01, 0.045)), self.slot, "mo"
            )
            fields["dynamic_ui_ui_shape_count"] = float(int(oscillating(t, 6, 15, self.slot, "shapes")))
            fields["dynamic_ui_has_centered_panel"] = 0.0 if playing else 1.0
        return fields

    def intrinsic(self, t: float) -> dict[str, object]:
        """Return the intrinsic reward: a little for every new scene, a bonus for every transition into the game."""
        if not self.flags.intrinsic:
            return {}
        if not self.flags.intrinsic_applied:
            return {"intrinsic_reward": 0.0, "intrinsic_reward_total": 0.0, "intrinsic_scene_hash": None}
        bonus = (self.flags.gameplay_bonus + 0.15) * self.transitions(t)
        total = round(rising(t, between(0.007, 0.013, self.slot, "intr"), self.slot, "intr"), 3)
        return {
            "intrinsic_reward": 0.001 if unit(self.slot, "last", int(t)) < 0.2 else 0.0,
            "intrinsic_reward_total": total + bonus,
            "intrinsic_scene_hash": f"{int(unit(self.slot, 'intr', int(t // 9)) * 2**64):016x}",
            "intrinsic_ui_context": 0.0 if self.state(t) == "gameplay" else 1.0,
        }

    def meta(self, t: float) -> dict[str, object]:
        """Return the meta-learning fields: one sequence after the first success, more only if set to learn later."""
        if not self.flags.meta:
            return {}
        start = self.gameplay_at_s
        learned = 0
        if start is not None and t >= start + MINUTE_S:
            learned = 1 if self.flags.meta_pre_gameplay_only else 1 + int(rising(t - start, 0.15, self.slot, "meta"))
        return {
            "meta_learning_enabled": 1.0,
            "meta_success_sequences": float(learned),
            "meta_success_steps": 17.0 * learned,
            "meta_unique_scenes": 6.0 * learned,
            "meta_suggestions_considered": 9.0 * learned,
            "meta_suggestions_applied": 4.0 * learned,
            "meta_last_suggestion_similarity": 0.91 if learned else 0.0,
            "meta_last_suggestion_reason": "match" if learned else "",
            "meta_learner_sequences_learned": float(learned),
        }
