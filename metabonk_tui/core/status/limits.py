"""Limits what one document may contain. What exceeds them is cut, marked or refused."""

from __future__ import annotations

MAX_DEPTH = 32
MAX_ITEMS = 2000
MAX_DIGITS = 19
LEAST_INT = -(2**63)
MOST_INT = 10**MAX_DIGITS - 1
