"""Gzip in small steps: several members, padding, and every kind of damage."""

from __future__ import annotations

import gzip
import io
import os
import zlib

import pytest

from metabonk_tui.adapters.recordings.gunzip import STEP_BYTES, unzipped

TEXT = b"".join(b'{"t": %d, "x": "%s"}\n' % (number, os.urandom(20).hex().encode()) for number in range(3000))
WHOLE = gzip.compress(TEXT)


def what_can_be_read(archive: bytes) -> tuple[bytes, type[Exception] | None]:
    """Return the lines before the first error, and the error."""
    lines: list[bytes] = []
    try:
        for line in unzipped(io.BytesIO(archive)):
            lines.append(line)
    except (EOFError, zlib.error) as error:
        return b"".join(lines), type(error)
    return b"".join(lines), None


@pytest.mark.parametrize(
    ("archive", "text"),
    [
        (WHOLE, TEXT),
        (WHOLE + WHOLE, TEXT + TEXT),
        (WHOLE + gzip.compress(b"") + WHOLE, TEXT + TEXT),
        (WHOLE + b"\0" * 10_000, TEXT),
        (WHOLE + b"\0" * 5000 + WHOLE, TEXT + TEXT),
        (gzip.compress(b""), b""),
    ],
    ids=["one", "two", "an empty one between", "padded", "padded between", "empty"],
)
def test_every_member_is_read(archive: bytes, text: bytes) -> None:
    assert what_can_be_read(archive) == (text, None)


@pytest.mark.parametrize(
    ("archive", "error"),
    [
        (WHOLE[: len(WHOLE) // 2], EOFError),
        (WHOLE[:-1], EOFError),
        (WHOLE[:5], EOFError),
        (WHOLE[:-8] + b"\xff" * 8, zlib.error),
        (WHOLE + b"rubbish", zlib.error),
        (b"\x1f\x8b rubbish", zlib.error),
    ],
    ids=["half", "without its last byte", "half a header", "a wrong sum", "rubbish after it", "rubbish"],
)
def test_damage_is_an_error(archive: bytes, error: type[Exception]) -> None:
    read, raised = what_can_be_read(archive)
    assert raised is error
    assert TEXT.startswith(read)


def test_a_damaged_place_costs_one_step_at_most() -> None:
    text = b"".join(b'{"t": %d, "workers": {"0": {"status": {"step": %d}}}}\n' % (n, n * 7) for n in range(2000))
    archive = gzip.compress(text)
    half = len(archive) // 2
    spoilt = archive[:half] + b"\xff" * 40 + archive[half + 40 :]
    read, raised = what_can_be_read(spoilt)
    assert raised is zlib.error
    sound = zlib.decompressobj(31).decompress(spoilt[:half])
    # Behind the damage zlib may read rubbish before it notices.
    assert read[: len(sound) - 2 * STEP_BYTES] == sound[: -2 * STEP_BYTES]
    assert len(sound) > 4 * STEP_BYTES


def test_a_text_that_grows_without_end_is_read_in_steps() -> None:
    file = unzipped(io.BytesIO(gzip.compress(b"\0" * 50_000_000)))
    assert len(file.raw.read(1_000_000) or b"") <= STEP_BYTES
