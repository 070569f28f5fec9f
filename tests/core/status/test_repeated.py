"""A worker's statuses are decoded one after another as each alone would be, whatever parts they have in common."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from metabonk_tui.core.status import repeated
from metabonk_tui.core.status.decode import decode_status
from metabonk_tui.core.status.repeated import MOST_WAIT, PLACE, StatusDecoder
from tests.core.status.test_strict_json import PATIENT, documents

SETTINGS = {f"setting_{number}": f"value {number}" if number % 2 else number / 8 for number in range(40)}


def document(**fields: Any) -> bytes:
    return json.dumps({"step": 1.0, "hparams": SETTINGS} | fields).encode()


def decoded(*bodies: bytes) -> StatusDecoder:
    """Decode documents in turn and compare each with what it is alone; return the decoder."""
    decoder = StatusDecoder()
    for body in bodies:
        assert repr(decoder.decode(body)) == repr(decode_status(body))
    return decoder


def fields_of(decoder: StatusDecoder, body: bytes) -> Any:
    status = decoder.decode(body)
    assert isinstance(status, repeated.WorkerStatus)
    return status.fields


RAW = json.dumps(SETTINGS)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(document(step=2.0), id="only the step changed"),
        pytest.param(document(hparams=SETTINGS | {"setting_1": "new"}), id="the part changed"),
        pytest.param(document(hparams=SETTINGS | {"setting_0": 0}), id="a float of the part became an integer"),
        pytest.param(document(hparams=PLACE), id="the number that stands for a part"),
        pytest.param(document(hparams={"settings": SETTINGS}), id="the part lies deeper"),
        pytest.param(document(hparams={}, settings=SETTINGS), id="the part has another name"),
        pytest.param(document(hparams=PLACE, settings=SETTINGS), id="another name, and its number under the old one"),
        pytest.param(document(more=SETTINGS), id="the part comes twice"),
        pytest.param(f'{{"hparams":-{RAW}}}'.encode(), id="a sign before the part"),
        pytest.param(f'{{"hparams":1{RAW}}}'.encode(), id="a digit before the part"),
        pytest.param(f'{{"hparams":{RAW}0}}'.encode(), id="a digit after the part"),
        pytest.param(f'{{"hparams":{RAW}.0}}'.encode(), id="a fraction after the part"),
        pytest.param(f'{{"a\\"hparams":{RAW},"step":1}}'.encode(), id="a name that ends like the part's"),
        pytest.param(f'{{"hparams":{RAW},"hparams":{RAW}}}'.encode(), id="a repeated name"),
        pytest.param(f'{{"hparams":{RAW},"step":1,"step":2}}'.encode(), id="another repeated name"),
        pytest.param(json.dumps({"step": 1, "text": RAW, "hparams": {}}).encode(), id="the part as text"),
        pytest.param(f'[{{"hparams":{RAW}}}]'.encode(), id="a list"),
        pytest.param(RAW.encode(), id="the part alone"),
        pytest.param(document()[:-1], id="cut off"),
        pytest.param(b"\xef\xbb\xbf" + document(), id="with a byte order mark"),
        pytest.param(document(note="\udcff").replace(b"\\udcff", b"\xff"), id="not UTF-8"),
        pytest.param(document(api_key="hunter2"), id="a secret beside the part"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_document_means_the_same_after_another(body: bytes) -> None:
    decoded(document(), document(step=3.0), body, document(), body)


def test_a_part_that_has_not_changed_is_one_object() -> None:
    decoder, other = decoded(document()), decoded(document())
    first = fields_of(decoder, document(step=2.0))["hparams"]
    assert fields_of(decoder, document(step=3.0))["hparams"] is first
    assert fields_of(other, document(step=4.0))["hparams"] is first, "another worker of the pool has the same settings"


def test_a_part_with_a_secret_is_not_kept() -> None:
    body = document(hparams=SETTINGS | {"api_key": "sk-1234567890abcdefgh"})
    decoder = decoded(body, body)
    assert decoder._parts == []
    assert not any(b"sk-1234567890abcdefgh" in raw for raw in repeated._shared)


def test_a_part_that_changed_is_kept_again_after_some_polls() -> None:
    decoder = decoded(document())
    changed = [document(hparams=SETTINGS | {"setting_1": "new"}, step=float(step)) for step in range(MOST_WAIT)]
    decoded_all = [fields_of(decoder, body)["hparams"] for body in changed]
    assert decoded_all[-1] is decoded_all[-2]


def test_the_memory_of_shared_parts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated, "_MOST_SHARED", 10)
    for number in range(30):
        decoded(document(hparams=SETTINGS | {"number": number}))
    assert len(repeated._shared) <= 10


@PATIENT
@given(st.lists(st.dictionaries(st.sampled_from("abcdé"), documents(2), max_size=4), max_size=6))
@example([{"a": '{"b": 1}'}, {"a": '{"b": 1}', "b": '{"b": 1}'}, {"a": '{"b": 1.0}'}])
@example([{"a": "[1, 2]", "b": "[1, 2]"}, {"b": "[1, 2]", "a": "[1, 2]"}, {"a": "[[1, 2]]"}])
def test_any_documents_in_turn_mean_what_each_means_alone(trees: list[dict[str, str]]) -> None:
    least, repeated.LEAST_BYTES = repeated.LEAST_BYTES, 2
    try:
        bodies = [
            ("{" + ",".join(f"{json.dumps(name)}: {text}" for name, text in tree.items()) + "}").encode(
                errors="surrogatepass"
            )
            for tree in trees
        ]
        decoded(*(body for body in bodies for _ in range(3)))
    finally:
        repeated.LEAST_BYTES = least
