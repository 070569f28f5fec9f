"""The model that System2 asks for, against what Ollama serves: a name is compared as Ollama resolves it."""

from __future__ import annotations

from typing import Any

import pytest

from metabonk_tui.core.launch.ollama_models import ENABLED, MODEL, OTHER_MODEL, model_item, served_models

URL = "http://127.0.0.1:11434"
SERVED = frozenset({"llava:7b", "qwen2.5vl:latest"})
ON = {ENABLED: "true"}


@pytest.mark.parametrize(
    ("environment", "sets", "served", "standing", "part"),
    [
        (ON | {MODEL: "llava:7b"}, {}, SERVED, "PASS", f"{URL} serves llava:7b ({MODEL})"),
        (ON | {MODEL: "LLaVA:7b"}, {}, SERVED, "PASS", ""),
        (ON | {MODEL: "library/qwen2.5vl"}, {}, SERVED, "PASS", ""),
        (ON, {}, SERVED, "PASS", "llava:7b (the default)"),
        (ON | {OTHER_MODEL: "moon"}, {}, SERVED, "FAIL", f"does not serve moon ({OTHER_MODEL})"),
        (ON | {MODEL: "llava"}, {}, SERVED, "FAIL", "does not serve llava"),
        (ON | {MODEL: "llava:7b\r"}, {}, SERVED, "FAIL", r"llava:7b\r"),
        (ON | {MODEL: ""}, {}, SERVED, "FAIL", 'serve ""'),
        (ON, {}, frozenset(), "FAIL", "it serves none"),
        (ON, {}, "refused", "UNKNOWN", "gave no list of models: refused"),
        (ON, {}, None, "UNKNOWN", "it was not asked"),
        (ON | {MODEL: "llava:7b"}, {MODEL: None}, SERVED, "UNKNOWN", "to what is not known"),
        (ON | {MODEL: "llava:7b"}, {MODEL: "big"}, SERVED, "FAIL", "as the launcher sets it"),
        ({ENABLED: "0"}, {}, SERVED, "SKIPPED", f"{ENABLED} is 0"),
        ({}, {}, SERVED, "SKIPPED", ENABLED),
        ({}, {ENABLED: "1"}, SERVED, "PASS", ""),
        ({ENABLED: "0"}, {ENABLED: None}, SERVED, "PASS", ""),
        (None, {}, SERVED, "UNKNOWN", "cannot be sourced"),
    ],
)
def test_the_model_is_judged(environment: Any, sets: Any, served: Any, standing: str, part: str) -> None:
    item = model_item(URL, environment, sets, served)
    assert item.standing == standing, item
    assert part in item.evidence[0]


@pytest.mark.parametrize(
    ("answer", "models"),
    [
        ({"models": [{"name": "llava:7b", "model": "llava:7b", "digest": "8dd30f6b0cb1"}]}, {"llava:7b"}),
        ({"models": [{"name": "a"}, {"model": "b"}, {"name": 3}, "c", None]}, {"a", "b"}),
        ({"models": []}, set()),
        ({"models": None}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_list_of_models_is_read(answer: Any, models: set[str] | None) -> None:
    assert served_models(answer) == models
