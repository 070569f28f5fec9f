"""Masks what earlier versions recorded in clear, when it is read. The bytes of the recording stay as they are.

Does not: know the configured `environment.secret_words`; what they hide is masked before it is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from metabonk_tui.core.text.clean import LOOKED_AT, clean_masked
from metabonk_tui.core.text.mask import mask_arguments, mask_lines, mask_text, mask_value

_MAX_DEPTH = 20
_mask_value = lru_cache(8192)(mask_value)
"""Texts repeat from sample to sample: a recording of 24 hours has millions of them."""


def mask_texts(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Mask the texts among named values; return the same mapping if nothing is to be hidden."""
    changed = {
        name: masked
        for name, value in values.items()
        if type(value) is str and (masked := _mask_value(name, value)) != value
    }
    return {**values, **changed} if changed else values


def mask_tree(name: str, value: Any, depth: int = _MAX_DEPTH) -> Any:
    """Mask the texts in a fact of an event. A list of texts is an argument list."""
    if isinstance(value, str):
        return mask_value(name, value)
    if depth == 0:
        return value
    if isinstance(value, dict):
        return {key: mask_tree(key, item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return list(mask_arguments([mask_text(item) for item in value]))
        return [mask_tree(name, item, depth - 1) for item in value]
    return value


@lru_cache(1024)
def shown_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Mask and clean the lines of a log; a key in PEM form has several."""
    return tuple(map(clean_masked, mask_lines(line[:LOOKED_AT] for line in lines)))
