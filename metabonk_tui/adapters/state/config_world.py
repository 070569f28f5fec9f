"""Checks what a configuration names outside itself: folders, files, programs, hosts, themes.

Does not: run a command, or connect to anything; it asks the name server.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from metabonk_tui.adapters.files.kind import is_dir, is_file, why_no_file
from metabonk_tui.adapters.host.names import why_unresolved
from metabonk_tui.adapters.state.config_files import user_themes_dir
from metabonk_tui.adapters.state.package_data import themes_dir
from metabonk_tui.core.config.consistency import is_host, url_problem
from metabonk_tui.core.config.mistakes import Mistake, found
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.config.webhooks import webhook_problem
from metabonk_tui.core.text.similar import most_similar

MOST_LISTED = 8
"""Env files that are listed beside one that does not exist."""


def outside_mistakes(config: Config, is_set: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield what does not exist, of the keys in the tree `is_set`: the user's own, not the packaged defaults.

    Blocks up to 3 s for each host.
    """
    listed = (*_launcher(config), *_programs(config), *_webhooks(config), *_hosts(config), *_theme(config))
    for mistake in listed:
        if has_key(is_set, mistake.path):
            yield mistake


def has_key(tree: Mapping[str, Any], path: str) -> bool:
    """Return whether a tree sets a dotted key; an index and what follows it do not count."""
    at: Any = tree
    for part in path.partition("[")[0].split("."):
        if not isinstance(at, Mapping) or part not in at:
            return False
        at = at[part]
    return True


def _launcher(config: Config) -> Iterator[Mistake]:
    launcher, prefix = config.pool.launcher, "pool.launcher"
    if not config.pool.has_launcher:
        return
    directory = Path(launcher.directory).expanduser().absolute()
    if not is_dir(directory):
        yield Mistake(f"{prefix}.directory", f"{directory} {_absent(directory, 'folder')}")
        return
    scripts = [argument for argument in launcher.launch[1:2] if argument.endswith((".py", ".sh"))]
    for script in scripts:
        if not is_file(directory / script):
            yield Mistake(f"{prefix}.directory", f"{script} is not in {directory}: name your MetaBonk checkout")
    if launcher.launch and (problem := _no_program(launcher.launch[0], directory)):
        yield Mistake(f"{prefix}.launch", problem)
    if launcher.env_file:
        path = directory / Path(launcher.env_file).expanduser()
        if not is_file(path):
            there = sorted(file.name for file in path.parent.glob("*.env"))[:MOST_LISTED]
            yield Mistake(
                f"{prefix}.env_file",
                f"{path} {_absent(path, 'file')}" + (f"; env files there: {', '.join(there)}" if there else ""),
            )
    if (
        launcher.log_file
        and not is_dir(folder := Path(launcher.log_file).expanduser().parent)
        and folder.is_absolute()
    ):
        yield Mistake(f"{prefix}.log_file", f"the folder {folder} {_absent(folder, 'folder')}")


def _absent(path: Path, what: str) -> str:
    why = why_no_file(path)
    return f"is not a {what}" if why in ("", "is no file") else why


def _programs(config: Config) -> Iterator[Mistake]:
    source = config.environment.source
    if source and not is_dir(Path(source).expanduser()):
        yield Mistake("environment.source", f"{source} {_absent(Path(source).expanduser(), 'folder')}")
    if config.alerts.hook.command and (problem := _no_program(config.alerts.hook.command[0], Path.cwd())):
        yield Mistake("alerts.hook.command", problem)
    directory = Path(config.pool.launcher.directory).expanduser()
    for index, test in enumerate(config.preflight.test):
        if problem := _no_program(test.command[0], directory):
            yield Mistake(f"preflight.test[{index}].command", problem)


def _webhooks(config: Config) -> Iterator[Mistake]:
    """Yield what is wrong with the webhooks; the URL, also its host, is a secret."""
    for name, webhook in config.alerts.webhook.items():
        path = f"alerts.webhook.{name}"
        url = webhook.url or os.environ.get(webhook.url_env, "").strip()
        problem = webhook_problem(webhook, url)
        if problem is not None:
            key, text = problem
            yield Mistake(f"{path}.{key}".rstrip("."), text)
        elif why_unresolved(urlsplit(url).hostname or ""):
            yield Mistake(f"{path}.{'url' if webhook.url else 'url_env'}", "the host of the URL cannot be resolved")


def _no_program(program: str, directory: Path) -> str:
    """Return why a command cannot be run in a directory; "" when it can."""
    shown = found("command", program)
    if "/" in program:
        path = directory / Path(program).expanduser()
        if not is_file(path):
            return f"{shown} {_absent(path, 'file')}"
        return "" if os.access(path, os.X_OK) else f"{shown} is not executable"
    return "" if shutil.which(program) else f"no program {shown} is found in PATH"


def _hosts(config: Config) -> Iterator[Mistake]:
    hosts = {"pool.host": config.pool.host}
    for key, url in (("pool.orchestrator", config.pool.orchestrator), ("preflight.ollama", config.preflight.ollama)):
        if url and not url_problem(url):
            hosts[key] = urlsplit(url).hostname or ""
    known: dict[str, str] = {}
    for key, host in hosts.items():
        if is_host(host):
            if host not in known:
                known[host] = why_unresolved(host)
            if known[host]:
                yield Mistake(key, known[host])


def _theme(config: Config) -> Iterator[Mistake]:
    names = [path.stem for folder in (themes_dir(), user_themes_dir()) for path in sorted(folder.glob("*.toml"))]
    theme = config.ui.theme
    if theme not in names:
        near = most_similar(theme, names)
        hint = f'did you mean "{near}"?' if near else f"themes: {', '.join(names)}"
        yield Mistake("ui.theme", f"no theme {found('theme', theme)}; {hint}")
