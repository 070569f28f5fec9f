"""Writes the config and the env file of a demo pool, and returns its first launch command."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from metabonk_tui.demo.envfile import flags_of, write_env_file
from metabonk_tui.demo.launcher import OLLAMA_MB
from metabonk_tui.demo.memory import available_mb
from metabonk_tui.demo.pool import PoolLocation
from metabonk_tui.demo.scenarios import SCENARIOS, extra_mb

PYTHON_MB = 15.0
"""Memory of an idle interpreter without its ballast."""
FLOOR_SHARE = 0.25
"""With a tight floor, memory falls below it at this share of all growth."""


def prepare(pool: PoolLocation, *, scenario: str, workers: int, speed: float, memory_mb: float) -> dict[str, object]:
    """Write config.toml and the env file into the pool's folder; return the document that the verb prints."""
    row = SCENARIOS[scenario]
    pool.directory.mkdir(parents=True, exist_ok=True)
    write_env_file(pool, enabled=row.enabled, missing_keys=row.missing_keys)
    program = [sys.executable, "-m", "metabonk_tui.demo"]
    where = ["--dir", str(pool.directory), "--base-port", str(pool.base_port)]
    launch = [
        *program,
        "launch",
        *where,
        "--scenario",
        scenario,
        "--speed",
        f"{speed:g}",
        "--memory-mb",
        f"{memory_mb:g}",
    ]
    stop = [*program, "stop", *where]
    growth_mb = extra_mb(row.memory, float("inf"))
    memory: dict[str, object] = {
        "worker_gb": round((memory_mb + growth_mb + PYTHON_MB) / 1000, 3),
        "ollama_gb": round((OLLAMA_MB + PYTHON_MB) / 1000, 3),
    }
    if row.tight_floor:
        held_mb = workers * (memory_mb + PYTHON_MB + growth_mb * FLOOR_SHARE) + OLLAMA_MB + 3 * PYTHON_MB
        memory["floor_gb"] = round(max(0.1, (available_mb() - held_mb) / 1000), 3)
    tables: dict[str, Mapping[str, object]] = {
        "pool": {
            "host": "127.0.0.1",
            "base_port": pool.base_port,
            "workers": min(workers, row.planned or workers),
            "orchestrator": f"http://127.0.0.1:{pool.orchestrator_port}",
            "backend": "launcher",
            "profile": f"demo: {scenario}",
        },
        "pool.launcher": {
            "directory": str(pool.directory),
            "launch": [*launch, "--workers", "{workers}"],
            "stop": stop,
            "env_file": str(pool.env_file),
            "environment": {},
            "log_file": str(pool.directory / "pool.log"),
            "start_timeout_s": 30.0,
            "stop_grace_s": 10.0,
        },
        "processes": {
            "worker": [["metabonk_tui.demo worker", f"--pool {pool.name}"]],
            "launcher": [["metabonk_tui.demo launch", f"--pool {pool.name}"]],
            "orchestrator": [["metabonk_tui.demo orchestrator", f"--pool {pool.name}"]],
            "ollama": [["metabonk_tui.demo ollama", f"--pool {pool.name}"]],
        },
        "memory": memory,
        # The demo's Ollama starts with its pool, so the preflight must not require one.
        "preflight": {"ollama": "", "disk_gb": 0.01},
    }
    config = pool.directory / "config.toml"
    config.write_text(f"# The demo pool `{scenario}`: {row.summary}.\n\n" + _toml(tables))
    return {
        "config": str(config),
        "env_file": str(pool.env_file),
        "launch": [*launch, "--workers", str(workers), *([] if row.exported else ["--not-exported"])],
        "environment": flags_of(pool, enabled=row.enabled, missing_keys=row.missing_keys) if row.exported else {},
        "stop": stop,
        "workers": workers,
        "base_port": pool.base_port,
        "speed": speed,
        "scenario": scenario,
    }


def _toml(tables: Mapping[str, Mapping[str, object]]) -> str:
    """Return the tables as TOML. For strings, numbers, lists and empty tables, JSON notation is valid TOML."""
    parts = []
    for name, table in tables.items():
        rows = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())
        parts.append(f"[{name}]\n{''.join(rows)}")
    return "\n".join(parts)
