"""Types that every table of `config.toml` shares. Does not: name a key."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

MOST = 1e9
"""The bound of every number: 31 years in seconds, 10^18 bytes in GB. More is a mistake, and infinity has no sum."""
Positive = Annotated[float, Meta(gt=0, le=MOST)]
NotNegative = Annotated[float, Meta(ge=0, le=MOST)]
ExpectedValue = Annotated[float, Meta(ge=-1e18, le=1e18)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=1, le=1000)]


class ConfigSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. Every key is required; the packaged default supplies those that the user omits."""
