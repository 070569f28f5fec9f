"""Every JSON document has exactly the keys of its type, from which its schema is generated."""

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from metabonk_tui.adapters.state.config_files import load_config
from metabonk_tui.adapters.state.package_data import default_config_text
from metabonk_tui.adapters.store.run_reader import Summary
from metabonk_tui.cli import main as cli
from metabonk_tui.cli.report.contract_text import contract_json
from metabonk_tui.cli.schemas.generate import DOCUMENTS, json_schema
from metabonk_tui.cli.verbs import compare as compare_verb
from metabonk_tui.cli.verbs import doctor, fit, preflight, runs, schema
from metabonk_tui.core.alerts.payload import alert_document, make_example
from metabonk_tui.core.export.status_summary import summarize
from metabonk_tui.core.launch.checklist import ChecklistItem
from metabonk_tui.core.launch.preflight import PreflightView, TestResult
from metabonk_tui.core.model.contract import ContractView, NameView
from metabonk_tui.core.model.refs import WorkerRef
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.compare import compare
from metabonk_tui.core.report.json_report import report
from metabonk_tui.core.report.timeline import timelines
from tests.support import rare_snapshots, several_hosts, snapshots

SNAPSHOTS = {
    make.__name__: make
    for make in (
        snapshots.healthy,
        snapshots.stop,
        snapshots.mixed,
        snapshots.waiting,
        snapshots.validating,
        snapshots.leak,
        snapshots.no_memory,
        snapshots.alarmed,
        snapshots.hostile,
        rare_snapshots.killed,
        rare_snapshots.thrashing,
        rare_snapshots.over,
        rare_snapshots.died,
        several_hosts.one_lost,
        several_hosts.some_wait,
    )
}


def assert_of_type(name: str, document: Any) -> None:
    """Check that a document has the type of its schema: no key more, none fewer, no other value."""
    written = json.loads(json.dumps(document))
    typed = msgspec.convert(written, DOCUMENTS[name], strict=True)
    assert msgspec.to_builtins(typed) == written
    assert written["schema"] >= 1


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_what_is_written_of_a_snapshot_has_its_type(name: str) -> None:
    last: Snapshot = SNAPSHOTS[name]()
    assert_of_type("report", report(last))
    alerts = [alert_document(alert, last.t) for alert in last.alerts]
    assert_of_type("alerts", {"schema": 1, "run": {"name": "x", "started_at": 1.0}, "alerts": alerts})
    summary = summarize(last, speed=1.0, pool=("h", 5000), written_at=1.0, pid=2)
    assert_of_type("status", {**summary, "stale": False, "age_s": 1.0, "pools": 1})


def test_the_other_documents_have_their_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METABONK_TUI_STATE_DIR", str(tmp_path))
    config = load_config(environ={"METABONK_TUI_CONFIG": ""}).config
    assert_of_type("hook", make_example(1.0, config))
    stored = Summary("a", "a", 1.0, 2.0, "STOP", 3, "live", 10, "p", 5)
    assert_of_type("runs", runs.document([stored]))
    assert_of_type("runs", runs.document([]))
    view = PreflightView(
        workers=1,
        items=(ChecklistItem("a", "A", "PASS", ("seen",)),),
        tests=(TestResult("t", ("sh",), "passed", 1.0, 2.0),),
    )
    assert_of_type("preflight", preflight._tree(view, 0))
    assert_of_type("fit", fit.tree(fit.take_reading(config, 1.0), 3))
    assert_of_type("fit", fit.tree(fit.FitReading(None, (), None, "no memory"), 3))
    assert_of_type("doctor", doctor._document([], 0))
    lines = [timelines([make()])[-1] for make in (snapshots.stop, snapshots.healthy)]
    assert_of_type("compare", compare_verb.public(compare(*lines)))
    seen = NameView("step", ("step rate",), True, "seen", (WorkerRef(slot=0),))
    missed = NameView("x", (), True, "never seen", (), nearest="y")
    assert_of_type("contract", contract_json(ContractView((WorkerRef(slot=0),), (seen, missed), ("y",))))


def test_a_key_that_the_type_lacks_is_found() -> None:
    document = runs.document([])
    with pytest.raises(AssertionError):
        assert_of_type("runs", {**document, "more": 1})
    with pytest.raises(msgspec.ValidationError):
        assert_of_type("runs", {"runs": []})


def test_every_schema_is_printed_and_resolves(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(schema.NAMES) == {"config", *DOCUMENTS}
    assert cli.guarded(["schema"]) == 0
    assert capsys.readouterr().out.split() == list(schema.NAMES)
    for name in schema.NAMES:
        assert cli.guarded(["schema", name]) == 0
        printed = json.loads(capsys.readouterr().out)
        text = json.dumps(printed)
        assert printed["$schema"].startswith("https://json-schema.org/")
        for name_of_type in {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}:
            assert name_of_type in printed["$defs"]


def test_the_schema_of_the_configuration_permits_any_part_of_it_and_explains_the_keys() -> None:
    text = default_config_text()
    found = json_schema("config", text)
    definitions = found["$defs"]
    assert "required" not in definitions["PoolConfig"]
    assert "label" in definitions["ComponentConfig"]["required"], "no default supplies a key of a list's table"
    assert definitions["PoolConfig"]["additionalProperties"] is False
    base_port = definitions["PoolConfig"]["properties"]["base_port"]
    assert (base_port["default"], base_port["maximum"]) == (5000, 65535)
    assert "GET /status" in base_port["description"]
    assert definitions["LauncherConfig"]["properties"]["directory"]["default"] == "."
    assert set(definitions["Config"]["properties"]) == set(tomllib.loads(text))
