"""Themes: the numbers of the look, the loader's warnings, and tokens as terminal styles."""

from __future__ import annotations

import os
import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest

from metabonk_tui.adapters.files.small import read_small_text
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.ui.style.spans import Span
from metabonk_tui.ui.style.theme import MONO, TOKENS, Theme, _fixed, _oklab, fitted, nearest
from metabonk_tui.ui.style.theme_files import COLORS, load_themes

PAIRS = """
text on bg, select, raised | 12.3 / 9.7 / 9.9 | 12.8 / 11.2 / 13.3 | 21.0 / 15.1 / 21.0
strong on bg, select, raised | 17.0 / 13.4 / 13.7 | 18.5 / 16.1 / 19.2 | 21.0 / 15.1 / 21.0
muted on bg, surface, select, raised | 6.2 / 5.7 / 4.9 / 5.0 | 5.8 / 5.3 / 5.0 / 6.0 | 13.6 / 13.6 / 9.8 / 13.6
accent on bg, select | 9.1 / 7.2 | 6.6 / 5.7 | 13.7 / 9.8
ok on bg, select | 8.9 / 7.0 | 5.7 / 5.0 | 16.0 / 11.5
warn on bg, select | 9.9 / 7.8 | 6.1 / 5.3 | 14.8 / 10.6
crit on bg, select | 7.5 / 5.9 | 6.3 / 5.5 | 10.4 / 7.5
unknown on bg, select | 9.2 / 7.3 | 6.9 / 6.0 | 12.1 / 8.7
oncrit on critband | 5.2 | 6.5 | 21.0
oncritbadge on critbadge | 5.2 | 6.5 | 7.4
onwarn on warnband | 9.9 | 9.3 | 14.8
onaccent on accent | 8.9 | 6.8 | 13.7
okdim on bg | 4.9 | 3.8 | 7.8
spark on bg, select | 3.8 / 3.0 | 3.8 / 3.3 | 11.2 / 8.0
track on bg | 1.9 | 1.7 | 6.1
line on bg | 1.9 | 1.7 | 7.5
"""
"""The contrast table of the look: pair, then dark, light, high contrast."""

GLYPHS = ("okdim", "spark")
STATES = ("ok", "warn", "crit", "unknown")
QUIET = ("track", "line")
"""Below 3 on purpose: what they show is also written in numbers beside them."""


def table() -> list[tuple[str, str, str, float]]:
    """Read the table: (theme, token, background, ratio)."""
    rows: list[tuple[str, str, str, float]] = []
    for line in PAIRS.strip().splitlines():
        pair, *columns = (part.strip() for part in line.split("|"))
        token, grounds = pair.split(" on ")
        for theme, column in zip(("dark", "light", "high-contrast"), columns, strict=True):
            ratios = [float(ratio) for ratio in column.split("/")]
            rows += [(theme, token, on, r) for on, r in zip(grounds.split(", "), ratios, strict=True)]
    return rows


def luminance(color: str) -> float:
    """WCAG 2 relative luminance of "#rrggbb"."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def distance(one: str, other: str) -> float:
    """Distance in Oklab: 0.02 is just visible side by side."""
    return sum((a - b) ** 2 for a, b in zip(_oklab(one), _oklab(other), strict=True)) ** 0.5


def test_the_measure_itself_knows_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("name", "token", "on", "ratio"), table())
def test_contrast_is_what_the_look_promises(
    themes: dict[str, Theme], name: str, token: str, on: str, ratio: float
) -> None:
    words = themes[name].words
    measured = contrast(words[token].color, words[on].color)
    assert measured == pytest.approx(ratio, abs=0.1)
    if token not in QUIET:
        wanted = 3.0 if token in GLYPHS else 7.0 if name == "high-contrast" else 4.5
        assert measured >= wanted - 0.05


@pytest.mark.parametrize("indexed", [False, True], ids=["24 bits", "256 colours"])
def test_every_theme_can_be_read_and_tells_its_states_apart(themes: dict[str, Theme], indexed: bool) -> None:
    """In 256 colours the nearest ones differ from the palette; 3:1 and a visible difference must remain."""

    def shown(name: str, token: str) -> str:
        color = themes[name].words[token].color
        return _fixed(nearest(color)) if indexed else color

    weak: list[tuple[str, str, str, float]] = []
    pairs = {(token, on) for _, token, on, _ in table() if token not in QUIET}
    pairs |= {(token, on) for token in STATES for on in ("surface", "raised")}
    for name in themes.keys() - {"ansi-16"}:
        for token, on in pairs:
            measured = contrast(shown(name, token), shown(name, on))
            if measured < (3.0 if token in GLYPHS else 4.5) * (0.75 if indexed else 1) - 0.05:
                weak.append((name, token, on, measured))
        for one, other in combinations(STATES, 2):
            if (apart := distance(shown(name, one), shown(name, other))) < 0.05:
                weak.append((name, one, other, apart))
    assert not weak


@pytest.mark.parametrize("name", ["high-contrast", "high-contrast-light"])
def test_high_contrast_is_seven_to_one_for_every_word(themes: dict[str, Theme], name: str) -> None:
    words = themes[name].words
    pairs = {(token, on) for _, token, on, _ in table() if token not in (*QUIET, *GLYPHS)}
    pairs |= {(token, on) for token in STATES for on in ("surface", "raised", "select")}
    measured = {pair: contrast(words[pair[0]].color, words[pair[1]].color) for pair in pairs}
    assert {pair: ratio for pair, ratio in measured.items() if ratio < 6.95} == {}
    assert min(contrast(words[token].color, words["bg"].color) for token in (*GLYPHS, *QUIET)) >= 4.5


VISION = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
"""How linear RGB looks, by Machado, Oliveira and Fernandes (2009), severity 1."""


def seen(color: str, vision: str) -> str:
    """Simulate how a colour looks with a colour vision deficiency."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    mixed = [min(1.0, max(0.0, sum(a * b for a, b in zip(row, linear, strict=True)))) for row in VISION[vision]]
    encoded = [12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055 for part in mixed]
    return "#" + "".join(f"{round(part * 255):02x}" for part in encoded)


@pytest.mark.parametrize("vision", VISION)
def test_the_theme_for_the_colour_blind_tells_the_states_apart(themes: dict[str, Theme], vision: str) -> None:
    def least(name: str) -> float:
        colors = [seen(themes[name].words[token].color, vision) for token in STATES]
        return min(distance(one, other) for one, other in combinations(colors, 2))

    assert least("colour-blind") >= 0.085
    if vision == "deuteranopia":
        assert least("dark") < 0.085, "the measure does not tell the themes apart"


def test_the_focus_is_visible_in_every_theme(themes: dict[str, Theme]) -> None:
    for theme in (*themes.values(), MONO):
        assert theme.style(Span("WORKERS", "accent", True)) != theme.style(Span("WORKERS", "muted", True)), theme.name
        chosen = theme.style(Span("w0", "strong", True, "selectid"))
        assert chosen != theme.style(Span("w0", "strong", True)), theme.name
        field = theme.style(Span("4", "text", on="field", reverse=True))
        assert field != theme.style(Span("4", "strong", True, "field")), theme.name


OWN = ["dark", "light", "high-contrast", "high-contrast-light", "colour-blind", "ansi-16"]


def test_the_packaged_themes_set_every_token_and_nothing_else(themes: dict[str, Theme]) -> None:
    assert list(themes)[: len(OWN)] == OWN
    assert list(themes)[len(OWN) :] == sorted(themes.keys() - set(OWN))
    assert len(themes) >= len(OWN) + 8
    for path in themes_dir().glob("*.toml"):
        assert set(tomllib.loads(path.read_text(encoding="utf-8"))["tokens"]) == set(TOKENS), path.name
    for theme in (*themes.values(), MONO):
        assert set(theme.words) == set(TOKENS)
        for token in TOKENS:
            theme.style(Span("x", token, on=token))


def test_ansi_16_colours_glyphs_and_badges_only(themes: dict[str, Theme]) -> None:
    style = themes["ansi-16"].style
    for token in ("text", "ok", "warn", "crit", "unknown", "accent", "muted", "strong"):
        assert style(Span("word", token)).color is None
    assert style(Span("●", "ok", glyph=True)).color.name == "green"  # type: ignore[union-attr]
    assert style(Span("▸", "accent", glyph=True)).color.name == "cyan"  # type: ignore[union-attr]
    for token in ("bg", "surface", "raised", "select"):
        assert style(Span("word", on=token)).bgcolor is None
        assert not style(Span("word", on=token)).reverse
    assert style(Span("w2", on="selectid")).reverse
    stop = style(Span("STOP row", "oncrit", on="critband"))
    assert (stop.reverse, stop.bold, stop.bgcolor) == (True, True, None)
    badge = style(Span("STOP", "oncritbadge", on="critbadge"))
    assert badge.bgcolor.name == "red"  # type: ignore[union-attr]
    assert badge.color.name == "bright_white"  # type: ignore[union-attr]
    assert not badge.reverse


def test_ansi_16_never_uses_bright_black(themes: dict[str, Theme]) -> None:
    theme = themes["ansi-16"]
    voices = (*theme.words.values(), *theme.glyphs.values())
    assert {voice.color for voice in voices} <= {"", *COLORS} - {"bright_black"}


def test_without_colour_nothing_is_lost() -> None:
    for token in TOKENS:
        for on in ("", *TOKENS):
            for glyph in (False, True):
                style = MONO.style(Span("x", token, on=on, glyph=glyph))
                assert style.color is None
                assert style.bgcolor is None
    assert MONO.style(Span("STOP", "oncrit", on="critband")).reverse
    assert MONO.style(Span("▲ WATCH", "onwarn", on="warnband")).reverse
    assert MONO.style(Span("X stop", "onaccent", on="accent")).reverse
    assert MONO.style(Span("label", "muted")).dim
    assert MONO.style(Span("4.2 GB", "strong")).bold
    assert not MONO.style(Span("▸", "accent", glyph=True)).reverse


def test_reverse_dim_and_field(themes: dict[str, Theme]) -> None:
    dark = themes["dark"].style
    new = dark(Span("3", "strong", reverse=True))
    assert (new.color.name, new.bgcolor.name) == ("#0e1116", "#f0f3f6")  # type: ignore[union-attr]
    behind = dark(Span("x", "strong", dim=True))
    assert behind.color.name == "#64676b"  # type: ignore[union-attr]
    assert themes["ansi-16"].style(Span("x", dim=True)).dim
    assert dark(Span("_", on="field")).underline


def test_an_unknown_token_is_a_bug(themes: dict[str, Theme]) -> None:
    with pytest.raises(KeyError):
        themes["dark"].style(Span("x", "okay"))


BROKEN = [
    ("[tokens]\nok = \n", r"theme mine\.toml: not used, it is not valid TOML: .*line 2"),
    ('[tokens]\n\nokk = "#ffffff"\n', r"mine\.toml, line 3: tokens\.okk: unknown token; did you mean `ok`"),
    ('[tokens]\nok = "#fff"\n', r"mine\.toml, line 2: tokens\.ok: `#fff` is not a colour"),
    ("[tokens]\nok = 7\n", r"mine\.toml, line 2: tokens\.ok: expected text .* found 7"),
    ('[tokens]\nok = "defualt"\n', r"line 2: tokens\.ok: `defualt` .* did you mean `default`"),
    ('[tokens]\nok = "default bald"\n', r"line 2: tokens\.ok: `bald` .* did you mean `bold`"),
    ('[tokens]\nok = ""\n', r"line 2: tokens\.ok: empty"),
    ("tokens = 3\n", r"line 1: tokens: expected a table \[tokens\]"),
    ('[tokens]\n[colours]\nok = "red"\n', r"line 2: colours: unknown; known here: \[tokens\] and \[glyphs\]"),
    ('[tokens]\n"o\\u001b]0;pwn\\u0007k" = "red"\n', r"unknown token"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_broken_theme_is_a_warning_that_names_file_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    themes, warnings = load_themes(themes_dir(), tmp_path, read_small_text)
    assert len(warnings) == 1
    assert re.search(message, warnings[0])
    assert warnings[0].isprintable()
    assert "dark" in themes
    if "mine" in themes:
        assert themes["mine"].words["ok"] == themes["dark"].words["ok"]


def test_bytes_that_are_no_text_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b'[tokens]\nok = "\xff\xfe"\n')
    themes, warnings = load_themes(themes_dir(), tmp_path, read_small_text)
    assert "mine" not in themes
    assert "mine.toml: not used, it cannot be read" in warnings[0]


def test_a_users_theme_falls_back_to_dark_and_wins_over_a_packaged_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[tokens]\nok = "#123456"\n', encoding="utf-8")
    (tmp_path / "light.toml").write_text('[tokens]\nbg = "#eeeeee"\n', encoding="utf-8")
    themes, warnings = load_themes(themes_dir(), tmp_path, read_small_text)
    assert warnings == ()
    assert themes["mine"].words["ok"].color == "#123456"
    assert themes["mine"].words["crit"] == themes["dark"].words["crit"]
    assert themes["light"].words["bg"].color == "#eeeeee"


def test_no_user_folder_is_fine(tmp_path: Path) -> None:
    assert load_themes(themes_dir(), tmp_path / "missing", read_small_text)[1] == ()


def test_of_256_colours_the_nearest_to_the_eye_are_taken() -> None:
    assert nearest("#000000") == 16
    assert nearest("#ffffff") == 231
    assert nearest("#808080") == 244
    assert all(_fixed(nearest(_fixed(i))) == _fixed(i) for i in range(16, 256))
    # The STOP row stays red; by distance in RGB it would be orange.
    assert nearest("#c9362c") == 160


def test_in_256_colours_backgrounds_still_differ_and_text_can_be_read(themes: dict[str, Theme]) -> None:
    dark = themes["dark"].words
    assert len({nearest(dark[token].color) for token in ("bg", "surface", "raised")}) == 3
    assert nearest(dark["select"].color) != nearest(dark["bg"].color)
    spared = {
        ("light", "ok", "select"): 3.9,
        ("high-contrast", "crit", "select"): 6.5,
        ("dark", "spark", "select"): 2.8,
    }
    for name, token, on, _ in table():
        if token not in QUIET:
            words = themes[name].words
            wanted = 3.0 if token in GLYPHS else 7.0 if name == "high-contrast" else 4.5
            measured = contrast(_fixed(nearest(words[token].color)), _fixed(nearest(words[on].color)))
            assert measured >= spared.get((name, token, on), wanted), (name, token, on)


def test_a_terminal_gets_only_what_it_can_show(themes: dict[str, Theme]) -> None:
    assert fitted(themes, "truecolor") == themes
    assert fitted(themes, None) == themes
    assert list(fitted(themes, "standard")) == ["ansi-16"]
    assert list(fitted({"dark": themes["dark"]}, "standard")) == [MONO.name]
    indexed = fitted(themes, "256")
    assert list(indexed) == list(themes)
    style = indexed["dark"].style(Span("x", "ok", on="raised"))
    assert (style.color.number, style.bgcolor.number) == (78, 235)  # type: ignore[union-attr]
    assert indexed["ansi-16"].style(Span("x", "ok", glyph=True)).color.name == "green"  # type: ignore[union-attr]
    assert themes["dark"].style(Span("x", "ok")).color.name == "#6fc38a"  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "large", "deep"])
def test_what_is_no_small_file_is_a_warning_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine.toml"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "large":
            path.write_text("# " + "x" * 1_000_000)
        case "deep":
            path.write_text("x = " + "[" * 5000)
    themes, warnings = load_themes(themes_dir(), tmp_path, read_small_text)
    assert "mine" not in themes
    assert len(warnings) == 1
    assert warnings[0].startswith("theme mine.toml: not used, it")


def test_a_key_that_is_there_twice_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[tokens]\nok = "red"\nok = "blue"\n')
    _, warnings = load_themes(themes_dir(), tmp_path, read_small_text)
    assert "`ok` is there twice" in warnings[0]
