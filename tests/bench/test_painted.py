import pytest

from bench.painted import Chunk, paints

COLUMNS, LINES = 20, 5
FULL = b"\x1b[1;1H" + b"\r\n".join([b"x" * COLUMNS] * LINES)
SKELETON = b"\x1b[1;1Hconnecting"
SETTINGS = b"\x1b[?1049h\x1b[?25l\x1b[2J"


def chunk(number: int, output: bytes) -> Chunk:
    return Chunk(float(number), number / 10, output)


@pytest.mark.parametrize(
    ("outputs", "first", "full"),
    [
        ([SETTINGS, SKELETON, FULL], 1, 2),
        ([SETTINGS + SKELETON + FULL], 0, 0),
        ([SKELETON, FULL, b"\x1b[2J" + FULL.replace(b"x", b"y")], 0, 1),
        ([SKELETON, b"\x1b[1;1H" + b"\r\n".join([b"x" * COLUMNS] * (LINES - 2)), FULL], 0, 2),
        ([FULL[:20], FULL[20:], b"\x1b[5;1H" + b" " * 5], 0, 1),
        ([FULL, b"\x1b[2J", FULL, b"\x1b[2J" + SKELETON], 0, 0),
        ([SETTINGS, b"   \r\n"], None, None),
        ([], None, None),
    ],
    ids=[
        "skeleton, then all",
        "at once",
        "values change",
        "rows are missing",
        "in pieces",
        "it ends while it draws anew",
        "only blanks",
        "nothing",
    ],
)
def test_the_moments_of_the_first_and_of_the_full_paint(
    outputs: list[bytes], first: int | None, full: int | None
) -> None:
    seen = paints([chunk(number, output) for number, output in enumerate(outputs)], COLUMNS, LINES)
    assert (seen.first and seen.first.t_s, seen.full and seen.full.t_s) == (first, full)
    assert seen.full is None or seen.full.cpu_s == (full or 0) / 10
