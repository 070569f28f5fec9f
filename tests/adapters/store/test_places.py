"""Groups of changes lead from one document to the next, in the exact types, and damaged ones raise."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metabonk_tui.adapters.store.places import Differences, Places, apply, of_groups
from metabonk_tui.core.model.sample import BadValue
from tests.support.examples import examples

KEYS = st.sampled_from(["a", "b", "0", "why", "text", "", "é"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.5]), KEYS)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=9,
)
DOCUMENTS = st.lists(st.dictionaries(KEYS, TREES, max_size=6), min_size=2, max_size=5)


def applied(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write and read the documents; return what is read."""
    differences, places = Differences(), Places()
    frame = documents[0]
    found = [frame]
    for line, (old, new) in enumerate(pairwise(documents)):
        groups = json.loads(json.dumps(differences.groups(old, new)))
        places.root.set(dict(frame), line)
        for change in of_groups(places, groups, []):
            apply(change, line)
        frame = places.root.node
        found.append(frame)
    return found


@given(DOCUMENTS)
@settings(max_examples=examples(100), deadline=None)
def test_what_is_read_is_what_was_written_in_the_exact_types(documents: list[dict[str, Any]]) -> None:
    written = [json.dumps(document, sort_keys=True) for document in documents]
    assert [json.dumps(document, sort_keys=True) for document in applied(documents)] == written


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": True}),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1.0, 2]}}),
        ({"a": {"x": 1, "y": 1.0}}, {"a": {"y": 1, "x": 1.0}}),
        ({"a": BadValue("nan", "NaN")}, {"a": {"why": "nan", "text": "NaN"}}),
        ({"a": {"b": BadValue("nan", "NaN")}}, {"a": {"b": {"why": "nan", "text": "NaN"}}}),
        ({"a": {"b": 10**30}}, {"a": {"b": 10**30 + 1}}),
    ],
)
def test_equal_values_of_other_types_are_a_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert Differences().groups(old, new)
    assert not Differences().groups(new, new)


def test_a_value_that_changes_back_is_a_change_again() -> None:
    first, second = {"a": {"b": 1}}, {"a": {"b": 2}}
    assert applied([first, second, first, first, second]) == [first, second, first, first, second]


def test_a_value_that_was_a_number_for_one_line_is_a_change() -> None:
    documents = [{"a": ["b"]}, {"a": ["b"]}, {"a": 1}, {"a": ["b"]}]
    assert applied(documents) == documents


def test_one_quantity_under_two_names_is_written_once() -> None:
    documents = [{"fps": value, "rate": value, "step": number} for number, value in enumerate((1.5, 2.5, 3.5, 4.5))]
    documents += [{"fps": 5.5, "rate": 6.5, "step": 4}, {"fps": 7.5, "rate": 7.5, "step": 4}]
    differences = Differences()
    written = [json.dumps(differences.groups(old, new)) for old, new in pairwise(documents)]
    assert [text.count(".5") for text in written] == [2, 1, 1, 2, 1]
    assert applied(documents) == documents


def test_more_keys_than_have_bits_are_named_each_time() -> None:
    documents = [{f"key {number}": value for number in range(70)} for value in range(4)]
    assert applied(documents) == documents


def carry_out(groups: list[Any]) -> None:
    places = Places()
    places.root.set({"a": 1, "list": [1]}, 1)
    for change in of_groups(places, groups, []):
        apply(change, 1)


@pytest.mark.parametrize(
    "groups",
    [
        [[0, 1, 5]],
        [[[], 1, 5]],
        [[[], 1 << 70, 5]],
        [[[], -1, 5]],
        [[-1, "a", 5]],
        [[[], "a", 5], [0, [0, 1]]],
        [[[], "a", 5], [0, [1, 2], 5]],
        [[[], "a", 5, "b"]],
        [[[], "a", 5], [0, [1], 5]],
        [[[], "a"]],
        [[[], "a", 5, 6]],
        [[[], "a", 5], [0, 1]],
        [[[], None, "missing"]],
        [[["a", "b"], "c", 1]],
        [[["list", "9"], "c", 1]],
        [[["list"], None, "0"]],
        [[["list"], "9", 1]],
        [[["x"] * 100, "c", 1]],
        [[]],
        [7],
        [["a", "b", 1]],
    ],
)
def test_damaged_groups_raise(groups: list[Any]) -> None:
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        carry_out(groups)
