"""The user's file is made of the manual: valid as it is, with the chosen keys in effect, and after removing any #."""

import re
import tomllib
from typing import Any

import pytest

from metabonk_tui.core.config.load import parse_config
from metabonk_tui.core.config.template import ChosenValue, config_template, toml_value
from tests.support.paths import ROOT

MANUAL = (ROOT / "config.toml").read_text(encoding="utf-8")
CHOSEN: dict[str, ChosenValue] = {
    "pool.workers": 5,
    "pool.backend": "none",
    "pool.launcher.directory": '/home/a "b"\\c/Meta\x7fBonk ä',
    "pool.launcher.launch": ["/a b/python", "launch.py"],
    "pool.launcher.environment": {"METABONK_X": "1", "odd key": "2"},
    "alerts.webhook.slack": {"kind": "slack", "url": 'https://hooks.slack.com/a"b'},
}


def leaves(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
    found = {}
    for key, value in tree.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and name not in CHOSEN:
            found |= leaves(value, f"{name}.")
        else:
            found[name] = value
    return found


def test_without_a_choice_the_file_changes_nothing() -> None:
    text = config_template(MANUAL, {})
    assert leaves(tomllib.loads(text)) == {}
    assert parse_config(MANUAL, text) == parse_config(MANUAL, None)
    assert text.startswith("#:schema ./metabonk-tui.schema.json\n")


def test_only_the_chosen_keys_are_in_effect_with_their_comments() -> None:
    text = config_template(MANUAL, CHOSEN)
    assert leaves(tomllib.loads(text)) == CHOSEN
    assert re.search(r"^workers = 5 {23,}# wanted workers", text, re.MULTILINE)


def test_removing_every_mark_gives_the_manual_again() -> None:
    text = re.sub(r"^#(?=\w+ = |\[\[|    \"|\]$)", "", config_template(MANUAL, {}), flags=re.MULTILINE)
    assert tomllib.loads(text) == tomllib.loads(MANUAL)


def test_every_comment_of_the_manual_but_its_head_is_in_the_file() -> None:
    body = MANUAL.partition("\n\n")[2]
    text = config_template(MANUAL, {})
    assert [line for line in body.splitlines() if line.lstrip("#") not in text] == []


def test_what_the_file_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no key pool\.nothing"):
        config_template(MANUAL, {"pool.nothing": 1})
    with pytest.raises(ValueError, match="no key id"):
        config_template(MANUAL, {"id": "system2"})
    with pytest.raises(ValueError, match="no valid UTF-8"):
        toml_value("/home/\udce4")
    assert toml_value({}) == "{}"
