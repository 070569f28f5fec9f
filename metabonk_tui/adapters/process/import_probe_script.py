"""Runs in the launcher's Python: finds modules that the workers import and that this Python does not have.

Reads source and executes none of it. Uses the standard library of Python 3.8 only, because another Python runs it.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence

MARK = "metabonk-imports"
MAX_MODULES = 600
MAX_FINDINGS = 20
LEVELS = ("needed", "kept", "optional")
"""Without a needed module the import fails; of a kept one the error is kept for later; an optional one is replaced."""


class Walk:
    """Follows the imports below the current directory, as far as they run when a module is imported."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.missing: dict[str, tuple[int, str, str]] = {}
        """Name: level, "missing" or "broken", and the line that imports it."""

    def follow(self, module: str, level: int, where: str) -> None:
        """Read a module of the checkout, its packages and what they import."""
        parts = module.split(".")
        for end in range(1, len(parts)):
            package = os.path.join(*parts[:end], "__init__.py")
            if os.path.isfile(package):
                self.read(package, ".".join(parts[:end]), True, level)
        path = os.path.join(*parts)
        package = os.path.join(path, "__init__.py")
        if os.path.isfile(package):
            self.read(package, module, True, level)
        elif os.path.isfile(path + ".py"):
            self.read(path + ".py", module, False, level)
        elif not os.path.isdir(path) and not _is_compiled(path):
            self.miss(module, level, "missing", where)

    def read(self, path: str, module: str, is_package: bool, level: int) -> None:
        if self.files.get(path, len(LEVELS)) <= level or len(self.files) >= MAX_MODULES:
            return
        self.files[path] = level
        try:
            with open(path, "rb") as file:
                tree = ast.parse(file.read(), path)
        except (SyntaxError, ValueError) as error:
            self.miss(module, level, "broken", f"{path}:{getattr(error, 'lineno', 0) or 0}")
            return
        except OSError:
            self.miss(module, level, "broken", path)
            return
        package = module if is_package else module.rpartition(".")[0]
        for node, of_node in _imports(tree.body, level):
            self.imported(node, package, of_node, f"{path}:{node.lineno}")

    def imported(self, node: ast.Import | ast.ImportFrom, package: str, level: int, where: str) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.name(alias.name, level, where)
            return
        base = node.module or ""
        if node.level:
            parts = package.split(".")
            base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
        if not base:
            return
        self.name(base, level, where)
        for alias in node.names:
            below = os.path.join(*base.split("."), alias.name)
            if os.path.isfile(below + ".py") or os.path.isfile(os.path.join(below, "__init__.py")):
                self.follow(f"{base}.{alias.name}", level, where)

    def name(self, name: str, level: int, where: str) -> None:
        top = name.split(".")[0]
        if os.path.isfile(top + ".py") or os.path.isfile(os.path.join(top, "__init__.py")):
            self.follow(name, level, where)
            return
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError, AttributeError):
            if top in sys.modules:
                return
            spec = None
        if os.path.isdir(top) and (spec is None or spec.origin is None):
            # A folder without __init__.py is a package only if no installed package has its name.
            self.follow(name, level, where)
        elif spec is None:
            self.miss(top, level, "missing", where)

    def miss(self, name: str, level: int, how: str, where: str) -> None:
        if name not in self.missing or level < self.missing[name][0]:
            self.missing[name] = (level, how, where)


def _is_compiled(path: str) -> bool:
    folder, name = os.path.split(path)
    names = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
    return any(each.startswith(name + ".") and each.endswith((".so", ".pyd", ".pyc")) for each in names)


def _imports(body: Sequence[ast.stmt], level: int) -> Iterator[tuple[ast.Import | ast.ImportFrom, int]]:
    """Yield the imports that run with the module; those in functions and under conditions may never run."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, level
        elif isinstance(node, ast.With):
            yield from _imports(node.body, level)
        elif isinstance(node, ast.Try):
            inner = max([level, *(_level_of(handler) for handler in node.handlers)])
            yield from _imports(node.body, inner)
            yield from _imports(node.orelse, inner)
            yield from _imports(node.finalbody, level)


def _level_of(handler: ast.ExceptHandler) -> int:
    """Return the level of an import under this `except`."""
    level = LEVELS.index("optional")
    for statement in handler.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Raise):
                return LEVELS.index("needed")
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == handler.name:
                level = LEVELS.index("kept")
    return level


def main(modules: Sequence[str]) -> None:
    """Print a line for each finding, the gravest first, and a last line for the whole."""
    walk = Walk()
    for module in modules:
        walk.follow(module, 0, module)
    found = sorted(walk.missing.items(), key=lambda item: item[1][0])
    for name, (level, how, where) in found[:MAX_FINDINGS]:
        print(MARK, LEVELS[level], how, name, where)
    whole = "whole" if len(walk.files) < MAX_MODULES else "cut"
    print(MARK, "end", whole, len(walk.files), ".".join(map(str, sys.version_info[:3])), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
