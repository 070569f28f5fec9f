"""The configuration: strict, and every refusal names file, key, expectation and nearest key."""

import pytest

from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.core.config.load import ConfigError, parse_config
from metabonk_tui.core.config.schema import Config

DEFAULT = default_config_text()


def parse(text: str) -> Config:
    """Lay a user's text over the packaged default."""
    return parse_config(DEFAULT, text, "mine.toml")


def test_the_packaged_default_is_a_whole_configuration() -> None:
    config = parse_config(DEFAULT, None)
    assert [component.id for component in config.component] == [
        "ui_exploration",
        "intrinsic_reward",
        "system2",
        "meta",
        "ui_to_gameplay",
    ]
    assert config.required_environment["METABONK_INTRINSIC_REWARD"] == "1"


def test_tables_are_merged_key_by_key_and_lists_replaced() -> None:
    config = parse('[pool]\nworkers = 5\n[pool.launcher]\nlaunch = ["./go"]\n[[component]]\n' + COMPONENT)
    assert config.pool.workers == 5
    assert config.pool.base_port == 5000
    assert config.pool.launcher.launch == ["./go"]
    assert [component.id for component in config.component] == ["mine"]


COMPONENT = 'id = "mine"\nlabel = "mine"\ntitle = "Mine"\nfield = "mine"\nkind = "counter"\n'


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[pol]\nworkers = 3", ["pol: unknown key", "did you mean `pool`?"]),
        ("[pool]\nworkerz = 3", ["pool.workerz: unknown key", "did you mean `workers`?"]),
        ("[pool]\nzzzzzz = 3", ["pool.zzzzzz: unknown key", "known keys here", "base_port"]),
        ("[alerts.rule.MemLo]\nfor_s = 1.0", ["alerts.rule.MemLo: unknown key", "did you mean `MemLow`?"]),
        ("[alerts.rule.MemLow]\nfor = 1.0", ["alerts.rule.MemLow.for", "did you mean `for_s`?"]),
        ('[alerts.rule.MemLow]\nseverity = "loud"', ["alerts.rule.MemLow.severity", "'loud'"]),
        ("[alerts.rule.MemLow]\nfor_s = -1.0", ["alerts.rule.MemLow.for_s", ">= 0", "found -1.0"]),
        ("[alerts.rule]\nMemLow = 3", ["alerts.rule.MemLow: expected", "found 3"]),
        ("[alerts.rule]\nZzz = 3", ["alerts.rule.Zzz: unknown key; known keys here: ComponentAbsent, "]),
        ("[alerts]\nrule = 3", ["alerts.rule: expected", "found 3"]),
        ("alerts = 3", ["alerts: expected", "found 3"]),
        ("[pool.launcher]\nlanch = []", ["pool.launcher.lanch", "did you mean `launch`?"]),
        ('[pool]\nworkers = "3"', ["pool.workers", "int", "str"]),
        ("[pool]\nworkers = 0", ["pool.workers", ">= 1", "found 0"]),
        ("[pool]\nworkers = true", ["pool.workers", "int", "bool"]),
        ("[pool]\nbase_port = 70000", ["pool.base_port", "<= 65535"]),
        ('[pool]\nbackend = "slurm"', ["pool.backend", "slurm"]),
        ("pool = 3", ["pool", "object"]),
        ("[memory]\nfloor_gb = 0", ["memory.floor_gb", "> 0"]),
        ("[[component]]\n" + COMPONENT + "unit = 3", ["component[0].unit: unknown key"]),
        ("[[component]]\nid = 'x'", ["component[0]", "label"]),
        ("[[component]]\n" + COMPONENT + "[[component]]\n" + COMPONENT, ["`mine` is declared twice"]),
        ("[pool\n", ["not valid TOML", "line 1"]),
    ],
)
def test_a_refusal_says_where_what_and_the_nearest_key(text: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text)
    message = str(refused.value)
    assert message.startswith("mine.toml: ")
    for part in parts:
        assert part in message
