"""The address of another pool, as a person types it."""

import pytest

from metabonk_tui.core.run.other_pool import options_of


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("5600", ("--base-port", "5600")),
        (" 5600 ", ("--base-port", "5600")),
        ("1", ("--base-port", "1")),
        ("65535", ("--base-port", "65535")),
        ("node2", ("--host", "node2")),
        ("10.0.0.7:5600", ("--host", "10.0.0.7", "--base-port", "5600")),
        ("[::1]:5600", ("--host", "::1", "--base-port", "5600")),
        ("[::1]", ("--host", "::1")),
        ("::1", ("--host", "::1")),
        ("0", ()),
        ("65536", ()),
        ("²", ()),
        ("node2:", ()),
        (":5600", ()),
        ("node2:x", ()),
        ("[::1", ()),
        ("[::1]5600", ()),
        ("[::1]:", ()),
        ("-rf", ()),
        ("--config", ()),
        ("a b", ()),
        ("http://node2:5600", ()),
        ("", ()),
    ],
)
def test_an_address_is_a_port_a_host_or_both(typed: str, expected: tuple[str, ...]) -> None:
    assert options_of(typed) == expected
