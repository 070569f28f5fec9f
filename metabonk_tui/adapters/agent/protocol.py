"""Declares the lines between a monitor and the agent of a host: one JSON object each, ended by a line feed.

The monitor sends `Open`, then a `ReadSample` for each Sample. The agent answers with `Hello`, then each time with a
`ReadingHead` and so many lines of the public recording format. Does not: read or write a pipe.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

SCHEMA = 1
"""The version of these lines. Another one cannot be understood."""
MAX_REQUEST_BYTES = 64_000
MAX_LINE_BYTES = 32_000_000
"""Bytes of one line of an answer: 1000 workers answer with at most 20 MB."""
MAX_LINES = 1_000
"""Lines of one Sample: its events, then itself."""
MAX_NOISE_BYTES = 64_000
"""Bytes that a login shell may print before the agent says hello."""


class Open(Struct, frozen=True, tag="open", tag_field="kind"):
    """Asks the agent to begin: what it reads, beside its own configuration."""

    schema: int
    version: str
    base_port: int | None = None
    workers: int | None = None
    interval_s: float | None = None
    directory: str = ""
    env_file: str = ""


class ReadSample(Struct, frozen=True, tag="read", tag_field="kind"):
    """Asks for one Sample."""

    n: int
    fresh: bool = False
    """Search for new processes at once."""
    resend: bool = False
    """Send also what did not change."""


class Act(Struct, frozen=True, tag="act", tag_field="kind"):
    """Asks for a launch, a stop or a resize. This version of the agent refuses every one."""

    n: int
    action: str


class Hello(Struct, frozen=True, tag="hello", tag_field="kind"):
    """The agent is there, and its version."""

    schema: int
    version: str
    control: bool = False


class ReadingHead(Struct, frozen=True, tag="reading", tag_field="kind"):
    """The head of an answer to `ReadSample`."""

    n: int
    lines: int
    """How many lines of a recording follow; the last one is the Sample."""
    t: float
    """The time of the agent's wall clock, in Unix seconds, when it sent this."""
    took_s: float
    """Seconds between the request and this answer."""


class Refused(Struct, frozen=True, tag="refused", tag_field="kind"):
    """The agent does not do what was asked, and why."""

    n: int
    why: str


class Failed(Struct, frozen=True, tag="failed", tag_field="kind"):
    """The agent cannot go on, and ends."""

    why: str


Request = Open | ReadSample | Act
AgentLine = Hello | ReadingHead | Refused | Failed
_requests = msgspec.json.Decoder(Request)
_answers = msgspec.json.Decoder(AgentLine)
_encoder = msgspec.json.Encoder()
_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})(\.[0-9A-Za-z.+-]{0,40})?")


def encoded(line: Any) -> bytes:
    """Return a message as a line."""
    return _encoder.encode(line) + b"\n"


def request(line: bytes) -> Request:
    """Decode a line to the agent. Raises ValueError."""
    try:
        found: Request = _requests.decode(line)
        return found
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def answer(line: bytes) -> AgentLine:
    """Decode a line from the agent. Raises ValueError."""
    try:
        found: AgentLine = _answers.decode(line)
        return found
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def version_problem(ours: str, theirs: str, schema: int) -> tuple[bool, str]:
    """Return whether two versions work together, and what differs; "" for nothing.

    One minor version of difference is tolerated, because hosts are updated one after the other.
    """
    if schema != SCHEMA:
        return False, f"its lines have schema {schema}, not {SCHEMA}: install version {ours} on the host"
    mine, other = _VERSION.fullmatch(ours), _VERSION.fullmatch(theirs)
    if other is None or mine is None:
        return False, f"it names no version: install version {ours} on the host"
    if ours == theirs:
        return True, ""
    near = mine[1] == other[1] and abs(int(mine[2]) - int(other[2])) <= 1
    text = f"its version is {theirs}, this monitor's {ours}"
    return near, text if near else f"{text}: more than one minor version apart"
