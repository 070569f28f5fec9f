"""Decides whether a terminal shows Unicode, from the stream's encoding and the locale. Pure: the caller reads both."""

from __future__ import annotations

from collections.abc import Mapping

COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
"""The values that Python itself sets for LC_CTYPE when the locale is "C" or unknown."""


def shows_unicode(encoding: str, environ: Mapping[str, str]) -> bool:
    """Return False where encoding or locale is not UTF-8, or where some glyphs are two cells wide."""
    ctype, lang = environ.get("LC_CTYPE", ""), environ.get("LANG", "")
    if ctype in COERCED and lang:
        ctype = ""
    locale = environ.get("LC_ALL") or ctype or lang or "UTF-8"
    # Python writes UTF-8 in the locale "C" too, where the terminal may show something else.
    return all("utf" in name.lower() for name in (encoding, locale)) and locale[:2] not in ("zh", "ja", "ko")
