"""The text of a test's terminal is what pyte shows of it, also with wide and combining characters."""

from __future__ import annotations

import random

import pyte
import pytest

from tests.support.terminal import text_of

PLAIN = "abc ●│─é"


@pytest.mark.parametrize("letters", [PLAIN, PLAIN + "e\u0301", PLAIN + "日本🙂"], ids=["plain", "combining", "wide"])
def test_it_is_what_pyte_shows(letters: str) -> None:
    chance = random.Random(7)
    screen = pyte.Screen(40, 10)
    stream = pyte.ByteStream(screen)
    for _ in range(60):
        place = f"\x1b[{chance.randrange(1, 12)};{chance.randrange(1, 42)}H"
        text = "".join(chance.choices(letters, k=chance.randrange(30)))
        stream.feed((place + text + chance.choice(("", "\x1b[K", "\x1b[2J", "\r\n"))).encode())
        assert text_of(screen) == "\n".join(screen.display)
    screen.resize(12, 50)
    assert text_of(screen) == "\n".join(screen.display)
    assert letters[-1] in text_of(screen)
