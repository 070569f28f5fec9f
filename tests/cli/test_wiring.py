"""Every backend that the configuration may name has an entry, and says truly whether it launches."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.cli.wiring import BACKENDS
from metabonk_tui.core.config.schema import PoolBackendName
from metabonk_tui.engine.clock import RunClock
from tests.support.readers import configured


def test_the_configuration_may_name_exactly_the_backends_that_there_are() -> None:
    assert set(BACKENDS) == set(get_args(PoolBackendName))


@pytest.mark.parametrize("name", get_args(PoolBackendName))
def test_a_backend_bears_its_name_and_has_checks_where_it_can_launch(name: PoolBackendName, tmp_path: Path) -> None:
    config = configured()
    config = msgspec.structs.replace(config, pool=msgspec.structs.replace(config.pool, backend=name))
    pool = BACKENDS[name].make_pool(config, tmp_path, RunClock(), True, "", ProcessTable(config))
    assert pool.name == name
    assert config.pool.can_launch == (BACKENDS[name].make_checks is not None)
