"""A recording read while it is being written: every sample once, in order, however far the writer got in between."""

from pathlib import Path

import pytest

from metabonk_tui.adapters.store.run_file import TICKS, RunFile
from metabonk_tui.adapters.store.run_reader import Recording
from tests.adapters.store.test_journal import tick


@pytest.mark.parametrize("before", [1, 5, TICKS - 1, TICKS, TICKS + 7])
@pytest.mark.parametrize("more", [1, TICKS, 2 * TICKS + 3])
@pytest.mark.parametrize("after", [0, 3])
def test_what_is_written_while_it_is_read_is_read_too(tmp_path: Path, before: int, more: int, after: int) -> None:
    file = RunFile(tmp_path / "run.db")
    for number in range(before):
        file.write(tick(number), meta={})
    with Recording(tmp_path / "run.db") as one:
        read = []
        for seq, _ in one.numbered(after=after):
            if seq in (before, after + 1) and len(read) < before + 1 and file.seq < before + more:
                for number in range(file.seq, before + more):
                    file.write(tick(number), meta={})
            read.append(seq)
    file.close()
    assert read == list(range(after + 1, file.seq + 1))
