"""Holds what setup was answered, and turns it into the keys of a configuration. Does not: ask."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from metabonk_tui.cli.setup.backend import ClusterAnswer
from metabonk_tui.core.config.schema import Config, WebhookKind
from metabonk_tui.core.config.template import ChosenValue


class WebhookAnswer(Struct, frozen=True):
    """One URL that receives alerts. It is a secret."""

    kind: WebhookKind
    url: str

    @property
    def name(self) -> str:
        """Its name in the configuration, which stands for the URL everywhere."""
        return "server" if self.kind == "json" else self.kind


class SetupAnswers(Struct, frozen=True):
    """What the configuration is made of."""

    base_port: int
    workers: int
    directory: str = ""
    """The MetaBonk checkout; "": the monitor only watches."""
    env_file: str = ""
    environment: Mapping[str, str] = {}
    """Required variables that the env file lacks."""
    python: str = ""
    """The Python that runs the launcher; "": the one of the packaged launch command."""
    cluster: ClusterAnswer | None = None
    """The cluster that runs the workers; None: the launcher does, or nothing."""
    orchestrator_port: int | None = None
    hook: tuple[str, ...] = ()
    webhook: WebhookAnswer | None = None


def _of_cluster(cluster: ClusterAnswer, python: str, config: Config) -> dict[str, ChosenValue]:
    """Return the keys of a pool on a cluster. The services of MetaBonk are then started elsewhere, if at all."""
    values: dict[str, ChosenValue] = {"pool.backend": cluster.backend, "pool.orchestrator": ""}
    command = config.pool.slurm.command if cluster.backend == "slurm" else config.pool.ray.command
    if python and python != command[0]:
        values[f"pool.{cluster.backend}.command"] = [python, *command[1:]]
    if cluster.backend == "slurm":
        return values | {"pool.slurm.folder": cluster.folder}
    values |= {"pool.ray.address": cluster.address, "pool.ray.python": cluster.python}
    return values | ({"pool.ray.token_file": cluster.token_file} if cluster.token_file else {})


def chosen_values(answers: SetupAnswers, config: Config) -> dict[str, ChosenValue]:
    """Return the keys that the file sets; `config`: the packaged defaults."""
    values: dict[str, ChosenValue] = {"pool.base_port": answers.base_port, "pool.workers": answers.workers}
    orchestrator = urlsplit(config.pool.orchestrator)
    if answers.orchestrator_port not in (None, orchestrator.port):
        values["pool.orchestrator"] = f"{orchestrator.scheme}://{orchestrator.hostname}:{answers.orchestrator_port}"
    if not answers.directory:
        values["pool.backend"] = "none"
    else:
        values["pool.launcher.directory"] = answers.directory
        launcher = config.pool.launcher
        if answers.cluster is not None:
            values |= _of_cluster(answers.cluster, answers.python, config)
        elif answers.python and answers.python != launcher.launch[0]:
            values["pool.launcher.launch"] = [answers.python, *launcher.launch[1:]]
            values["pool.launcher.stop"] = [answers.python, *launcher.stop[1:]]
        if answers.env_file:
            values["pool.launcher.env_file"] = answers.env_file
        if answers.environment:
            values["pool.launcher.environment"] = dict(answers.environment)
    if answers.hook:
        values["alerts.hook.command"] = list(answers.hook)
    if answers.webhook is not None:
        values[f"alerts.webhook.{answers.webhook.name}"] = {"kind": answers.webhook.kind, "url": answers.webhook.url}
    return values
