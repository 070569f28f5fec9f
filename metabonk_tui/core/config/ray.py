"""Says what is wrong with `[pool.ray]`, and names its pool. Does not: ask Ray."""

from __future__ import annotations

import re

from msgspec.structs import replace

from metabonk_tui.core.config.schema import GB, Config

NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
ADDRESS = re.compile(r"(?!auto:|local:)([A-Za-z0-9][A-Za-z0-9.-]{0,200}|\[[0-9A-Fa-f:]{2,45}\]):([1-9]\d{0,4})")
PLACEHOLDERS = ("slot", "port")


def of_ray(config: Config) -> Config:
    """Return the configuration with its pool named after its namespace: no host of it is this machine."""
    return replace(config, pool=replace(config.pool, host=f"ray+{config.pool.ray.namespace.lower()}"))


def memory_bytes(config: Config) -> int:
    """Return the memory that is asked for each worker."""
    return int((config.pool.ray.memory_gb or config.memory.worker_gb) * GB)


def ray_problems(config: Config) -> list[tuple[str, str]]:
    """List (key, text) for what no monitor of a pool on Ray may start with."""
    ray, listed = config.pool.ray, []
    if config.host:
        listed.append(("host", 'the nodes of backend = "ray" are hosts by themselves: leave out [[host]]'))
    found = ADDRESS.fullmatch(ray.address)
    if found is None or int(found[2]) > 65535:
        what = "HOST:PORT of the cluster; without it Ray would join any cluster that it finds"
        listed.append(("pool.ray.address", f"expected {what}"))
    if not NAMESPACE.fullmatch(ray.namespace):
        listed.append(("pool.ray.namespace", "expected at most 40 letters, digits, . - and _"))
    listed += [
        (f"pool.ray.{key}", f"expected an absolute path{what}")
        for key, value, what in (
            ("python", ray.python, " of the Python that has ray"),
            ("token_file", ray.token_file or "/", ' of the cluster\'s token, or ""'),
        )
        if not value.startswith(("/", "~/")) or "\x00" in value
    ]
    if not ray.command:
        listed.append(("pool.ray.command", "empty: expected what a worker runs, with {port} or {slot}"))
    elif not any(f"{{{name}}}" in argument for argument in ray.command for name in PLACEHOLDERS):
        listed.append(("pool.ray.command", "no {port} and no {slot}: every worker would be the same"))
    if ray.gpus > 1 and ray.gpus != int(ray.gpus):
        listed.append(("pool.ray.gpus", "expected a whole number above 1: Ray divides no GPU of several"))
    return listed
