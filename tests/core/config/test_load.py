"""The configuration: strict, and every refusal names file, key, expectation and nearest key."""

import pytest

from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.core.config.load import ConfigError, parse_config, printable
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.text.mask import MASK

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
        ("[keys]\nverdict = 3", ["keys.verdict: expected a key or a list of keys, found 3"]),
        ('[keys]\nverdict = ["a", 1]', ["keys.verdict", "['a', 1]"]),
        ("[pol]\nworkers = 3", ["pol: unknown key", "did you mean `pool`?"]),
        ("[pool]\nworkerz = 3", ["pool.workerz: unknown key", "did you mean `workers`?"]),
        ("[pool]\nzzzzzz = 3", ["pool.zzzzzz: unknown key", "known keys here", "base_port"]),
        ("[alerts.rule.MemLo]\nfor_s = 1.0", ["alerts.rule.MemLo: unknown key", "did you mean `MemLow`?"]),
        ("[alerts.rule.MemLow]\nfor = 1.0", ["alerts.rule.MemLow.for", "did you mean `for_s`?"]),
        ('[alerts.rule.MemLow]\nseverity = "loud"', ["alerts.rule.MemLow.severity", 'found "loud"']),
        ("[alerts.rule.MemLow]\nfor_s = -1.0", ["alerts.rule.MemLow.for_s", ">= 0", "found -1.0"]),
        ("[alerts.rule]\nMemLow = 3", ["alerts.rule.MemLow: expected", "found 3"]),
        ("[alerts.rule]\nZzz = 3", ["alerts.rule.Zzz: unknown key; known keys here: ComponentAbsent, "]),
        ("[alerts]\nrule = 3", ["alerts.rule: expected", "found 3"]),
        ("alerts = 3", ["alerts: expected", "found 3"]),
        ("[pool.launcher]\nlanch = []", ["pool.launcher.lanch", "did you mean `launch`?"]),
        ('[pool]\nworkers = "3"', ["pool.workers", "expected an integer", 'found "3"']),
        ("[pool]\nworkers = 0", ["pool.workers", ">= 1", "found 0"]),
        ("[pool]\nworkers = true", ["pool.workers", "expected an integer", "found true"]),
        ("[pool]\nbase_port = 70000", ["pool.base_port", "<= 65535"]),
        ('[pool]\nbackend = "nomad"', ["pool.backend", "nomad"]),
        ("pool = 3", ["pool", "expected a table"]),
        ("[memory]\nfloor_gb = 0", ["memory.floor_gb", "> 0"]),
        ("[[component]]\n" + COMPONENT + "unit = 3", ["component[0].unit: unknown key"]),
        ("[[component]]\nid = 'x'", ["component[0]", "label"]),
        ("[[component]]\n" + COMPONENT + "[[component]]\n" + COMPONENT, ["`mine` is declared twice"]),
        ("[pool\n", ["not valid TOML", "line 1"]),
        ("[clock]\nvalidation_s = inf", ["clock.validation_s", "<= 1000000000.0", "found inf"]),
        ("[clock]\nvalidation_s = 1e999", ["clock.validation_s", "<= 1000000000.0", "found inf"]),
        ("[clock]\nvalidation_s = -inf", ["clock.validation_s", "> 0", "found -inf"]),
        ("[clock]\nvalidation_s = nan", ["clock.validation_s", "found nan"]),
        ("[memory]\nfloor_gb = inf", ["memory.floor_gb", "<= 1000000000.0"]),
        ("[memory]\nworker_gb = 1e12", ["memory.worker_gb", "<= 1000000000.0", "found 1000000000000.0"]),
        ("[memory_watch]\nwarn_hold_s = nan", ["memory_watch.warn_hold_s", "found nan"]),
        ("[verdict]\nrate_jump = inf", ["verdict.rate_jump", "<= 1000000000.0"]),
        ("[alerts.rule.MemLow]\nfor_s = inf", ["alerts.rule.MemLow.for_s", "<= 1000000000.0"]),
        ("[observe]\nmax_body_bytes = 1000000000", ["observe.max_body_bytes", "<= 67108864"]),
        ("[clock]\nchecks = 0x" + "f" * 5000, ["clock.checks", "found a number of 20000 bits"]),
        ("[clock]\nvalidation_s = 0x" + "f" * 5000, ["clock.validation_s", "found a number of 20000 bits"]),
        ("[clock]\nchecks = " + "9" * 5000, ["checks: a number of more than 4300 digits"]),
        ("[[component]]\n" + COMPONENT + "expected_max = inf", ["component[0].expected_max", "found inf"]),
        ("[[component]]\n" + COMPONENT + "expected_min = nan", ["component[0].expected_min", "found nan"]),
        ("x = " + "[" * 5000, ["nested too deeply"]),
        ("[pool]\nworkers = 3\nworkers = 4", ["`workers` is there twice", "line 3"]),
        ("[pool]\nworkers = 3\n[pool]\nbase_port = 1", ["`[pool]` is there twice", "line 3"]),
        ('[pool]\nworkers = "sk-abc123def456"', ["pool.workers", 'found "••••"']),
        ('[pool]\nhost = 3\nworkers = "' + "x" * 5000 + '"', ["pool.host: expected a string"]),
    ],
)
def test_a_refusal_says_where_what_and_the_nearest_key(text: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text)
    message = str(refused.value)
    assert message.startswith("mine.toml: ")
    for part in parts:
        assert part in message


def test_a_deep_table_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"mine.toml: "):
        parse("[clock]\nchecks" + ".a" * 3000 + " = 1")


def test_what_is_printed_has_no_secret() -> None:
    shown = printable(
        parse(
            '[pool]\norchestrator = "http://me:pw9@host"\n'
            '[pool.launcher]\nlaunch = ["run", "--password", "pw9"]\nenvironment = { API_KEY = "pw9", STEPS = "3" }\n'
            '[environment]\nsecret_words = ["LICENCE"]\nrequired = { MY_LICENCE = "pw9" }\n'
            '[alerts.hook]\ncommand = ["sh", "-c", "curl -H \'Authorization: Bearer pw9\' host"]\n'
            '[alerts.webhook.team]\nkind = "ntfy"\nurl = "https://pw9.example.org/pw9"\n'
        )
    )
    assert "pw9" not in repr(shown)
    assert shown["pool"]["launcher"]["environment"] == {"API_KEY": MASK, "STEPS": "3"}
    assert shown["pool"]["launcher"]["launch"] == ["run", "--password", MASK]
    assert (shown["alerts"]["webhook"]["team"]["url"], shown["alerts"]["webhook"]["team"]["kind"]) == (MASK, "ntfy")
