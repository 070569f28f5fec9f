"""What is masked, what is not, and that masking takes linear time."""

import re
import string
import time
import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metabonk_tui.core.text import mask
from metabonk_tui.core.text.clean import clean_text
from metabonk_tui.core.text.mask import (
    MASK,
    WORDS,
    compiled_forms,
    is_secret_name,
    mask_arguments,
    mask_lines,
    mask_text,
    mask_value,
    masked_command,
    may_have_form,
    secret_words,
)
from tests.support.paths import ROOT

SECRET = "S3cret/Val+9x"
KEY_LINE = "MIIEpAIBAAKCAQEAx7Bz9kq0Zx1FZ3Jq5T8mB1yqkq7hA2kNw0pLrT5cYv8sQe1d"

TEMPLATES = [
    "token={}",
    "WANDB_KEY={} and more",
    "METABONK_AUTH = {}",
    '{{"token": "{}", "a": 1}}',
    "{{'apiKey': '{}'}}",
    r"{{\"accessToken\": \"{}\", \"b\": 1}}",
    "Authorization: Bearer {}",
    "authorization: {}",
    "Proxy-Authorization: Digest username=x, response={}",
    'curl -H "Authorization: Bearer {}" http://host/x',
    "sent Bearer {}, refused",
    "Cookie: a={}; b=2",
    "x-api-key: {}",
    "--password {} --steps 1",
    "--password={}",
    "-token {}",
    "--api-key '{}' x",
    '["--token", "{}"]',
    "(b'authorization', b'Bearer {}')",
    "http://user:{}@host:1/x",
    "postgres://user:{}@host/db",
    "http://host/x?token={}&steps=2",
    "http://host/x?steps=2&api_key={}#part",
    "user:{}@tcp(host)",
    "curl -u user:{} http://host",
    "sshpass -p {} ssh host",
    "mysql -u root -p{} db",
    "<password>{}</password>",
    'password: "{}',
    'token="""{}"""',
    "f(secret={}, a=1)",
    "\x1b[36mapi_key\x1b[0m=\x1b[35m{}\x1b[0m next",
    "%22token%22%3A%22{}%22",
    'headers["X-Api-Key"] = "{}"',
    "password => {}",
    "the password is {}abc1",
    "wandb: ERROR API key {}abc1 is invalid",
    "Server=x;Pwd={}",
    "webhook_url: {}",
    "cookie='{}'",
    "session_id={}",
]

FORMS = [
    "sk-abc123def456",
    "sk-ant-api03-abcdefgh",
    "sk-proj-abcdefghijklmnop",
    "ghp_0123456789abcdef",
    "github_pat_11ABCDEFG0",
    "glpat-abcdefgh12",
    "xoxb-123456789-abc",
    "xapp-1-A012-3456",
    "AKIAIOSFODNN7EXAMPLE",
    "hf_abcdefghijklmnop",
    "AIzaSyA0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def",
    "eyJhbGciOiJIUzI1NiJ9.eyJzd",
]

MORE_FORMS = [
    "http://user:S3cret9x",
    "http://user:S3cret9x@host",
    "https://hooks.slack.com/services/T0/B0/abc",
    "https://host/api/webhooks/1/abc",
    "https://api.telegram.org/bot1:abc",
    "--user=somebody:S3cret9x",
    "redis-cli -a S3cret9x",
    "Basic dXNlcjpwYXNz",
    "?code=abc",
    "sk_live_0123456789",
    "whsec_0123456789",
]

OPEN = [
    "tokens=512",
    "max_tokens: 8192",
    "keyboard=qwerty",
    "step_key=3",
    "key_rate=0.25",
    "author: bob",
    "KeyError: 'foo'",
    "AuthenticationError: refused by the server",
    "auth.py:42: boom",
    "metabonk.auth: connected",
    "session: started",
    "token: invalid",
    "--token is required",
    "tokenizer: gpt",
    "passed: 12",
    "pass_rate=0.5",
    "bypass=on",
    "compass: north",
    "monkey=banana",
    "hotkey: ctrl",
    "disk-usage 12",
    "risk-averse",
    "task-force",
    "basic training is done",
    "bearer token missing",
    "METABONK_AUTH=1",
    "METABONK_USE_TOKEN=false",
    "docker run -u 1000:1000 image",
    "http://host:80/a",
    "http://host:80/@scope",
    "mailto:bob@example.com",
    "bob@example.com",
    "ssh git@github.com:a/b",
    "PWD=/home/metabonk",
    "2026-01-01 12:00:00 ERROR worker: failed",
    "loss: 0.5, step: 100",
    '{"key": null, "step": 3}',
    "incredible: yes",
    "credits=999999",
    "1024x768",
]


@pytest.mark.parametrize(
    "mistake",
    [
        "f: line 2: environment.secret_words: expected an array, found 5",
        "f: line 3: pool.launcher.environment.METABONK_API_KEY: expected a string, found 5",
        "f: line 4: keys.quit: expected a string or an array, found 5",
    ],
)
def test_a_mistake_of_the_configuration_is_whole(mistake: str) -> None:
    assert mask_text(mistake) == mistake


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_secret_is_masked_in_its_surroundings(template: str) -> None:
    shown = mask_text(template.format(SECRET))
    assert SECRET not in shown
    assert MASK in shown
    assert "Val+9x" not in shown, "the end of the secret is left"


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_known_by_its_form(form: str) -> None:
    assert mask_text(f"got {form} here") == f"got {MASK} here"


@pytest.mark.parametrize("form", compiled_forms(), ids=lambda form: form[0].pattern[:30])
def test_no_form_is_left_out_before_it_is_looked_for(form: tuple[re.Pattern[str], str]) -> None:
    texts = [template.format(SECRET) for template in TEMPLATES] + FORMS + MORE_FORMS
    found = [match for text in texts if (match := form[0].search(text))]
    assert found, "no example has this form"
    # The least text that has the form: what it looks behind at, and the match.
    least = ["://" * match.string[: match.start()].endswith("://") + match[0] for match in found]
    assert [text for text in least if not may_have_form(text)] == []


def test_no_secret_is_looked_for_in_a_hash_because_no_trigger_is_one() -> None:
    assert [trigger for trigger in mask._TRIGGERS if not trigger.strip(mask._HEX)] == []


@pytest.mark.parametrize("text", OPEN)
def test_what_hides_nothing_stays(text: str) -> None:
    assert mask_text(text) == text


@given(
    st.sampled_from(TEMPLATES),
    st.text(string.ascii_letters + string.digits + "+/._~!$%^*", min_size=8, max_size=60).filter(
        lambda text: any(c.isdigit() for c in text) and any(c.isalpha() for c in text) and text[0].isalnum()
    ),
)
@example("curl -u user:{} http://host", "000000/A")
def test_no_secret_value_appears(template: str, secret: str) -> None:
    shown = mask_text(template.format(secret))
    # A secret inside the template's own words proves nothing.
    if secret not in template:
        assert secret not in shown
    assert mask_text(shown) == shown, "masking is not stable"


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("limit", [20, 40, 200])
def test_a_cut_text_has_no_part_of_a_secret(template: str, limit: int) -> None:
    """The text is masked before it is cut, and the part that is looked at may end inside a secret."""
    long_secret = "a1B2" * 60
    shown = clean_text(template.format(long_secret), limit)
    assert "a1B2a1B2" not in shown
    if not template.startswith("user:"):  # without its "@" it looks like a time
        assert "a1B2a1B2" not in mask_text(template.format(long_secret)[: template.index("{}") + 60])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["a", "-----BEGIN RSA PRIVATE KEY-----", KEY_LINE, "abc=", "-----END RSA PRIVATE KEY-----", "b"],
            ["a", f"-----BEGIN RSA PRIVATE KEY-----{MASK}", f"{MASK}-----END RSA PRIVATE KEY-----", "b"],
        ),
        ([KEY_LINE, "abcd==", "-----END PRIVATE KEY-----"], [f"{MASK}-----END PRIVATE KEY-----"]),
        (["-----BEGIN PRIVATE KEY-----", KEY_LINE], [f"-----BEGIN PRIVATE KEY-----{MASK}"]),
        ([KEY_LINE, "no end"], [MASK, "no end"]),
        (
            ["-----BEGIN PRIVATE KEY-----", KEY_LINE, "ERROR a: b"],
            [f"-----BEGIN PRIVATE KEY-----{MASK}", "ERROR a: b"],
        ),
        (["x" * 100, "0123456789abcdef" * 4], ["x" * 100, "0123456789abcdef" * 4]),
    ],
)
def test_a_key_over_many_lines(lines: list[str], expected: list[str]) -> None:
    assert mask_lines(lines) == expected


def test_a_key_in_one_text() -> None:
    text = f"KEYFILE: -----BEGIN EC PRIVATE KEY-----\\n{KEY_LINE}\\n-----END EC PRIVATE KEY-----"
    assert KEY_LINE not in mask_text(text)
    assert KEY_LINE not in mask_text(text[:80])


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["run", "--password", "two words", "--steps", "3"], ["run", "--password", MASK, "--steps", "3"]),
        (["env", "API_KEY=two words", "run"], ["env", f"API_KEY={MASK}", "run"]),
        (["run", "--token", "--steps"], ["run", "--token", "--steps"]),
        (["curl", "-H", "Authorization: Bearer x9"], ["curl", "-H", f"Authorization: {MASK}"]),
        (["run", "--max-tokens", "4096"], ["run", "--max-tokens", "4096"]),
        (["run", "http://a:b9c@h/"], ["run", f"http://{MASK}@h/"]),
        (["curl", "-u", "me:two words", "http://h/"], ["curl", "-u", f"me:{MASK}", "http://h/"]),
        (["curl", "--proxy-user", "me:x9", "-U", "a:b"], ["curl", "--proxy-user", f"me:{MASK}", "-U", f"a:{MASK}"]),
        (["docker", "run", "-u", "1000:1000", "-u", "me"], ["docker", "run", "-u", "1000:1000", "-u", "me"]),
        (["python", "-u", "train.py"], ["python", "-u", "train.py"]),
    ],
)
def test_arguments(argv: list[str], expected: list[str]) -> None:
    assert list(mask_arguments(argv)) == expected


def test_a_command_is_shown_as_one_could_type_it() -> None:
    assert masked_command(["a b", "--key", "x y"]) == f"'a b' --key {MASK}"


@pytest.mark.parametrize("name", [f"METABONK_{word}" for word in WORDS] + ["apikey", "dbPassword", "OAUTH_ID"])
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)
    assert mask_value(name, "two words") == MASK


@pytest.mark.parametrize("name", ["METABONK_KEYBOARD", "METABONK_BYPASS_MENU", "TOKENIZER", "AUTHOR", "KeyError", "w"])
def test_open_names(name: str) -> None:
    assert mask_value(name, "two words") == "two words"


def test_words_can_be_added_and_not_removed() -> None:
    assert secret_words([]) is WORDS
    words = secret_words(["licence", "KEY", " "])
    assert mask_text("METABONK_LICENCE=abc token=def9", words) == f"METABONK_LICENCE={MASK} token={MASK}"


def test_the_configuration_shows_the_words_of_the_program() -> None:
    shown = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))["environment"]["secret_words"]
    assert tuple(shown) == WORDS


HOSTILE = (
    *("a", "token", "token=", 'token="', 'token=\\"', "token ", "token=[", "://a:b", "a:b@", "-u a:", "sk-", "eyJ."),
    *("-----BEGIN PRIVATE KEY-----", "mysql -x ", "redis-cli ", "Authorization: ", "Basic ", "--token ", '"token",'),
    *("?sig", "a:", "=", "\\", " ", "<token>", "key a", "%22", "&quot;", "\x1b[1m"),
)


def duration_s(text: str) -> float:
    began = time.process_time()
    mask_text(text)
    return time.process_time() - began


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_line_takes_linear_time(piece: str) -> None:
    """Compare two sizes, because a limit in seconds would depend on the machine; quadratic time gives 64 times."""
    small, big = "token" + piece * (15_000 // len(piece)), "token" + piece * (120_000 // len(piece))
    few_s = min(duration_s(small) for _ in range(3))
    assert min(duration_s(big) for _ in range(2)) < 30 * max(few_s, 0.002)


def test_a_line_of_a_megabyte_is_cleaned_by_its_begin() -> None:
    assert clean_text("token=" + "x" * 1_000_000) == f"token={MASK}…"
