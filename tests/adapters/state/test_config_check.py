"""`config check` finds what is wrong with the values of a file: alone, together, and on this machine."""

from pathlib import Path

import pytest

from metabonk_tui.adapters.host import names
from metabonk_tui.adapters.state import config_world
from metabonk_tui.adapters.state.config_check import check_config
from metabonk_tui.core.config.consistency import is_host, url_problem

WEBHOOK = '[alerts.webhook.a]\nkind = "json"\n'


@pytest.fixture(autouse=True)
def no_name_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Resolve only this machine's own names: no test asks the network."""
    known = {"127.0.0.1", "localhost"}
    monkeypatch.setattr(
        config_world, "why_unresolved", lambda host: "" if host in known else f"{host} cannot be resolved: unknown"
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("METABONK_TUI_CONFIG", raising=False)


def mistakes(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "x.toml"
    path.write_text(text)
    return tuple(line.removeprefix(f"{path}: ") for line in check_config(str(path)).mistakes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[pool]\nhost = ""', "line 2: pool.host: empty"),
        ('[pool]\nhost = "bad host"', 'line 2: pool.host: "bad host" is not a host name'),
        ('[pool]\nhost = "no.invalid"', "line 2: pool.host: no.invalid cannot be resolved"),
        ('[pool]\norchestrator = "localhost:8040"', "line 2: pool.orchestrator: expected a URL like http://"),
        ('[pool]\n\norchestrator = "ftp://x"', "line 3: pool.orchestrator: expected a URL like http://"),
        ('[pool]\norchestrator = "http://x:99999"', "line 2: pool.orchestrator: expected a URL like http://"),
        ("[pool.launcher]\nlaunch = []", "line 2: pool.launcher.launch: empty"),
        (
            '[pool.slurm]\ncommand = ["w", "{ports}"]',
            "pool.slurm.command: unknown placeholder {ports}; did you mean {port}?",
        ),
        ('[pool.launcher]\nlaunch = ["sh", "{n}"]', "line 2: pool.launcher.launch: unknown placeholder {n}"),
        ('[pool.launcher]\nlaunch = ["sh", "{worker}"]', "did you mean {workers}?"),
        ('[pool.launcher]\nlaunch = ["no-such-program"]', 'no program "no-such-program" is found in PATH'),
        (
            '[pool.launcher]\nenvironment = { "A B" = "1" }',
            'line 2: pool.launcher.environment: "A B" is no name of a variable',
        ),
        ('[pool.launcher]\ndirectory = "/nope"', "line 2: pool.launcher.directory: /nope does not exist"),
        ('[pool.launcher]\ndirectory = "/"', "line 2: pool.launcher.directory: launch.py is not in /"),
        ('[pool.launcher]\nenv_file = "nope.env"', "line 2: pool.launcher.env_file: "),
        ("[memory_watch]\nwarn_gb = 0.1", "line 2: memory_watch.warn_gb: 0.1 is below critical_gb = 0.512"),
        ("[memory]\nforecast_warn_s = 10.0", "line 2: memory.forecast_warn_s: 10 is below forecast_critical_s = 300"),
        ('[ui]\ntheme = "drak"', 'line 2: ui.theme: no theme "drak"; did you mean "dark"?'),
        ("[pool]\nbase_port = 65534", "line 2: pool.base_port: worker 2 would answer on port 65536"),
        ("[observe]\ntimeout_s = 1e9", "line 2: observe.timeout_s: 1e+09 s is too long"),
        ("[metrics]\nport = 5001", "line 2: metrics.port: 5001 is the port of worker 1"),
        ('[metrics]\nhost = "0.0.0.0"', "line 2: metrics.host: `0.0.0.0` is not an address of the loopback"),
        ('[alerts.rule.MemCritical]\nraised = "info"', 'less severe than severity = "crit"'),
        ('[alerts.hook]\ncommand = ["/nope/hook"]', 'line 2: alerts.hook.command: "/nope/hook" does not exist'),
        ('[alerts.webhook.a]\nkind = "json"', "line 1: alerts.webhook.a: set url, or url_env"),
        (f'{WEBHOOK}url = "http://10.0.0.1/SECRET"', "line 3: alerts.webhook.a.url: http shows the message"),
        (f'{WEBHOOK}url = "https://no.SECRET/x"', "line 3: alerts.webhook.a.url: the host of the URL cannot be"),
        (f'{WEBHOOK}url_env = "NO_SUCH_URL"', "line 3: alerts.webhook.a.url_env: the variable NO_SUCH_URL is not"),
        ('[alerts.webhook.a]\nkind = "https://x/SECRET"', 'expected one of "slack", "discord", "ntfy", "json", found'),
        ('[alerts.webhook]\na = "https://x/SECRET"', "line 2: alerts.webhook.a: expected a table, found"),
        ('[alerts.webhook."a b"]\nkind = "json"\nurl = "http://127.0.0.1/"', "expected a name of at most 30 letters"),
        (f'{WEBHOOK}ulr = "https://x/SECRET"\nurl = "http://127.0.0.1/"', "unknown key; did you mean `url`?"),
        ('[environment]\nsource = "/nope"', "line 2: environment.source: /nope does not exist"),
    ],
)
def test_a_value_that_cannot_work_is_a_mistake_on_its_line(tmp_path: Path, text: str, expected: str) -> None:
    (only,) = mistakes(tmp_path, text)
    assert expected in only
    assert "SECRET" not in only


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[pool]\nhost = "::1"\norchestrator = ""'.replace("::1", "localhost"),
        '[pool]\nbackend = "none"\n[pool.launcher]\nlaunch = []\ndirectory = "/nope"',
        "[memory_watch]\nwarn_gb = 0.512",
        '[ui]\ntheme = "ansi-16"',
        f'{WEBHOOK}url = "http://localhost/x"',
        '[pool.launcher]\nlaunch = ["sh", "-c", "{\\"a\\": 1}", "{}", "{workers}", "{base_port}"]',
    ],
)
def test_a_value_that_can_work_is_none(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text) == ()


def test_every_mistake_is_listed_at_once_in_the_order_of_its_line(tmp_path: Path) -> None:
    text = (
        "workers = 5\n"
        "[pool]\n"
        'host = ""\n'
        'backend = "nomad"   # a comment\n'
        "[pool.launcher]\n"
        "launch = [\n"
        '  "sh",\n'
        '  "{n}",\n'
        "]\n"
        "environment = { A = 1 }\n"
        "[[component]]\n"
        'id = "x"\nlabel = "x"\ntitle = "x"\nfield = "x"\nkind = "counter"\n'
        "[[component]]\n"
        'id = "y"\nlabel = "y"\ntitle = "y"\nfield = "y"\nkind = "clock"\n'
    )
    listed = mistakes(tmp_path, text)
    assert [line.split(": ")[:2] for line in listed] == [
        ["line 1", "workers"],
        ["line 3", "pool.host"],
        ["line 4", "pool.backend"],
        ["line 6", "pool.launcher.launch"],
        ["line 10", "pool.launcher.environment.A"],
        ["line 22", "component[1].kind"],
    ]
    assert "did you mean `pool.workers`?" in listed[0]
    assert 'expected one of "launcher", "slurm", "ray", "none", found "nomad"' in listed[2]
    assert "expected a string, found 1" in listed[4]


def test_a_wrong_kind_of_a_webhook_hides_no_other_mistake(tmp_path: Path) -> None:
    found = mistakes(tmp_path, '[pool]\nhost = ""\n[alerts.webhook.a]\nkind = "slak"\nurl = "https://a/b"\n')
    assert [line.partition(":")[0] for line in found] == ["line 2", "line 4"]


def test_an_env_file_that_is_not_there_lists_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "launch.py").touch()
    (tmp_path / "game.env").touch()
    (only,) = mistakes(tmp_path, f'[pool.launcher]\ndirectory = "{tmp_path}"\nenv_file = "nope.env"')
    assert "env files there: game.env" in only


@pytest.mark.parametrize(
    ("host", "good"),
    [("127.0.0.1", True), ("trainer-9.lan", True), ("::1", True), ("fe80::1%eth0", True), ("", False), ("a b", False)],
)
def test_the_form_of_a_host(host: str, good: bool) -> None:
    assert is_host(host) is good


@pytest.mark.parametrize(
    ("url", "good"), [("http://[::1]:1", True), ("https://x", True), ("http://", False), ("x", False)]
)
def test_the_form_of_a_url(url: str, good: bool) -> None:
    assert (url_problem(url) == "") is good


def test_a_name_server_that_is_silent_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    silent = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: silent.wait(10))
    assert names.why_unresolved("slow.invalid", 0.01) == ""
    silent.set()
