"""What `[pool.slurm]` may say, and what pool it names."""

from __future__ import annotations

import pytest

from metabonk_tui.core.config.load import ConfigError
from tests.support.children import config

GOOD = '[pool]\nbackend = "slurm"\n{more}\n[pool.slurm]\nfolder = "/srv/pool"\n'


def test_the_pool_is_named_after_its_jobs_and_is_no_machine() -> None:
    found = config(GOOD.format(more="") + 'job_name = "Mine"')
    assert found.pool.host == "slurm+mine"
    assert (found.is_spread, found.pool.can_launch, found.pool.has_launcher) == (True, True, False)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('folder = ""', "pool.slurm.folder"),
        ('folder = "relative"', "pool.slurm.folder"),
        ("command = []", "pool.slurm.command"),
        ('command = ["worker"]', "pool.slurm.command"),
        ('job_name = "a b"', "pool.slurm.job_name"),
        ('job_name = "-n"', "pool.slurm.job_name"),
        ('partition = "a b"', "pool.slurm.partition"),
        ('account = "--uid"', "pool.slurm.account"),
        ('gpus = "gpu:1 x"', "pool.slurm.gpus"),
        ('time = "soon"', "pool.slurm.time"),
        ('options = ["-p", "x"]', "pool.slurm.options"),
        ('options = ["--array=1-9"]', "pool.slurm.options"),
        ('options = ["--comment=x"]', "pool.slurm.options"),
        ('options = ["--wrap=rm"]', "pool.slurm.options"),
    ],
)
def test_what_no_monitor_may_start_with(line: str, key: str) -> None:
    text = GOOD.format(more="")
    text = text.replace('folder = "/srv/pool"\n', "") if line.startswith("folder") else text
    with pytest.raises(ConfigError, match=key):
        config(text + line)


@pytest.mark.parametrize("time", ["", "90", "12:00:00", "2-0", "2-12:30"])
def test_times_of_sbatch(time: str) -> None:
    assert config(GOOD.format(more="") + f'time = "{time}"').pool.slurm.time == time


def test_its_nodes_are_its_hosts() -> None:
    with pytest.raises(ConfigError, match="leave out"):
        config(GOOD.format(more="") + '[[host]]\nname = "n1"')


def test_without_the_backend_nothing_of_it_is_checked() -> None:
    assert config('[pool.slurm]\nfolder = "relative"').pool.backend == "launcher"
