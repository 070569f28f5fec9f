"""Masks secrets in text: environment values, log lines, command lines, URLs, JSON, headers, keys in PEM form.

A name with a secret word hides its value; some secrets have a form of their own. Every pattern runs in linear time.
Does not: recognise a secret without a name and without a known form, or know the configuration.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

MASK = "••••"
WORDS = (
    *("AUTH", "BEARER", "COOKIE", "CRED", "DSN", "KEY", "PASS", "PRIVATE", "PWD", "SECRET", "SESSION", "TOKEN"),
    "WEBHOOK",
)
"""A name that contains one of these is secret; `environment.secret_words` may add words, never remove them."""
_NAME_CHARACTERS = 200

_INNOCENT = re.compile(
    r"author(?!i[sz])|authentic(?!ation)|authorit|(?:by|com|en|sur|tres)pass|pass(?:ed|es\b|ing|ive|age|enger|through)|"
    r"credit|incred|sacred|cookiecutter|privately|tokeni[sz]|secretar|(?:ob|pos)session|"
    r"key(?:board|code|down|error|event|frame|note|point|press|space|stroke|up\b|word|bind|map|ed\b)|"
    r"(?:disk|don|hoc|hot|joc|lac|mon|tur|whis)key"
)
"""Words that contain a secret word and name no secret."""
_OUTCOME = re.compile(r"(?:error|exception|warning|failed|failure|timeout)$")
_COUNTS = re.compile(
    r"(?:keys|tokens|sessions|cookies|passes|secrets)$|max|min|num|count|total|limit|size|rate|budget|_ms$|_s$"
)
_NUMBER = re.compile(r"[-+]?\d[\d_,]*(\.\d+)?([a-zA-Z%]{1,2}|/s)?")
_HARMLESS = frozenset(
    {"", MASK, "***", "...", "0", "1", "true", "false", "yes", "no", "on", "off", "none", "null", "nil", "unset"}
    | {"empty", "missing", "invalid", "expired", "required", "denied", "refused", "failed", "unauthorized", "unknown"}
    | {"error", "ok", "is", "was", "are", "has", "not", "must", "to", "for", "of", "or", "and", "in", "the", "a", "an"}
    | {"auth", "authentication", "expected"}
)
_LOGIN_OPTIONS = frozenset({"-u", "-U", "--user", "--proxy-user"})
"""Options of curl, wget and the like, whose value is user:password."""
_LOGIN = re.compile(r"([^\s:]{1,128}:)(?!\d+\Z)\S.*", re.DOTALL)
"""user:password; a pair of numbers is an owner and group."""
_GENTLE = ("auth", "session", "private")
"""Words that also name parts of a program: "auth: connected" hides nothing."""

_ANSI = r"(?:\x1b\[[\d;]{0,16}m)?"
_QUOTE = r"(?:\\{0,8}[\"'`]|&quot;|&#39;|%22|%27)"
_NAMED = re.compile(
    rf"(?<![\w.\-])(?P<name>[\w.\-]++)(?P<quote>{_QUOTE}?)\]?{_ANSI}[ \t]{{0,8}}"
    rf"(?P<sign>:=|=>|={{1,3}}|:(?!//)|%3[AaDd])[ \t]{{0,8}}{_ANSI}"
)
_LISTED = re.compile(rf"{_QUOTE}(?P<name>-{{0,2}}[\w.\-]++){_QUOTE}[ \t]{{0,8}},[ \t\n]{{0,8}}(?=[bBuU]?{_QUOTE})")
"""`"--password", "x"` in a printed argument list, `(b'authorization', b'x')` in a printed list of headers."""
_TAG = re.compile(r"<(?P<name>[\w:.\-]++)>(?=[^\s<])")
_OPTION = re.compile(r"(?<![\w\-])(?P<name>--?[A-Za-z][\w\-]++)[ \t]+(?!--)(?=\S)")
_OPENING = re.compile(r"[bBrRuUfF]{0,2}(?P<slashes>\\{0,8})(?P<quote>\"\"\"|'''|[\"'`])")
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|negotiate|api-?key|key)[ \t:]+(?=\S)")
_WHOLE_LINE = re.compile(r"(?i)(?:^|[\-_])(?:authorization|cookie|passphrase)$")
_LINE_END = re.compile(r"\\{0,8}[\"'](?=[\s,}\])]|$)|[\r\n]")
_WORD_END = re.compile(r"\\{0,8}[\"'](?=[\s,}\])]|$)|\s")
_QUERY_END = re.compile(r"[&#\"'<>\s]")
_AFTER_QUOTE = re.compile(r"[^\s,;}\])>&]*")

_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_PEM = re.compile(rf"(?s)({_PEM_BEGIN.pattern}).*?(?:({_PEM_END.pattern})|\Z)")
_PEM_BODY = re.compile(r"[ \t]*[A-Za-z0-9+/]{0,96}={0,2}[ \t\r]*|[A-Za-z\-]{1,40}: [^\n]*")
_KEY_LINE = re.compile(r"\s*(?=\S*[A-Z])(?=\S*[a-z])(?=\S*\d)[A-Za-z0-9+/]{60,96}={0,2}\s*")

_ALONE = r"(?<![A-Za-z0-9])"
_FORMS = (
    # user:password@host, and passwords that contain @ or /
    (r"(?<=://)[^\s/\"'<>]{1,512}@", f"{MASK}@"),
    (r"(?<=://)[^\s/@:\"'<>]{0,64}:(?!\d{1,5}(?:[/?#]|$))[^\s\"'<>]{1,512}@", f"{MASK}@"),
    (r"(?<=://)[^\s/@:\"'<>]{1,64}:(?!\d{1,5}(?:\D|\Z))[^\s/@\"'<>]+\Z", MASK),  # cut off before its @
    (r"(?<![\w.+\-/:@])((?!mailto:)[A-Za-z][\w.+\-]{0,63}:)(?!//)[^\s@:\"'<>]{3,512}@(?=[\w\[(])", rf"\1{MASK}@"),
    (r"(?i)([?&;](?:sig|signature|x-amz-signature|x-goog-signature|code)=)[^&#\s\"'<>]+", rf"\1{MASK}"),
    (r"(hooks\.slack\.com/(?:services|workflows|triggers)/)[^\s\"'<>]+", rf"\1{MASK}"),
    (r"(/api/webhooks/)[^\s\"'<>]+", rf"\1{MASK}"),
    (r"(api\.telegram\.org/bot)[^\s/\"'<>]+", rf"\1{MASK}"),
    # curl -u user:password; a pair of numbers is an owner and group
    (r"(?<!\S)((?:-u|-U|--user|--proxy-user)[= ][\"']?[^\s:\"']{1,128}:)(?!\d+(?:[\s\"']|\Z))[^\s\"']+", rf"\1{MASK}"),
    (r"(?<!\S)(sshpass[ \t]+-p[ \t]*|redis-cli[^\n|;]{0,200}?[ \t]-a[ \t]+)\S+", rf"\1{MASK}"),
    (r"(?<![\w.\-])((?:mysql|mariadb)[\w\-]{0,16}(?:[ \t][^\n|;]{0,200}?)?[ \t]-p)\S+", rf"\1{MASK}"),
    # headers without a name
    (r"(?i)\b(bearer[ \t]+)(?!(?:token|auth|authentication|scheme|of|is|was)\b)[^\s\"',;]+", rf"\1{MASK}"),
    (r"(\b[Bb]asic[ \t]+)(?=[A-Za-z+/]*(?:\d|[a-z+/][A-Z]))[A-Za-z0-9+/]{6,}={0,2}", rf"\1{MASK}"),
    (
        r"(?i)\b((?:key|token|secret|password|passwd|credentials?)[ \t]+(?:(?:is|was)[ \t]+)?[\"']?)"
        r"(?=[^\s\"',;]*\d)(?=[^\s\"',;]*[a-z])[^\s\"',;]{10,}",
        rf"\1{MASK}",
    ),
    # secrets that their own form gives away
    (rf"{_ALONE}sk-(?:(?=[\w\-]*\d)[\w\-]{{6,}}|[\w\-]{{16,}})", MASK),
    (rf"{_ALONE}(?:[srp]k_(?:live|test)|whsec|gh[opsur]|hf|npm|r8|wandb_v1|dop_v1)_[\w\-]{{8,}}", MASK),
    (rf"{_ALONE}(?:github_pat_|glpat-|nvapi-|gsk_|pypi-|ya29\.|shpat_|AIza|xapp-|xox[a-z]-)[\w\-.]{{8,}}", MASK),
    (rf"{_ALONE}A[KS]IA[A-Z0-9]{{12,}}", MASK),
    (rf"{_ALONE}eyJ[\w\-]{{6,}}(?:\.[\w\-]*){{0,2}}", MASK),
)
"""The forms that give a secret away, and what stands for it. Few texts need them, and compiling them takes 4 ms."""
_TRIGGERS = (
    *(
        "key",
        "token",
        "secret",
        "pass",
        "pwd",
        "auth",
        "cred",
        "dsn",
        "cookie",
        "private",
        "bearer",
        "basic",
        "session",
    ),
    *(
        "webhook",
        "@",
        "?sig",
        "&sig",
        ";sig",
        "?x-",
        "&x-",
        ";x-",
        "?code",
        "&code",
        ";code",
        "hooks.slack",
        "telegram",
    ),
    *("-u", "-p", "-a ", "sk-", "sk_", "rk_", "pk_", "whsec", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "hf_", "npm_"),
    *("r8_", "nvapi", "wandb_v1", "dop_v1", "glpat", "gsk_", "pypi-", "ya29", "shpat_", "aiza", "github_pat", "://"),
    *("xapp", "xox", "akia", "asia", "eyj"),
)
"""A text without any of these, in lower case, has nothing to mask: the usual case, decided eight times faster than by
one pattern."""
_HEX = "0123456789abcdef"
"""A hash has no other characters; each trigger has one at least."""
_WORD_TRIGGERS = tuple([trigger for trigger in _TRIGGERS if trigger.isalnum()])
_FORM_TRIGGERS = (
    *(" ", "\t", "@", "?", "&", ";", "://", "slack", "webhooks", "telegram", "-u", "sk-", "k_live", "k_test", "whsec"),
    *("gho_", "ghp_", "ghs_", "ghu_", "ghr_", "hf_", "npm_", "r8_", "wandb_v1", "dop_v1", "github_pat", "glpat"),
    *("nvapi", "gsk_", "pypi-", "ya29", "shpat_", "aiza", "xapp", "xox", "akia", "asia", "eyj"),
)
"""A text without any of these, in lower case, has none of the forms: nearly every name of a JSON field."""


def secret_words(more: Iterable[str]) -> tuple[str, ...]:
    """Return the program's own words and `more`; the program's own tuple if that adds nothing."""
    added = tuple(dict.fromkeys(word.upper() for word in more if word.upper() not in WORDS and word.strip()))
    return (*WORDS, *added) if added else WORDS


def may_need_mask(text: str) -> bool:
    """Return whether a text may have a secret that a name inside it or a known form gives away."""
    lowered = text.lower()
    if not lowered.strip(_HEX):
        return False
    # A loop takes half the time of `any`, and half of the triggers have characters that a hash or a word has not.
    for trigger in _WORD_TRIGGERS if lowered.isalnum() else _TRIGGERS:  # noqa: SIM110
        if trigger in lowered:
            return True
    return False


def mask_text(text: str, words: tuple[str, ...] = WORDS) -> str:
    """Replace every secret that a name or a known form gives away; also secrets whose end was cut off."""
    if words is WORDS and not may_need_mask(text):
        return text
    text = _PEM.sub(rf"\1{MASK}\2", text)
    for pattern in (_NAMED, _LISTED, _OPTION, _TAG):
        text = _mask_values(text, pattern, words)
    if may_have_form(text):
        for form, replacement in compiled_forms():
            text = form.sub(replacement, text)
    return text


def may_have_form(text: str) -> bool:
    """Return whether a text may have one of the forms that give a secret away."""
    lowered = text.lower()
    return any(trigger in lowered for trigger in _FORM_TRIGGERS)


@cache
def compiled_forms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return each form that gives a secret away, and what replaces it."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in _FORMS)


def mask_lines(lines: Iterable[str], words: tuple[str, ...] = WORDS) -> list[str]:
    """Mask the lines of one output: also a key over many lines, whose begin or end may be missing."""
    return [line for line in mask_each(lines, words) if line is not None]


def mask_each(lines: Iterable[str], words: tuple[str, ...] = WORDS) -> list[str | None]:
    """Mask each line of one output as `mask_lines` does; None: the line is part of a key and is left out."""
    masked: list[str | None] = []
    inside = False
    for line in lines:
        if _PEM_END.search(line) and not _PEM_BEGIN.search(line):
            for i in reversed(range(0 if inside else len(masked))):
                before = masked[i]
                if before is not None and before != MASK and _PEM_BODY.fullmatch(before) is None:
                    break
                masked[i] = None
            inside = False
            masked.append(f"{MASK}{line[line.index('-----END') :]}")
        elif _PEM_BEGIN.search(line):
            inside = _PEM_END.search(line) is None
            masked.append(mask_text(line, words))
        elif inside and _PEM_BODY.fullmatch(line):
            masked.append(None)
        else:
            inside = False
            masked.append(MASK if _KEY_LINE.fullmatch(line) else mask_text(line, words))
    return masked


def mask_arguments(argv: Sequence[str], words: tuple[str, ...] = WORDS) -> tuple[str, ...]:
    """Mask a command's arguments: `--password x` and `PASSWORD=x` whole, whatever `x` contains."""
    masked: list[str] = []
    before = after = ""
    for word in argv:
        name, equals, value = word.partition("=")
        if after and not word.startswith("--"):
            masked.append(mask_value(after, word, words))
            before = after = ""
            continue
        login = _LOGIN.fullmatch(word) if before in _LOGIN_OPTIONS else None
        before = word
        if login is not None:
            masked.append(f"{login[1]}{MASK}")
            continue
        after = word if word.startswith("-") and not equals and is_secret_name(word, words) else ""
        if equals and re.fullmatch(r"[\w.\-]+", name) and is_secret_name(name, words):
            masked.append(f"{name}={mask_value(name, value, words)}")
        else:
            masked.append(mask_text(word, words))
    return tuple(masked)


def masked_command(argv: Sequence[str]) -> str:
    """Format a command for people, as one could type it; its secrets are masked."""
    return " ".join(word if word == MASK else shlex.quote(word) for word in mask_arguments(argv))


def mask_value(name: str, value: str, words: tuple[str, ...] = WORDS) -> str:
    """Return the value of a variable, an option or a field: masked whole if its name is secret."""
    if is_secret_name(name, words) and not _is_harmless(name, value):
        return MASK
    return mask_text(value, words)


@lru_cache(maxsize=4096)
def is_secret_name(name: str, words: tuple[str, ...] = WORDS) -> bool:
    """Return whether a value of this name is secret: "METABONK_API_KEY", "accessToken"; not "keyboard"."""
    lowered = name[-_NAME_CHARACTERS:].lower()
    if _OUTCOME.search(lowered):
        return False
    rest = _INNOCENT.sub(" ", lowered)
    return any(word.lower() in rest for word in words)


def _is_harmless(name: str, value: str) -> bool:
    """Return whether a value under a secret name hides nothing: a flag, a short number, a count, a state."""
    plain = value.strip("\"'`\\ ,;.)(")
    lowered, lowered_name = plain.lower(), name.lower()
    if lowered in _HARMLESS or len(plain) == 1:
        return True
    if _NUMBER.fullmatch(plain):
        return len(plain) <= 3 or "." in plain or _COUNTS.search(lowered_name) is not None
    return lowered_name in ("pwd", "oldpwd") and plain.startswith(("/", "~"))


def _mask_values(text: str, pattern: re.Pattern[str], words: tuple[str, ...]) -> str:
    """Mask the value after each match of `pattern` whose `name` is secret."""
    parts: list[str] = []
    done = at = 0
    while (found := pattern.search(text, at)) is not None:
        at = found.end()
        name = found["name"]
        if not is_secret_name(name, words) or (pattern is _LISTED and not _is_option_or_header(name)):
            # The next name may be the value of this one: `url = x?token=y`.
            at = max(found.start("name") + len(name), found.start() + 1)
            continue
        begin, end, hidden = _value(text, found)
        if begin == end or _is_no_value(found, text[begin:end]):
            continue
        parts += (text[done:begin], hidden)
        done = at = end
    return "".join((*parts, text[done:]))


def _is_option_or_header(name: str) -> bool:
    return name.startswith("-") or _WHOLE_LINE.search(name) is not None or name.lower().endswith(("-key", "-token"))


def _is_no_value(found: re.Match[str], value: str) -> bool:
    name = found["name"]
    if _is_harmless(name, value):
        return True
    if "sign" not in found.re.groupindex or found["sign"] != ":" or found["quote"]:
        return False
    # "auth.py:42" is a place in a file; "auth: connected" is a line of a log.
    in_file = re.search(r"\.\w{1,4}$", name) is not None and value.rstrip(":,;)").isdigit()
    spaced = found[0].endswith((" ", "\t"))
    gentle = name.rpartition(".")[2].lower() in _GENTLE
    # The program's own text about a mistake in its configuration; it never shows the value.
    is_own_key = name.startswith("alerts.webhook.") and spaced
    return in_file or is_own_key or (gentle and spaced and value.rstrip(".,;:").isalpha())


def _value(text: str, found: re.Match[str]) -> tuple[int, int, str]:
    """Return where the value after a name begins and ends, and what stands for it."""
    begin = found.end()
    opening = _OPENING.match(text, begin)
    if opening is not None:
        end = _closing(text, opening)
        return begin, end, _quoted_mask(text, opening, end)
    before = text[found.start() - 1] if found.start() else ""
    if before in ("?", "&") or found.re is _TAG:
        return begin, _end(_QUERY_END, text, begin), MASK
    for bracket, close in (("[", "]"), ("{", "}")):
        if text.startswith(bracket, begin):
            end = text.find(close, begin)
            return begin, len(text) if end < 0 else end + 1, MASK
    scheme = _SCHEME.match(text, begin)
    if _WHOLE_LINE.search(found["name"]) and (scheme is None or scheme[0].lower().startswith("digest")):
        return begin, _end(_LINE_END, text, begin), MASK
    return begin, _end(_WORD_END, text, scheme.end() if scheme else begin), MASK


def _closing(text: str, opening: re.Match[str]) -> int:
    """Return the end of a quoted value: after its closing quote, or the end of the text where it was cut."""
    quote = re.escape(opening["slashes"] + opening["quote"])
    close = re.compile(rf"(?<!\\){quote}").search(text, opening.end())
    if close is None:
        return len(text)
    after = _AFTER_QUOTE.match(text, close.end())
    return after.end() if after is not None else close.end()


def _quoted_mask(text: str, opening: re.Match[str], end: int) -> str:
    """Keep the quotes, so that masked JSON stays JSON."""
    quote = opening["slashes"] + opening["quote"]
    return f"{opening[0]}{MASK}{quote}" if text.endswith(quote, opening.end(), end) else f"{opening[0]}{MASK}"


def _end(pattern: re.Pattern[str], text: str, begin: int) -> int:
    found = pattern.search(text, begin)
    return len(text) if found is None else found.start()
