"""Decodes and cleans a document without a fault, at a twentieth of what the lenient decoder costs or less.

Does not: name a fault. Where this module finds any, the lenient decoder must read the document instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from metabonk_tui.core.status.limits import LEAST_INT, MAX_ITEMS, MOST_INT
from metabonk_tui.core.text.clean import MAX_TEXT, clean_text
from metabonk_tui.core.text.mask import is_secret_name, mask_text, mask_value, may_need_mask

_DECODER = msgspec.json.Decoder()
_PLAIN = frozenset({float, bool, type(None)})
"""Types whose values need no look: msgspec refuses numbers that are not finite."""
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

_MOST_KNOWN = 16_384
"""Entries of each memory; 1000 workers have about 10 texts of their own each, and some are new at every poll."""
_LONGEST_KNOWN = 1_000
_clean_names: set[str] = set()
"""Names that cleaning does not change."""
_clean_texts: dict[tuple[str | None, str], str] = {}
"""(name, text) → the cleaned text. Holds no text with a secret. The entries of a list have no name."""
_before: dict[tuple[str | None, str], str] = {}
"""What `_clean_texts` was when it was last full: what still comes back is found here, and returns to it."""

UNDECIDED: Final = object()
"""Returned instead of a document that the lenient decoder must read."""


class _Fault(Exception):
    """The document has a fault, or a form that only the lenient decoder knows."""


def decode_strict(body: bytes | str, max_depth: int) -> Any:
    """Return what the lenient decoder would return; `UNDECIDED`: the document may have a fault."""
    try:
        data = body.encode() if isinstance(body, str) else body
        root = [_DECODER.decode(data)]
        strings = _clean_all(root, max_depth + 1)
    except (msgspec.MsgspecError, ValueError, RecursionError, _Fault):
        return UNDECIDED
    # msgspec keeps the last value of a repeated key. Each string has two quotes, so a lost one shows in the count.
    quotes = data.count(b'"') if b"\\" not in data else 2 * len(_STRING.findall(data))
    return root[0] if quotes == 2 * strings else UNDECIDED


def _clean_all(tree: Any, depth: int) -> int:
    """Clean an object or a list in place; return how many strings it consists of, names included. Raises _Fault."""
    if depth <= 0 or len(tree) > MAX_ITEMS:
        raise _Fault
    is_object = type(tree) is dict
    if is_object and not tree.keys() <= _clean_names:
        _learn_names(tree)
    strings = len(tree) if is_object else 0
    places: Iterable[tuple[Any, Any]] = tree.items() if is_object else enumerate(tree)
    for place, value in places:
        kind = type(value)
        if kind in _PLAIN:
            continue
        if kind is int:
            if not LEAST_INT <= value <= MOST_INT:
                raise _Fault
        elif kind is str:
            strings += 1
            name = place if is_object else None
            known = _clean_texts.get((name, value))
            tree[place] = _cleaned(name, value) if known is None else known
        else:
            strings += _clean_all(value, depth - 1)
    return strings


def _learn_names(tree: dict[str, Any]) -> None:
    """Remember the names that cleaning does not change. Raises _Fault for another: it may become equal to one."""
    if len(_clean_names) + len(tree) > _MOST_KNOWN:
        _clean_names.clear()
    for name in tree:
        if clean_text(name) != name:
            raise _Fault
        _clean_names.add(name)


def _cleaned(name: str | None, value: str) -> str:
    """Mask and clean a text, and remember the result unless the text has a secret."""
    cleaned = _before.get((name, value))
    if cleaned is None:
        plain = len(value) <= MAX_TEXT and value.isprintable() and not may_need_mask(value)
        if plain and (name is None or not is_secret_name(name)):
            cleaned = value
        else:
            masked = value if name is None else mask_value(name, value)
            cleaned = clean_text(masked)
            if len(value) > _LONGEST_KNOWN or not masked == value == mask_text(value):
                return cleaned
    if len(_clean_texts) >= _MOST_KNOWN:
        _before.clear()
        _before.update(_clean_texts)
        _clean_texts.clear()
    _clean_texts[name, value] = cleaned
    return cleaned
