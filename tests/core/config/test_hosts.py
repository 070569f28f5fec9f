"""The hosts of a pool: what each inherits, and what no monitor starts with."""

from __future__ import annotations

import pytest

from metabonk_tui.adapters.host.local import is_this_machine
from metabonk_tui.core.config.hosts import base_port_of, workers_of
from metabonk_tui.core.config.load import ConfigError, parse_config
from metabonk_tui.core.config.schema import Config
from tests.support.children import config
from tests.support.paths import ROOT

TWO = """
[pool]
workers = 4
[[host]]
name = "node1"
[[host]]
name = "node2"
ssh = "me@10.0.0.2"
base_port = 6000
workers = 2
"""


def test_without_hosts_nothing_changes() -> None:
    assert config().host == []
    assert config().pool.host == "127.0.0.1"


def test_a_host_has_the_pools_ports_and_workers_unless_it_says_otherwise() -> None:
    read = config(TWO)
    assert [(workers_of(host, read), base_port_of(host, read)) for host in read.host] == [(4, 5000), (2, 6000)]


def test_such_a_pool_is_named_after_its_hosts_and_only_watched() -> None:
    read = config(TWO)
    assert read.pool.host == "node1+node2"
    assert not read.pool.can_launch


def test_two_pools_on_the_same_hosts_differ_in_their_ports() -> None:
    hosts = '[[host]]\nname = "a"\nbase_port = {}\n[[host]]\nname = "b"\nbase_port = 7000\n'
    assert [config(hosts.format(port)).pool.base_port for port in (6000, 6100)] == [6000, 6100]
    assert config(TWO).pool.base_port == 5000, "node1 has the pool's own port"


def test_its_name_is_never_an_address_of_this_machine() -> None:
    assert config('[[host]]\nname = "localhost"').pool.host == "localhost+"
    assert not is_this_machine(config('[[host]]\nname = "127.0.0.1"').pool.host)


def test_the_name_of_many_hosts_is_short_and_their_own() -> None:
    names = ["\n".join(f'[[host]]\nname = "{kind}-node-{n}"' for n in range(20)) for kind in ("a", "b")]
    first, second = (config(f"[pool]\nworkers = 2\n{text}").pool.host for text in names)
    assert first.startswith("a-node-0+19-")
    assert len(first) < 40
    assert first != second


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('name = "node1"\n[[host]]\nname = "node1"', "`node1` is declared twice; names must differ"),
        ('name = ""', "expected at most 24 letters"),
        ('name = "a/b"', "expected at most 24 letters"),
        ('name = "a b"', "expected at most 24 letters"),
        ('name = "a"\nssh = "-oProxyCommand=x"', "options go to ssh_options"),
        ('name = "a"\nssh = "a b"', "expected what ssh connects to"),
        ('name = "a"\nssh_options = ["-p", "22"]', "there is no ssh"),
        ('name = "a"\nbase_port = 65535', "the last port is 65535"),
        ('name = "a"\nport = 3', "unknown key"),
        ('ssh = "a"', "the key `name` is missing"),
        ('name = "a"\nworkers = 600\n[[host]]\nname = "b"\nworkers = 600', "1200 workers on all hosts"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(lines: str, words: str) -> None:
    manual = (ROOT / "config.toml").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="host") as raised:
        parse_config(manual, f"[[host]]\n{lines}\n")
    assert words in str(raised.value)


def test_more_hosts_than_are_supported_are_refused() -> None:
    many = "\n".join(f'[[host]]\nname = "node{n}"' for n in range(65))
    with pytest.raises(ConfigError, match="65 hosts; at most 64"):
        config(many)


def test_no_host_may_be_an_option_of_ssh() -> None:
    read: Config = config('[[host]]\nname = "a"\nssh = "node-with-dash"')
    assert read.host[0].ssh == "node-with-dash"
