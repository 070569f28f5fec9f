"""The dashboard and the rules use metrics and labels that exist, all metrics are shown, and promtool accepts them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metabonk_tui.adapters.state.package_data import monitoring_text
from metabonk_tui.cli import main as cli
from metabonk_tui.core.export.prometheus import descriptions
from metabonk_tui.core.model.snapshot import VerdictKind

RULES = monitoring_text("prometheus-rules.yml")
DASHBOARD: dict[str, Any] = json.loads(monitoring_text("grafana-dashboard.json"))
LABELS = {family.name: {*family.labels, "instance", "job"} for family in descriptions()}
TARGETS = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]
RULE_EXPRESSIONS = re.findall(r"^\s+expr: (.+)$", RULES, re.MULTILINE)
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric of an expression with the labels by which it is selected."""
    for name, braces in re.findall(r"\b(metabonk_\w+)(?:\{([^}]*)\})?", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", braces))


def variable_queries() -> list[str]:
    return [variable["definition"] for variable in DASHBOARD["templating"]["list"] if "definition" in variable]


def expressions() -> list[str]:
    annotations = [entry["expr"] for entry in DASHBOARD["annotations"]["list"]]
    return [*RULE_EXPRESSIONS, *(target["expr"] for _, target in TARGETS), *annotations, *variable_queries()]


def test_every_metric_and_label_that_is_used_exists() -> None:
    assert len(RULE_EXPRESSIONS) == RULES.count("- alert:")
    used = [pair for expression in expressions() for pair in selectors(expression)]
    assert used
    assert {name for name, _ in used} - LABELS.keys() == set()
    assert [(name, labels - LABELS[name]) for name, labels in used if labels - LABELS[name]] == []


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_legend_names_labels_of_its_metric(title: str, target: dict[str, Any]) -> None:
    (name, _), *_ = selectors(target["expr"])
    assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= LABELS[name]


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for _, target in TARGETS for name, _ in selectors(target["expr"])}
    assert set(LABELS) - shown == set()


def test_the_words_that_are_coloured_are_those_of_the_verdict() -> None:
    panel = next(panel for panel in DASHBOARD["panels"] if panel["title"] == "Verdict")
    words = [override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]]
    assert words == [kind.value for kind in VerdictKind]


def test_panels_have_an_id_each_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23
    queries = " ".join(expressions())
    for variable in DASHBOARD["templating"]["list"]:
        assert variable["name"] == "datasource" or f"${variable['name']}" in queries


@needs_promtool
def test_promtool_accepts_the_rules_and_they_fire_as_they_should() -> None:
    path = Path(__file__).with_name("prometheus-rules-test.yml")
    done = subprocess.run(
        ["promtool", "test", "rules", path.name], cwd=path.parent, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_accepts_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    """Promtool checks rules only, so each expression becomes one."""
    lines = ["groups:", "  - name: dashboard", "    rules:"]
    for number, (_, target) in enumerate(TARGETS):
        lines += [f"      - record: panel:{number}", f"        expr: {json.dumps(target['expr'])}"]
    path = tmp_path / "dashboard.yml"
    path.write_text("\n".join(lines).replace("$instance", "x").replace("$component", "x"))
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_verb_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.guarded(["metrics", "rules"]) == 0
    assert capsys.readouterr().out == RULES
    assert cli.guarded(["metrics", "dashboard"]) == 0
    assert json.loads(capsys.readouterr().out) == DASHBOARD
    assert cli.guarded(["metrics"]) == 0
    printed = capsys.readouterr().out
    assert [line.split("{")[0].split(" ")[0] for line in printed.splitlines() if not line.startswith(" ")] == [*LABELS]
