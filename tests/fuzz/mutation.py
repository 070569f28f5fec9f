"""Makes broken inputs from good ones: bytes that fall out, come twice, or become a number that no reader expects."""

from __future__ import annotations

import re
from random import Random

NUMBERS = (
    *("0", "-1", "-0.0", "1.5", "1e999", "-1e999", "NaN", "Infinity", "1e308", "1e-320", "1e18", "1000000"),
    *("9" * 30, "2147483648", "253402300799", "true", "null", '""', "[]", "{}", '"x"'),
)
WORDS = (
    *("\0", "\x1b[2J", "\u202e", "\x85", "[/x]", "'", '"', "\\", "\n", "\r", ",", ";", "=", "#", "--", "[[", "]]"),
    *("x" * 300, "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT ONE}"),
)
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
VALUE = re.compile(rb"[:=]\s*(\"[^\"]*\"|true|false|null)")


def mutated(seed: bytes, random: Random) -> bytes:
    """Return the input with one to ten faults."""
    data = bytearray(seed)
    for _ in range(random.choice((1, 1, 2, 4, 10))):
        random.choice(FAULTS)(data, random)
    return bytes(data)


def _place(data: bytearray, random: Random) -> int:
    return random.randrange(len(data) + 1)


def _flip(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at : at + 1] = bytes([random.randrange(256)])


def _cut(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    del data[at : at + random.choice((1, 5, 50, 500))]


def _repeat(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at:at] = data[at : at + random.choice((1, 10, 200))] * random.choice((1, 2, 20))


def _insert(data: bytearray, random: Random) -> None:
    at = _place(data, random)
    data[at:at] = random.choice(WORDS).encode()


def _renumber(data: bytearray, random: Random) -> None:
    found = list(NUMBER.finditer(data))
    if found:
        number = random.choice(found)
        data[number.start() : number.end()] = random.choice(NUMBERS).encode()


def _retype(data: bytearray, random: Random) -> None:
    found = list(VALUE.finditer(data))
    if found:
        value = random.choice(found)
        data[value.start(1) : value.end(1)] = random.choice(NUMBERS).encode()


def _swap(data: bytearray, random: Random) -> None:
    lines = bytes(data).split(b"\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    data[:] = b"\n".join(lines)


FAULTS = (_flip, _cut, _repeat, _insert, _renumber, _renumber, _retype, _swap)
