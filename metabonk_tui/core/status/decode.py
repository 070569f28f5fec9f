"""Decodes bytes from outside into a status or a named failure. Cleans all text of a status. Never raises."""

from __future__ import annotations

import json
import math
from typing import Any

from metabonk_tui.core.model.sample import BadStatus, BadValue, NumberField, Presence, WorkerStatus
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import mask_value

MAX_DEPTH = 32
MAX_ITEMS = 2000
MAX_DIGITS = 19
LEAST_INT = -(2**63)


def decode_json(body: bytes | str, max_depth: int = MAX_DEPTH) -> Any:
    """Decode JSON leniently: a bad number or a repeated key becomes a `BadValue`; a bad document returns BadStatus.

    Dicts and lists keep their first `MAX_ITEMS` entries; nesting beyond `max_depth` is "too deep".
    """
    text = body.decode("utf-8-sig", errors="replace") if isinstance(body, bytes) else body.removeprefix("\ufeff")
    try:
        tree = json.loads(
            text, parse_constant=_constant, parse_float=_float, parse_int=_int, object_pairs_hook=_object
        )
        return _clean(tree, max_depth)
    except RecursionError:
        return BadStatus("too deep")
    except ValueError as error:
        return BadStatus("not json", clean_text(str(error)))


def decode_status(body: bytes) -> WorkerStatus | BadStatus:
    """Decode one `/status` document; BadStatus unless it is a JSON object."""
    tree = decode_json(body)
    if isinstance(tree, BadStatus):
        return tree
    if not isinstance(tree, dict):
        return BadStatus("not an object", type(tree).__name__)
    return WorkerStatus(tree)


def number(status: WorkerStatus | None, name: str, *, minimum: float | None = None) -> NumberField:
    """Read one numeric field: absent, null, bad, unobserved or a value. A boolean, and less than `minimum`, is bad."""
    if status is None:
        return NumberField(Presence.UNOBSERVED)
    if name not in status.fields:
        seen = status.observable is None or name in status.observable
        return NumberField(Presence.ABSENT if seen else Presence.UNOBSERVED)
    value = status.fields[name]
    if value is None:
        return NumberField(Presence.NULL)
    if isinstance(value, BadValue):
        return NumberField(Presence.BAD, bad=value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NumberField(Presence.BAD, bad=BadValue("wrong type", clean_text(str(value), 40)))
    if not math.isfinite(value):
        return NumberField(Presence.BAD, bad=BadValue("nan" if math.isnan(value) else "infinite", str(value)))
    if minimum is not None and value < minimum:
        return NumberField(Presence.BAD, bad=BadValue("negative", str(value)))
    return NumberField(Presence.VALUE, float(value))


def text(status: WorkerStatus | None, name: str) -> str | None:
    """Read one text field; None when it is missing, empty or not a text."""
    value = status.fields.get(name) if status is not None else None
    return value if isinstance(value, str) and value else None


def flag(status: WorkerStatus | None, name: str) -> bool | None:
    """Read one boolean field; the numbers 0 and 1 count, anything else is None."""
    value = status.fields.get(name) if status is not None else None
    if isinstance(value, bool):
        return value
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def _constant(literal: str) -> BadValue:
    return BadValue("nan" if literal == "NaN" else "infinite", literal)


def _float(literal: str) -> float | BadValue:
    value = float(literal)
    return value if math.isfinite(value) else BadValue("infinite", literal[:40])


def _int(literal: str) -> int | BadValue:
    if len(literal.lstrip("-")) > MAX_DIGITS or int(literal) < LEAST_INT:
        return BadValue("too large", literal[:40])
    return int(literal)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; a key that it has twice gets a `BadValue`, because either value may be the true one."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else found | _repeated(pairs)


def _repeated(pairs: list[tuple[str, Any]]) -> dict[str, BadValue]:
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value.text if isinstance(value, BadValue) else str(value)[:40])
    return {
        key: BadValue("duplicate", clean_text(" and ".join(texts), 40))
        for key, texts in values.items()
        if len(texts) > 1
    }


def _clean(tree: Any, depth: int) -> Any:
    if isinstance(tree, str):
        return clean_text(tree)
    if isinstance(tree, dict | list) and depth <= 0:
        raise RecursionError
    if isinstance(tree, dict):
        items = list(tree.items())[:MAX_ITEMS]
        # Two keys may become one by cleaning.
        return _object([(clean_text(key), _clean(_masked(key, value), depth - 1)) for key, value in items])
    if isinstance(tree, list):
        return [_clean(value, depth - 1) for value in tree[:MAX_ITEMS]]
    return tree


def _masked(name: str, value: Any) -> Any:
    """Mask a text whose key is secret; its own form decides about any other text when it is cleaned."""
    if isinstance(value, BadValue):
        return BadValue(value.why, mask_value(name, value.text))
    return mask_value(name, value) if isinstance(value, str) else value
