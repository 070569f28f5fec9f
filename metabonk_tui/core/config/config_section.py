"""What every table of the configuration is made of."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=1, le=1000)]


class ConfigSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file. Every key is required: the packaged default supplies what the user leaves out."""
