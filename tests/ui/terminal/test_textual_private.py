"""The private names of Textual that the monitor uses exist in the installed Textual, and it uses no others."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache

import pytest

from metabonk_tui.ui import app
from metabonk_tui.ui.terminal import canvas, driver, textual_private
from metabonk_tui.ui.terminal.textual_private import PRIVATE_NAMES
from tests.support.paths import ROOT

DECLARED = [(owner, name) for owner, names in PRIVATE_NAMES.items() for name in sorted(names)]
OURS = (app.MonitorApp, app.CanvasScreen, canvas.Canvas, driver.Driver)


def private_attributes(source: str, of: str = "") -> set[str]:
    """Names with one underscore that are read or set on an object, only on `of` where it is given."""
    return {
        node.attr
        for node in ast.walk(ast.parse(textwrap.dedent(source)))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and (not of or (isinstance(node.value, ast.Name) and node.value.id == of))
    }


@cache
def names_set_on_self(base: type) -> set[str]:
    return private_attributes(inspect.getsource(base), "self")


@cache
def names_of_textual(ours: type) -> set[str]:
    """Every private name that the base classes from Textual define or set on themselves."""
    bases = [base for base in ours.__mro__ if base.__module__.startswith("textual.")]
    assert bases
    defined = {name for base in bases for name in vars(base) if name.startswith("_") and not name.startswith("__")}
    return defined.union(*map(names_set_on_self, bases))


@pytest.mark.parametrize(("owner", "name"), DECLARED, ids=lambda value: getattr(value, "__name__", value))
def test_textual_still_has_the_name(owner: type, name: str) -> None:
    assert name in names_of_textual(owner), f"Textual removed {owner.__name__}.{name}: see docs/decisions/0008"


@pytest.mark.parametrize("ours", OURS, ids=lambda ours: ours.__name__)
def test_no_class_of_the_monitor_shares_another_private_name_with_textual(ours: type) -> None:
    source = textwrap.dedent(inspect.getsource(ours))
    methods = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    shared = {
        name
        for name in (private_attributes(source, "self") | methods) & names_of_textual(ours)
        if not name.startswith("__")
    }
    allowed = frozenset().union(*(names for owner, names in PRIVATE_NAMES.items() if issubclass(ours, owner)))
    assert shared <= allowed & {"_fatal_error"}, "use Textual's private names in ui/terminal/textual_private.py only"


def test_the_declaration_lists_what_is_used() -> None:
    used = private_attributes(inspect.getsource(textual_private))
    assert used | {"_fatal_error"} == {name for _, name in DECLARED}


def test_no_other_module_of_ui_reaches_into_an_object_of_textual() -> None:
    declared = {name for _, name in DECLARED}
    for path in sorted((ROOT / "metabonk_tui").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "textual" in source and path.name != "textual_private.py":
            assert not private_attributes(source) & declared, path


def test_a_name_that_textual_does_not_have_is_found() -> None:
    assert "_no_such_name" not in names_of_textual(app.MonitorApp)
    assert {"_driver", "_return_code"} <= names_of_textual(app.MonitorApp)


def test_textual_writes_only_through_the_method_that_the_driver_replaces() -> None:
    source = inspect.getsource(driver.LinuxDriver)
    assert "WriterThread(self._file)" in source, "Textual writes elsewhere: see docs/decisions/0008"
    assert source.count("self._writer_thread.write(") == 1, "Textual writes past `Driver.write`"
