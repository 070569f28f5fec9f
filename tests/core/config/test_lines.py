"""The line of a key: of any TOML, and of the forms that a person writes."""

from typing import Any

import pytest
import tomli_w
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metabonk_tui.core.config.lines import line_of
from tests.support.examples import examples

KEYS = st.sampled_from(["a", "b", "pool", "x_1", "long-key"])
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.integers(), st.booleans(), st.text(max_size=9), st.lists(st.text(alphabet="ab]#\"'\n=", max_size=5), max_size=3)
)
TREES = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=4), lambda inner: st.dictionaries(KEYS, VALUES | inner, max_size=4)
)


def paths(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found = []
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            found += paths(value, f"{path}.")
        else:
            found.append((path, key))
    return found


@settings(max_examples=examples(150), deadline=None)
@example({"a": "\x85\u2028", "b": 1}, False)
@given(TREES, st.booleans())
def test_the_line_of_every_key_begins_with_it(tree: dict[str, Any], long_strings: bool) -> None:
    text = tomli_w.dumps(tree, multiline_strings=long_strings)
    lines = text.split("\n")
    for path, key in paths(tree):
        line = line_of(text, path)
        assert line is not None
        assert lines[line - 1].startswith(f"{key} = ")


WRITTEN = """# a comment = 1
top.inner = 1
[pool]
launch = [
  "a = 1",   # [pool]
  '''b''',
]
text = \"\"\"
host = 1
\"\"\"
host = "x"
 [ pool . launcher ]
"env_file" = "y"
[[component]]
id = "a"
[[component]]
id = "b"
environment = { A = "1" }
[component.more]
deep = 1
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("top.inner", 2),
        ("pool.launch", 4),
        ("pool.launch[1]", 4),
        ("pool.host", 11),
        ("pool.launcher.env_file", 13),
        ("component", 14),
        ("component[0].id", 15),
        ("component[1].id", 17),
        ("component[1].environment.A", 18),
        ("component[1].more.deep", 20),
        ("component[1].missing", 16),
        ("nowhere.at.all", None),
    ],
)
def test_the_forms_that_a_person_writes(path: str, line: int | None) -> None:
    assert line_of(WRITTEN, path) == line
