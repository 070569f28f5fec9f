"""Reads the METABONK_* variables that decide which components a worker builds."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

TRUTHY = ("1", "true", "yes", "on")


class Flags(Struct, frozen=True):
    """The components of one worker. An unset flag is off, as in MetaBonk's code."""

    exploration: bool = False
    intrinsic: bool = False
    intrinsic_applied: bool = False
    meta: bool = False
    meta_pre_gameplay_only: bool = True
    system2: bool = False
    system2_mode: str = "always"
    epsilon_base: float = 0.1
    epsilon_ui: float = 0.8
    gameplay_bonus: float = 1.0
    pure_vision: bool = False
    ollama: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Flags:
        """Read the flags from an environment; an invalid number falls back to its default."""

        def on(key: str, default: str = "0") -> bool:
            return environ.get(key, default).strip().lower() in TRUTHY

        def number(key: str, default: float) -> float:
            try:
                return float(environ.get(key, ""))
            except ValueError:
                return default

        pure_vision = on("METABONK_PURE_VISION_MODE")
        intrinsic = on("METABONK_INTRINSIC_REWARD")
        return cls(
            exploration=on("METABONK_DYNAMIC_UI_EXPLORATION"),
            intrinsic=intrinsic,
            intrinsic_applied=intrinsic and (not pure_vision or on("METABONK_INTRINSIC_APPLY_IN_PURE_VISION")),
            meta=on("METABONK_META_LEARNING"),
            meta_pre_gameplay_only=on("METABONK_META_LEARNER_PRE_GAMEPLAY_ONLY", "1"),
            system2=on("METABONK_SYSTEM2_ENABLED") and environ.get("METABONK_SYSTEM2_BACKEND", "ollama") == "ollama",
            system2_mode=environ.get("METABONK_SYSTEM2_TRIGGER_MODE", "").strip() or "always",
            epsilon_base=number("METABONK_DYNAMIC_EPS_BASE", 0.1),
            epsilon_ui=number("METABONK_DYNAMIC_EPS_UI", 0.8),
            gameplay_bonus=number("METABONK_INTRINSIC_UI_TO_GAMEPLAY_BONUS", 1.0),
            pure_vision=pure_vision,
            ollama=environ.get("OLLAMA_HOST", "").strip(),
        )
