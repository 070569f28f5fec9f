"""Recordings of earlier versions hold secrets in clear: every reader gets them masked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from metabonk_tui.adapters.recordings.jsonl_reader import SampleReader
from metabonk_tui.adapters.recordings.unmasked import mask_texts, mask_tree, shown_lines
from metabonk_tui.adapters.store import codec
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.text.mask import MASK

SECRET = "hunter2-in-clear"
DOCUMENTS = [
    {
        "t": 1.0,
        "event": {"kind": "pool.launch", "text": f"--token {SECRET}", "commands": [["go", "--password", SECRET]]},
    },
    {
        "t": 1.0,
        "workers": {"0": {"status": {"wandb_api_key": SECRET, "note": f"Bearer {SECRET}", "step": 3}}},
        "env": {"0": {"METABONK_AUTH": SECRET, "METABONK_X": "1"}},
        "env_file": {"path": "/e", "values": {"METABONK_TOKEN": SECRET, "METABONK_Y": "on"}, "exported": []},
        "logs": {"0": [f'{{"token": "{SECRET}"}}', "-----BEGIN PRIVATE KEY-----", "A" * 64, "step 3"]},
        "processes": [{"role": "worker", "rss_bytes": 1, "name": f"python3 --password {SECRET}"}],
    },
]


def store(tmp_path: Path) -> list[Sample]:
    told, whole = DOCUMENTS
    return list(codec.samples([json.dumps({"told": [told], "whole": whole}).encode()], []))


def jsonl(tmp_path: Path) -> list[Sample]:
    reader = SampleReader("x", [])
    return list(reader.samples(enumerate(json.dumps(each).encode() for each in DOCUMENTS)))


@pytest.mark.parametrize("read", [store, jsonl])
def test_no_secret_of_an_old_recording_is_read_in_clear(read: object, tmp_path: Path) -> None:
    (sample,) = read(tmp_path)  # type: ignore[operator]
    assert SECRET not in repr(sample)
    assert "A" * 64 not in repr(sample)
    assert MASK in repr(sample)
    for kept in ("'METABONK_X': '1'", "'METABONK_Y': 'on'", "'step': 3", "step 3"):
        assert kept in repr(sample), kept


def test_what_is_masked_already_stays_the_same() -> None:
    once = shown_lines((f"token={SECRET}", "-----BEGIN PRIVATE KEY-----", "A" * 64, "-----END PRIVATE KEY-----", "x"))
    assert shown_lines(once) == once
    harmless = {"METABONK_X": "1", "step": 4}
    assert mask_texts(harmless) is harmless
    masked = mask_texts({"METABONK_AUTH": SECRET})
    assert mask_texts(masked) is masked
    assert mask_tree("a", [["--password", MASK]]) == [["--password", MASK]]
