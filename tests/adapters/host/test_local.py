"""Whether a host is this machine: what is elsewhere must not be mixed with what is here."""

import psutil
import pytest

from metabonk_tui.adapters.host.local import is_this_machine


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "0.0.0.0"])
def test_loopback_is_here(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7", "training-box", "127.0.0.1.example", ""])
def test_everything_else_is_elsewhere(host: str) -> None:
    assert not is_this_machine(host)


def test_an_address_of_our_own_is_here() -> None:
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family.name in ("AF_INET", "AF_INET6"):
                assert is_this_machine(entry.address.split("%")[0])
