"""What `[pool.ray]` may say, and what pool it names."""

from __future__ import annotations

import pytest

from metabonk_tui.core.config.load import ConfigError
from tests.support.children import config

GOOD = '[pool]\nbackend = "ray"\n{more}\n[pool.ray]\naddress = "10.0.0.1:6379"\npython = "/srv/ray/bin/python"\n'


def test_the_pool_is_named_after_its_namespace_and_is_no_machine() -> None:
    found = config(GOOD.format(more="") + 'namespace = "Mine"')
    assert found.pool.host == "ray+mine"
    assert (found.is_spread, found.pool.is_placed, found.pool.can_launch) == (True, True, True)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('address = ""', "pool.ray.address"),
        ('address = "auto"', "pool.ray.address"),
        ('address = "local"', "pool.ray.address"),
        ('address = "auto:6379"', "pool.ray.address"),
        ('address = "ray://10.0.0.1:10001"', "pool.ray.address"),
        ('address = "10.0.0.1"', "pool.ray.address"),
        ('address = "10.0.0.1:99999"', "pool.ray.address"),
        ('address = "--help:1"', "pool.ray.address"),
        ('python = ""', "pool.ray.python"),
        ('python = "python3"', "pool.ray.python"),
        ('token_file = "token"', "pool.ray.token_file"),
        ('namespace = "a b"', "pool.ray.namespace"),
        ('namespace = ""', "pool.ray.namespace"),
        ("command = []", "pool.ray.command"),
        ('command = ["worker"]', "pool.ray.command"),
        ("gpus = 1.5", "pool.ray.gpus"),
    ],
)
def test_what_no_monitor_may_start_with(line: str, key: str) -> None:
    name = line.split(" ")[0]
    kept = "".join(each + "\n" for each in GOOD.format(more="").splitlines() if not each.startswith(name))
    with pytest.raises(ConfigError, match=key):
        config(kept + line)


@pytest.mark.parametrize("address", ["head.example:6379", "[fe80::1]:6379", "127.0.0.1:1", "autobahn:6379"])
def test_addresses(address: str) -> None:
    text = GOOD.format(more="").replace("10.0.0.1:6379", address)
    assert config(text).pool.ray.address == address


def test_its_nodes_are_its_hosts() -> None:
    with pytest.raises(ConfigError, match="leave out"):
        config(GOOD.format(more="") + '[[host]]\nname = "n1"')


def test_without_the_backend_nothing_of_it_is_checked() -> None:
    assert config('[pool.ray]\naddress = "auto"').pool.backend == "launcher"
