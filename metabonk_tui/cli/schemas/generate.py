"""Generates the JSON Schemas (2020-12) from the types of the documents and of the configuration."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from metabonk_tui.cli.schemas import documents
from metabonk_tui.cli.schemas.report_documents import JsonDocument, ReportDocument
from metabonk_tui.core.config.schema import ComponentConfig, Config, TestConfig, WebhookConfig

DOCUMENTS: Mapping[str, type[JsonDocument]] = {
    "check": ReportDocument,
    "report": ReportDocument,
    "alerts": documents.AlertsDocument,
    "alerts-test": documents.AlertTestDocument,
    "hook": documents.HookDocument,
    "runs": documents.RunsDocument,
    "compare": documents.CompareDocument,
    "fit": documents.FitDocument,
    "contract": documents.ContractDocument,
    "preflight": documents.PreflightDocument,
    "doctor": documents.DoctorDocument,
    "status": documents.StatusDocument,
}
"""The documents by the name of their schema: the verb that writes them."""
WHOLE_TABLES = (ComponentConfig, TestConfig, WebhookConfig)
"""Tables of a list or with a name of the user's: the packaged file supplies none of their keys."""
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(name: str, default_toml: str) -> dict[str, Any]:
    """Return the schema of a document, or of "config". `default_toml`: the packaged file, with the key's comments."""
    if name == "config":
        return _config_schema(default_toml)
    return {"$schema": DRAFT, "title": f"metabonk-tui {name}", **msgspec.json.schema(DOCUMENTS[name])}


def _config_schema(default_toml: str) -> dict[str, Any]:
    """Return the schema of the user's file: every key may be absent; comments and defaults are those of the manual."""
    schema = msgspec.json.schema(Config)
    whole = {struct.__name__ for struct in WHOLE_TABLES}
    for name, definition in schema["$defs"].items():
        if name not in whole:
            definition.pop("required", None)
    comments, defaults = _comments(default_toml), tomllib.loads(default_toml)
    for path, about in comments.items():
        *tables, key = path
        place, default = schema["$defs"]["Config"], defaults
        for table in tables:
            place = schema["$defs"].get(_name_of(place.get("properties", {}).get(table, {})), {})
            default = default.get(table, {})
        if key in place.get("properties", {}):
            place["properties"][key] = {**place["properties"][key], "description": about, "default": default[key]}
    return {"$schema": DRAFT, "title": "metabonk-tui configuration", **schema}


def _name_of(reference: Mapping[str, Any]) -> str:
    return str(reference.get("$ref", "")).rpartition("/")[2]


def _comments(default_toml: str) -> dict[tuple[str, ...], str]:
    """Return the comment behind each key of a plain table, by its path."""
    table: tuple[str, ...] = ()
    found: dict[tuple[str, ...], str] = {}
    for line in default_toml.splitlines():
        if head := re.match(r"\[([\w.]+)\]", line):
            table = tuple(head[1].split("."))
        elif line.startswith("[["):
            break
        elif entry := re.match(r"(\w+) = .*?\s# (.+)", line):
            found[(*table, entry[1])] = entry[2]
    return found
