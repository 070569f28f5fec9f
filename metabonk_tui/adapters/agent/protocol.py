"""Declares the lines between a monitor and the agent of a host: one JSON object each, ended by a line feed.

The monitor sends `Open`, then a `ReadSample` for each Sample. The agent answers with `Hello`, then each time with a
`ReadingHead` and so many lines of the public recording format. A monitor that controls the pool may ask for a plan
(`AskPlan`), have exactly that plan carried out (`Act`), and ask how far it is (`AskProgress`). No command line of the
monitor is in them: what runs is in the configuration of the host. Does not: read or write a pipe.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from metabonk_tui.core.model.pool import Action, Plan
from metabonk_tui.core.model.sample import Event, Operation

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
    acts: bool = False
    """Whether the monitor may ask for actions."""


class ReadSample(Struct, frozen=True, tag="read", tag_field="kind"):
    """Asks for one Sample."""

    n: int
    fresh: bool = False
    """Search for new processes at once."""
    resend: bool = False
    """Send also what did not change."""
    slots: tuple[int, ...] | None = None
    """The only workers to ask, where an engine places them; None: as many as `Open` names."""


class AskPlan(Struct, frozen=True, tag="plan", tag_field="kind"):
    """Asks what an action would do on this host. Times are on the agent's clock."""

    n: int
    action: Action


class Act(Struct, frozen=True, tag="act", tag_field="kind"):
    """Asks the agent to carry out a plan that it has made and that was shown."""

    n: int
    plan: str
    """The id of that plan."""
    hours: float | None = None
    override: str = ""
    """The operator's reason, which the record of the launch keeps."""
    overridden: tuple[str, ...] = ()


class AskProgress(Struct, frozen=True, tag="progress", tag_field="kind"):
    """Asks how far the action is."""

    n: int


class Hello(Struct, frozen=True, tag="hello", tag_field="kind"):
    """The agent is there, and its version."""

    schema: int
    version: str
    control: bool = False
    """Whether this agent plans and acts."""
    refusal: str = ""
    """Why it does not, although the monitor may ask."""


class ReadingHead(Struct, frozen=True, tag="reading", tag_field="kind"):
    """The head of an answer to `ReadSample`."""

    n: int
    lines: int
    """How many lines of a recording follow; the last one is the Sample."""
    t: float
    """The time of the agent's wall clock, in Unix seconds, when it sent this."""
    took_s: float
    """Seconds between the request and this answer."""


class PlanMade(Struct, frozen=True, tag="planned", tag_field="kind"):
    """The answer to `AskPlan`; the agent keeps the plan until it makes another one."""

    n: int
    id: str
    plan: Plan


class Accepted(Struct, frozen=True, tag="accepted", tag_field="kind"):
    """The agent has begun to carry the plan out."""

    n: int


class ActionProgress(Struct, frozen=True, tag="progressed", tag_field="kind"):
    """The answer to `AskProgress`."""

    n: int
    operation: Operation | None = None
    """None: no action was begun over this connection, or none has reported a step yet."""
    events: tuple[Event, ...] | None = None
    """What the pool reports at the end; None: the action is under way."""


class Refused(Struct, frozen=True, tag="refused", tag_field="kind"):
    """The agent does not do what was asked, and why."""

    n: int
    why: str


class Failed(Struct, frozen=True, tag="failed", tag_field="kind"):
    """The agent cannot go on, and ends."""

    why: str


Request = Open | ReadSample | AskPlan | Act | AskProgress
AgentLine = Hello | ReadingHead | PlanMade | Accepted | ActionProgress | Refused | Failed
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
