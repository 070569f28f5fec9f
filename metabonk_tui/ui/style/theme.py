"""Turns tokens into the terminal styles of one theme, with a cache.

Does not: read files (`theme_files` does) or know widgets.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace
from rich.color import Color
from rich.style import Style

from metabonk_tui.ui.style.spans import Span

TOKENS = (
    "bg", "surface", "raised", "select", "text", "strong", "muted", "accent", "ok", "warn", "crit", "unknown", "okdim",
    "spark", "track", "line", "critband", "oncrit", "critbadge", "oncritbadge", "warnband", "onwarn", "onaccent",
)  # fmt: skip
"""The tokens a theme file can set. A span can also be on "selectid" and "field", see `Theme.style`."""

FILLS = ("accent", "critband", "critbadge", "warnband")
"""Backgrounds that must stay visible: without a colour they are reversed."""

AUTO = "auto"
"""In the configuration: `LIGHT` where the terminal says that its background is light, else `DARK`."""
DARK, LIGHT = "dark", "light"

DIM = 0.38
"""Share of a colour that remains behind a dialog."""


class TokenStyle(NamedTuple):
    """The look of one token: attributes, and a colour: "#rrggbb", one of the 16 names, "" for the terminal's own."""

    color: str = ""
    bold: bool = False
    dim: bool = False
    underline: bool = False
    reverse: bool = False

    @property
    def is_reverse_only(self) -> bool:
        """Return whether it only reverses the text's own colours."""
        return self.reverse and not self.color


class Theme(Struct, frozen=True, eq=False):
    """The style of every token: on words, and on glyphs and backgrounds where it differs."""

    name: str
    words: Mapping[str, TokenStyle]
    glyphs: Mapping[str, TokenStyle] = field(default_factory=dict)
    indexed: bool = False
    """Show "#rrggbb" as the nearest of 256 colours, for terminals that have no more."""
    _styles: dict[tuple[object, ...], Style] = field(default_factory=dict)

    def style(self, span: Span) -> Style:
        """Resolve a span to a terminal style. Raises KeyError for an unknown token, which is a bug.

        Two backgrounds are not in theme files: "selectid", the identity cells of a selected row, and "field", an
        input. A `select` that is only `reverse` applies to "selectid" alone: a whole reversed row would be as
        loud as STOP.
        """
        key = span[1:]
        found = self._styles.get(key)
        if found is None:
            found = self._styles[key] = self._resolve(span)
        return found

    def _background(self, on: str) -> TokenStyle:
        if on == "selectid":
            return self.words["select"]
        if on == "field":
            return self.words["bg"]._replace(underline=True)
        token_style = self.glyphs.get(on, self.words[on])
        if on in FILLS and not token_style.color:
            return TokenStyle(reverse=True)
        return TokenStyle() if on == "select" and token_style.is_reverse_only else token_style

    def _resolve(self, span: Span) -> Style:
        fore = self.words[span.token]
        if span.glyph:
            fore = self.glyphs.get(span.token, fore)
        back = self._background(span.on or "bg")
        color, bgcolor = fore.color, back.color or self.words["bg"].color
        reverse = fore.reverse != back.reverse
        dim = fore.dim and not back.reverse
        if span.reverse:
            if color.startswith("#") and bgcolor.startswith("#"):
                color, bgcolor = bgcolor, color
            else:
                reverse, dim = not reverse, False
        if span.dim:
            screen = self.words["bg"].color
            if color.startswith("#") and screen.startswith("#"):
                color = blend(color, screen, DIM)
                bgcolor = blend(bgcolor, screen, DIM) if bgcolor.startswith("#") else bgcolor
            else:
                dim = True
        return Style(
            color=self._color(color),
            bgcolor=self._color(bgcolor),
            bold=(span.bold or fore.bold) or None,
            dim=dim or None,
            underline=(fore.underline or back.underline) or None,
            reverse=reverse or None,
        )

    def _color(self, name: str) -> Color | None:
        if self.indexed and name.startswith("#"):
            return Color.from_ansi(nearest(name))
        return Color.parse(name) if name else None


def fitted(themes: Mapping[str, Theme], colors: str | None) -> dict[str, Theme]:
    """Return the themes a terminal can show. `colors`: "truecolor", "256" or "standard" of Rich; None: unknown.

    With 16 colours only themes of named colours remain: the nearest of 16 to a "#rrggbb" would be arbitrary.
    """
    if colors == "256":
        return {name: replace(theme, indexed=True, _styles={}) for name, theme in themes.items()}
    if colors == "standard":
        named = {name: theme for name, theme in themes.items() if not theme.words["bg"].color.startswith("#")}
        return named or {MONO.name: MONO}
    return dict(themes)


@lru_cache(maxsize=1024)
def nearest(color: str) -> int:
    """Return the 256-colour index nearest to "#rrggbb": of the 240 fixed ones, by distance in Oklab.

    Rich maps every dark bluish grey to black, and so surface, selection and dialog; by distance in RGB the STOP row
    would be orange.
    """
    wanted = _oklab(color)
    return min(range(16, 256), key=lambda i: sum((a - b) ** 2 for a, b in zip(wanted, _oklab(_fixed(i)), strict=True)))


def _fixed(index: int) -> str:
    """Return "#rrggbb" of a fixed index: 16 to 231 are a cube of 6 x 6 x 6, 232 to 255 are greys."""
    if index >= 232:
        return f"#{8 + 10 * (index - 232):02x}" + f"{8 + 10 * (index - 232):02x}" * 2
    levels = (0, 95, 135, 175, 215, 255)
    i = index - 16
    return "#" + "".join(f"{levels[part]:02x}" for part in (i // 36, i // 6 % 6, i % 6))


@lru_cache(maxsize=1024)
def _oklab(color: str) -> tuple[float, float, float]:
    """Convert "#rrggbb" to Oklab (L, a, b): https://bottosson.github.io/posts/oklab/."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def blend(color: str, toward: str, share: float) -> str:
    """Mix two "#rrggbb" colours: `share` of the first, the remainder of the second."""
    mixed = (round(int(color[i : i + 2], 16) * share + int(toward[i : i + 2], 16) * (1 - share)) for i in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in mixed)


MONO = Theme(
    "no colour",
    {
        **dict.fromkeys(TOKENS, TokenStyle()),
        **dict.fromkeys(("strong", "crit", "onaccent", "oncrit", "oncritbadge", "onwarn"), TokenStyle(bold=True)),
        **dict.fromkeys(("muted", "spark", "track", "line"), TokenStyle(dim=True)),
        "select": TokenStyle(reverse=True),
        "accent": TokenStyle(bold=True, underline=True),
    },
    {"accent": TokenStyle(bold=True), "crit": TokenStyle(bold=True)},
)
"""For NO_COLOR and one-colour terminals: bold, dim, reverse, glyphs and words carry all meaning."""
