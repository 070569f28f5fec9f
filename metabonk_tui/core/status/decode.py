"""Decodes bytes from outside into a status or a named failure. Cleans all text of a status. Never raises."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from math import inf
from typing import Any

from metabonk_tui.core.model.sample import BadStatus, BadValue, NumberField, Presence, WorkerStatus
from metabonk_tui.core.status.limits import LEAST_INT, MAX_DEPTH, MAX_DIGITS, MAX_ITEMS
from metabonk_tui.core.status.strict_json import UNDECIDED, decode_strict
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import mask_value


def decode_json(body: bytes | str, max_depth: int = MAX_DEPTH) -> Any:
    """Decode JSON leniently: a bad number or a repeated key becomes a `BadValue`; a bad document returns BadStatus.

    Dicts and lists keep their first `MAX_ITEMS` entries; nesting beyond `max_depth` is "too deep".
    """
    found = decode_strict(body, max_depth)
    return decode_lenient(body, max_depth) if found is UNDECIDED else found


def decode_lenient(body: bytes | str, max_depth: int = MAX_DEPTH) -> Any:
    """Do what `decode_json` does, for any document; a usual one costs fifty times as much here."""
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


UNOBSERVED, ABSENT, NULL = (NumberField(each) for each in (Presence.UNOBSERVED, Presence.ABSENT, Presence.NULL))
"""What `number` returns most often after values, made once: a step reads some 40 fields of every worker."""


def number(status: WorkerStatus | None, name: str, *, minimum: float | None = None) -> NumberField:
    """Read one numeric field: absent, null, bad, unobserved or a value. A boolean, and less than `minimum`, is bad."""
    if status is None:
        return UNOBSERVED
    value = status.fields.get(name)
    if (type(value) is float or type(value) is int) and -inf < value < inf and (minimum is None or value >= minimum):
        return NumberField(Presence.VALUE, float(value))
    if value is None:
        if name in status.fields:
            return NULL
        seen = status.observable is None or name in status.observable
        return ABSENT if seen else UNOBSERVED
    if isinstance(value, BadValue):
        return NumberField(Presence.BAD, bad=value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NumberField(Presence.BAD, bad=BadValue("wrong type", clean_text(str(value), 40)))
    if not math.isfinite(value):
        return NumberField(Presence.BAD, bad=BadValue("nan" if math.isnan(value) else "infinite", str(value)))
    if minimum is not None and value < minimum:
        return NumberField(Presence.BAD, bad=BadValue("negative", str(value)))
    return NumberField(Presence.VALUE, float(value))


def values(status: WorkerStatus, names: Iterable[str]) -> list[float | None]:
    """Read several numeric fields at a tenth of the cost of `number`; None where that finds no value."""
    return [
        # Without itself, a number that is not finite leaves none: quicker than two comparisons.
        value if type(value) is float and value - value == 0.0 else float(value) if type(value) is int else None
        for value in map(status.fields.get, names)
    ]


def compared(status: WorkerStatus, names: Iterable[str]) -> list[float | None]:
    """Read several numeric fields as `values` does, to compare them with earlier ones: an integer stays one."""
    found: list[Any] = [*map(status.fields.get, names)]
    if _NUMBERS.issuperset(map(type, found)):
        total = sum(filter(None, found))
        # A number that is not finite leaves a sum that is not.
        if total - total == 0.0:
            return found
    return values(status, names)


_NUMBERS = frozenset({float, int, type(None)})


def value(status: WorkerStatus, name: str) -> float | None:
    """Read one numeric field as `values` reads several."""
    found = status.fields.get(name)
    if type(found) is float and found - found == 0.0:
        return found
    return float(found) if type(found) is int else None


MISSING = object()
"""Stands for a field that a status does not have: null is a value."""


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
