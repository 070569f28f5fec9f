"""Every backend that the configuration may name has an entry, and says truly whether it launches."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from metabonk_tui.adapters.host.gpu import Gpus
from metabonk_tui.adapters.process.table import ProcessTable
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.peaks import PeaksFile
from metabonk_tui.cli.wiring import BACKENDS, host_readers
from metabonk_tui.core.config.schema import PoolBackendName
from metabonk_tui.engine.clock import RunClock
from metabonk_tui.engine.host_collector import HostReaders
from tests.support.readers import configured


def test_the_configuration_may_name_exactly_the_backends_that_there_are() -> None:
    assert set(BACKENDS) == set(get_args(PoolBackendName))


@pytest.mark.parametrize("name", get_args(PoolBackendName))
def test_a_backend_bears_its_name_and_has_the_checks_of_a_launch_it_can_look_at(
    name: PoolBackendName, tmp_path: Path
) -> None:
    config = configured()
    config = msgspec.structs.replace(config, pool=msgspec.structs.replace(config.pool, backend=name))
    role = ControllerRole("test-wiring", tmp_path / "lock")
    pool = BACKENDS[name].make_pool(config, tmp_path, RunClock(), True, "", role, ProcessTable(config))
    assert pool.name == name
    assert (name in ("launcher", "slurm")) == (BACKENDS[name].make_checks is not None)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_has_every_reader(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gpus, "can_read", True)
    config = configured()
    readers = host_readers(config, address, ProcessTable(config), PeaksFile(tmp_path, "pool"))
    assert [name for name in readers.__struct_fields__ if getattr(readers, name) is None] == []


def test_without_a_driver_no_thread_is_woken_for_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gpus, "can_read", False)
    config = configured()
    assert host_readers(config, "127.0.0.1", ProcessTable(config), PeaksFile(tmp_path, "pool")).gpus is None


def test_nothing_is_read_of_another_machine(tmp_path: Path) -> None:
    config = configured()
    readers = host_readers(config, "192.0.2.7", ProcessTable(config), PeaksFile(tmp_path, "pool"))
    assert readers == HostReaders()
