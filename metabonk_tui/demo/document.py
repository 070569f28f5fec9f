"""Composes the `/status` document of a worker with MetaBonk's field names, types and missing fields."""

from __future__ import annotations

from metabonk_tui.demo.life import Life
from metabonk_tui.demo.numbers import unit


def _names(text: str) -> list[str]:
    return text.split()


# Constant fields of a worker without a stream, a GPU and a visible game.
_NULL = _names(
    "pixel_preprocess_backend phase_label phase_source phase_effective phase_effective_source display display_name "
    "pipewire_node stream_error fifo_stream_path fifo_stream_last_error go2rtc_base_url featured_slot launcher_pid "
    "launcher_log_path launcher_last_pipewire_node gpu_memory_gb pixel_src_width pixel_src_height spectator_src_width "
    "spectator_src_height pixel_obs_width pixel_obs_height spectator_width spectator_height stream_backend "
    "streamer_last_error stream_active_clients stream_max_clients stream_busy nvenc_sessions_used stream_fps "
    "stream_target_fps stream_black_since_s stream_frozen_since_s stream_ok frames"
)
_FALSE = _names(
    "pipewire_node_ok stream_enabled stream_require_pipewire stream_require_zero_copy fifo_stream_enabled "
    "launcher_alive dmabuf_debugfs zero_copy streaming stream_frozen"
)
_ZERO = _names(
    "stream_epoch dmabuf_ok_count dmabuf_fail_count dmabuf_exporters_total dmabuf_exporters_nvidia "
    "dmabuf_importers_total dmabuf_importers_gamescope stream_heals"
)
_FIXED: dict[str, object] = {
    **dict.fromkeys(_NULL),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_ZERO, 0),
    "observation_backend": "detections",
    "observation_type": "detections",
    "phase_conf": 0.0,
    "capture_enabled": True,
    "capture_fps": 0.0,
    "dmabuf_last_ok_ts": 0.0,
    "featured_role": "warming",
    "hparams": {
        "lr": 0.0003,
        "gamma": 0.99,
        "entropy_coef": 0.01,
        "clip_range": 0.2,
        "gae_lambda": 0.95,
        "batch_size": 256,
        "minibatch_size": 64,
        "reward_shaping": {"velocity_penalty": 0.05, "efficiency_bonus": True},
    },
}
_POLICIES = ("Greed", "Lust", "Wrath", "Sloth", "Pride", "Envy", "Gluttony")


def policy(slot: int) -> str:
    """Return the name of the policy that the orchestrator would assign to a slot."""
    return _POLICIES[int(unit("policy", slot) * 6.99)]


def document(life: Life, system2: dict[str, object], t: float, now: float, run_directory: str) -> dict[str, object]:
    """Return the status at run second `t` of the process's life; `now` is the answer's Unix time."""
    play = life.play(t)
    name = f"omega-{life.slot}"
    return {
        "instance_id": name,
        "policy_name": policy(life.slot),
        **_FIXED,
        **play,
        "go2rtc_stream_name": name,
        "game_log_path": run_directory,
        "timestamp": now,
        **life.intrinsic(t),
        **life.meta(t),
        **life.exploration(t),
        **system2,
        "discovery_stats": {
            "actions_discovered": 0,
            "input_backend": "bonklink",
            "pure_vision_mode": life.flags.pure_vision,
            "most_rewarding": "none",
        },
        "frames_fps": play["obs_fps"],
        "fps": play["obs_fps"],
        "stream_diff": play["stream_frame_diff"],
        "steps": play["step"],
        "worker_id": name,
    }
