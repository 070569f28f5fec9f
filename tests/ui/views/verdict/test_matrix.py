"""What stands at the end of a question of the compact decision is a whole phrase."""

import pytest
from msgspec.structs import replace

from metabonk_tui.ui.style.glyphs import UNICODE
from metabonk_tui.ui.style.spans import plain
from metabonk_tui.ui.views.verdict.matrix import decision_rows
from tests.support.rare_snapshots import ALL


@pytest.mark.parametrize(
    ("short", "wide", "shown"),
    [
        ("19.7 GB, 7m4s", 60, "19.7 GB, 7m4s"),
        ("19.7 GB, 7m4s", 45, "19.7 GB"),
        ("3/5 up; w2 hung", 45, "3/5 up"),
        ("none shown of them", 45, ""),
    ],
)
def test_a_phrase_that_is_cut_ends_in_no_comma(short: str, wide: int, shown: str) -> None:
    seen = ALL["healthy"]()
    nodes = tuple(replace(node, short=short, answer="unknown") if node.id == "memory" else node
                  for node in seen.verdict.nodes)  # fmt: skip
    rows = decision_rows(replace(seen, verdict=replace(seen.verdict, nodes=nodes)), wide, UNICODE)
    (memory,) = [plain(row) for row in rows if "emory" in plain(row)]
    assert memory.partition("unknown")[2].strip() == shown
