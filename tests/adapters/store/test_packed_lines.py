"""The lines of a chunk are read back as they were, and damaged bytes raise instead of giving other numbers."""

from __future__ import annotations

import lzma
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabonk_tui.adapters.store import codec, packed_lines
from metabonk_tui.adapters.store.packed_lines import LinePacker, pack_lines, unpack_lines
from metabonk_tui.core.model.sample import Observation, Sample, WorkerStatus
from tests.support.refs import w


def line(*numbers: float) -> bytes:
    text = b'{"changes":[]}'
    return text + b"\n" + struct.pack(f"<{len(numbers)}d", *numbers) if numbers else text


LINES = st.lists(st.lists(st.floats(allow_nan=False), max_size=5).map(lambda numbers: line(*numbers)), min_size=1)


@given(LINES, st.sampled_from([1, 17, 64_000]))
def test_the_lines_are_the_same_again(lines: list[bytes], block_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_lines, "BLOCK_BYTES", block_bytes)
        assert unpack_lines(pack_lines(lines)) == lines
        packer = LinePacker()
        for each in lines:
            packer.add(each)
        assert packer.count == len(lines)
        assert unpack_lines(packer.finish()) == lines


def test_a_chunk_of_an_earlier_schema_is_text_alone() -> None:
    assert unpack_lines(lzma.compress(b"[1]\n[2]")) == [b"[1]", b"[2]"]


def parts(packed: bytes) -> tuple[bytes, bytes]:
    """Return the texts and the numbers of a chunk."""
    begin = len(packed_lines.FORMAT) + 4
    (size,) = struct.unpack("<I", packed[begin - 4 : begin])
    return packed[begin : begin + size], packed[begin + size :]


def joined(texts: bytes, numbers: bytes) -> bytes:
    return packed_lines.FORMAT + struct.pack("<I", len(texts)) + texts + numbers


TEXTS, NUMBERS = parts(pack_lines([line(1.0, 2.0), line(), line(3.0)]))
MORE = parts(pack_lines([line(1.0, 2.0, 3.0, 4.0)]))[1]


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        packed_lines.FORMAT,
        joined(TEXTS, b""),
        joined(TEXTS, NUMBERS[:-1]),
        joined(TEXTS, NUMBERS + b"x"),
        joined(TEXTS, MORE),
        joined(TEXTS[:-1], NUMBERS),
        joined(zlib.compress(b"{}"), NUMBERS),
        joined(zlib.compress(b"{}\n[-1]"), NUMBERS),
        joined(zlib.compress(b"{}\n[1,2]"), NUMBERS),
        joined(zlib.compress(b"{}\n[1000000000000]"), NUMBERS),
        joined(zlib.compress(b"{}\nx"), NUMBERS),
    ],
)
def test_damaged_bytes_raise(packed: bytes) -> None:
    with pytest.raises((ValueError, lzma.LZMAError)):
        unpack_lines(packed)


WHOLE = b'{"told":[],"whole":{"t":1.0,"lag_s":0.5}}'
TEXT = b'{"changes":[[[],"t",2.0],[0,-1,null]]}'


def checked(text: bytes, *numbers: float) -> bytes:
    packed = struct.pack(f"<{len(numbers)}d", *numbers)
    return text + b"\n" + packed + struct.pack("<Q", zlib.crc32(packed, zlib.crc32(text)))


def test_a_line_takes_its_numbers_from_behind_its_text() -> None:
    assert [sample.t for sample in codec.samples([WHOLE, checked(TEXT, 3.0)], [])] == [1.0, 3.0]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT + b"\n",
        TEXT + b"\n1234567",
        TEXT + b"\n" + struct.pack("<d", 3.0),
        TEXT + b"\n" + struct.pack("<2d", 3.0, 4.0),
        checked(TEXT, 3.0, 4.0),
        checked(TEXT, float("nan")),
        checked(TEXT, float("inf")),
        checked(TEXT, 3.0).replace(b"2.0", b"2.5"),
    ],
)
def test_a_line_with_other_numbers_than_it_leaves_out_raises(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        list(codec.samples([WHOLE, text], []))


def test_a_line_leaves_out_its_numbers_and_keeps_their_kind_beside_null() -> None:
    def sample(t: float, **fields: object) -> Sample:
        return Sample(t=t, workers={w(0): Observation(WorkerStatus(fields))})

    samples = [
        sample(1.0, a=0.5, b=1, c=None, d="x"),
        sample(2.0, a=1.5, b=2, c=1.5, d="y"),
        sample(3.0, a=2.5, b=3.0, c=None, d="z"),
        sample(4.0, a=3.5, b=4, c=2.5, d="w"),
        sample(5.0, a=4.5, b=5.0, c=3.5, d="v"),
    ]
    encoder = codec.Encoder()
    lines = [encoder.line(each) for each in samples]
    assert b"4.5" not in lines[-1]
    read = list(codec.samples(unpack_lines(pack_lines(lines)), []))
    assert read == samples
    assert [type(status.fields["b"]) for each in read if (status := each.workers[w(0)].status)] == [
        int,
        int,
        float,
        int,
        float,
    ]
