"""Checks whom the monitor talks to: workers, orchestrator, Ollama, launcher, hook, webhooks.

Does not: start or stop anything. The hook and the webhooks get an alert only with `--test-alert`.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator, Mapping

from metabonk_tui.adapters.host.local import is_this_machine
from metabonk_tui.adapters.host.names import why_unresolved
from metabonk_tui.adapters.http.client import StatusClient
from metabonk_tui.adapters.pools.launch_spec import LaunchSpec
from metabonk_tui.adapters.process.environ import Environments
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.state.config_files import state_dir
from metabonk_tui.cli.doctor.finding import Finding
from metabonk_tui.core.config.consistency import url_problem
from metabonk_tui.core.config.schema import Config
from metabonk_tui.core.model.host import ProcessReading
from metabonk_tui.core.model.sample import BadStatus
from metabonk_tui.core.text.phrases import count_of, cut_list

MOST_ASKED = 64
"""Workers that are asked; more of them say nothing new."""
MAX_BODY_BYTES = 1 << 20
NO_ALERT = "you learn of an alert only while you look at a monitor"


def pool_findings(config: Config, *, tests_hook: bool) -> Iterator[Finding]:
    """Ask everything once, at the same time; blocks for the configured timeout, and 3 s for a host name."""
    if config.pool.backend == "slurm":
        from metabonk_tui.cli.doctor.slurm import slurm_findings

        yield from slurm_findings(config)
        yield from _alerts(config, tests_hook)
        return
    if config.pool.backend == "ray":
        from metabonk_tui.cli.doctor.ray import ray_findings

        yield from ray_findings(config)
        yield from _alerts(config, tests_hook)
        return
    if config.host:
        # Imported late: few pools have several hosts.
        from metabonk_tui.cli.doctor.hosts import host_findings

        yield from host_findings(config, state_dir())
        yield from _alerts(config, tests_hook)
        return
    pool = config.pool
    problem = why_unresolved(pool.host)
    if problem:
        yield Finding("pool", "host", "WRONG", problem, "no worker is seen", "set pool.host, or --host")
        return
    ports = [pool.base_port + slot for slot in range(min(pool.workers, MOST_ASKED))]
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    urls = {port: f"http://{host}:{port}/status" for port in ports}
    orchestrator = pool.orchestrator.rstrip("/") + "/workers" if _can_ask(pool.orchestrator) else ""
    ollama = config.preflight.ollama.rstrip("/") + "/api/tags" if _can_ask(config.preflight.ollama) else ""
    asked = [*urls.values(), *filter(None, (orchestrator, ollama))]
    answers = asyncio.run(_ask_all(config.observe.timeout_s, asked))
    yield workers_finding(config, {port: answers[url] for port, url in urls.items()})
    yield _service(
        "orchestrator",
        pool.orchestrator,
        answers.get(orchestrator, ""),
        "episodes are unknown, and pids come from the process table alone",
        "it starts with the pool; pool.orchestrator names another address",
    )
    yield _service(
        "Ollama",
        config.preflight.ollama,
        answers.get(ollama, ""),
        "System2 never engages",
        'start it: ollama serve; preflight.ollama = "" if it is not needed',
    )
    if is_this_machine(pool.host):
        processes = ProcessTable(config).read(fresh=True)
        yield environment_finding(config, processes)
        yield _launcher(config)
    yield from _alerts(config, tests_hook)


def _alerts(config: Config, tests_hook: bool) -> Iterator[Finding]:
    if config.alerts.hook.command or not config.alerts.webhook:
        yield _hook(config, tests_hook)
    for name in config.alerts.webhook:
        yield webhook_finding(config, name, tests_hook)


def _can_ask(url: str) -> bool:
    return bool(url) and not url_problem(url)


async def _ask_all(timeout_s: float, urls: list[str]) -> Mapping[str, str]:
    """Return for each URL what is wrong with its answer; "" for an answer."""
    async with StatusClient(timeout_s, MAX_BODY_BYTES) as client:
        found = await asyncio.gather(*(client.fetch(url) for url in urls))
    return {
        url: f"{body.error} {body.detail}".strip() if isinstance(body, BadStatus) else ""
        for url, (body, _) in zip(urls, found, strict=True)
    }


def workers_finding(config: Config, answers: Mapping[int, str]) -> Finding:
    """Judge the workers' answers by port; "" for an answer."""
    silent = {port: why for port, why in answers.items() if why}
    where = f"{config.pool.host}:{config.pool.base_port}"
    if not silent:
        return Finding("pool", "workers", "PASS", f"{count_of(len(answers), 'worker')} from {where} answer")
    problems = [f"{port} {why}" for port, why in silent.items()]
    if len(silent) == len(answers):
        return Finding(
            "pool",
            "workers",
            "MISSING",
            f"none answers: {cut_list(problems, 4)}",
            "there is nothing to watch",
            "launch the pool; --base-port or --host if it is elsewhere; metabonk-tui demo shows one",
        )
    return Finding(
        "pool",
        "workers",
        "MISSING",
        f"{len(answers) - len(silent)} of {len(answers)} answer; {cut_list(problems, 4)}",
        "nothing is known of the others",
        "metabonk-tui check says why",
    )


def _service(title: str, url: str, problem: str, costs: str, remedy: str) -> Finding:
    if not url:
        return Finding("pool", title, "PASS", "switched off in the configuration")
    if wrong := url_problem(url):
        return Finding("pool", title, "WRONG", wrong, costs, "metabonk-tui config check")
    if problem:
        return Finding("pool", title, "MISSING", f"{url}: {problem}", costs, remedy)
    return Finding("pool", title, "PASS", f"{url} answers")


def environment_finding(config: Config, processes: tuple[ProcessReading, ...]) -> Finding:
    """Judge whether the environment of the workers can be read, on the workers that run."""
    title, costs = "environment", "whether a worker has its flags is not known: no early STOP, no EnvMismatch"
    workers = [process for process in processes if process.role == "worker" and process.pid and process.started_at]
    read = [Environments(config).read(worker.pid or 0, worker.started_at or 0.0) for worker in workers]
    closed = [reading.error for reading in read if reading.values is None and reading.error != "gone"]
    if closed:
        return Finding(
            "pool",
            title,
            "MISSING",
            f"{len(closed)} of {len(read)}: {closed[0]}",
            costs,
            "run the monitor as the user of the workers",
        )
    if read:
        return Finding("pool", title, "PASS", f"that of {count_of(len(read), 'worker process')} is read")
    if not os.path.isdir("/proc/1"):
        return Finding("pool", title, "MISSING", "/proc hides others' processes (hidepid)", costs)
    return Finding("pool", title, "MISSING", "not tried: no worker process runs here", costs)


def _launcher(config: Config) -> Finding:
    if not config.pool.can_launch:
        return Finding("pool", "launcher", "PASS", 'switched off: pool.backend = "none"')
    if problem := LaunchSpec(config, state_dir()).cannot_launch():
        return Finding(
            "pool",
            "launcher",
            "MISSING",
            problem,
            "launch and resize are refused; watching works",
            "metabonk-tui setup finds it; by hand: set pool.launcher.directory",
        )
    return Finding(
        "pool", "launcher", "PASS", "the launch command is there; metabonk-tui preflight checks what it needs"
    )


def _hook(config: Config, tests_hook: bool) -> Finding:
    title, costs = "alert hook", NO_ALERT
    if not config.alerts.hook.command:
        remedy = "set alerts.hook.command or a webhook: docs/alerts.md"
        return Finding("pool", title, "MISSING", "no command and no webhook", costs, remedy)
    if not tests_hook:
        return Finding("pool", title, "PASS", "configured; metabonk-tui doctor --test-alert calls it once")
    from metabonk_tui.adapters.alerts.command_hook import call_hook
    from metabonk_tui.core.alerts.payload import make_example

    done = call_hook(config.alerts.hook, make_example(time.time(), config), threading.Event())
    if done.ok:
        return Finding("pool", title, "PASS", f"{done.how} after {done.seconds:.2f} s")
    output = "; ".join(done.tail[-2:])
    return Finding(
        "pool", title, "WRONG", f"{done.how}: {output}".removesuffix(": "), costs, "metabonk-tui alerts test"
    )


def webhook_finding(config: Config, name: str, tests_it: bool) -> Finding:
    """Judge a webhook by its URL, and with `tests_it` by its answer to a test alert."""
    from metabonk_tui.adapters.alerts.webhook import post_alert, why_unusable
    from metabonk_tui.core.alerts.payload import make_example

    webhook, title = config.alerts.webhook[name], f"webhook {name}"
    if problem := why_unusable(webhook):
        return Finding("pool", title, "WRONG", problem, NO_ALERT, "metabonk-tui config check")
    if not tests_it:
        found = f"{webhook.kind}, configured; metabonk-tui doctor --test-alert posts to it once"
        return Finding("pool", title, "PASS", found)
    done = post_alert(webhook, make_example(time.time(), config), threading.Event(), repeats=False)
    how = f"{webhook.kind}, {done.how} after {done.seconds:.2f} s"
    if done.ok:
        return Finding("pool", title, "PASS", how)
    found = "; ".join((how, *done.tail[:2]))
    return Finding("pool", title, "WRONG", found, NO_ALERT, "metabonk-tui alerts test")
