"""The environment of real processes: what is wanted of it, what is masked, and why it sometimes cannot be had."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from metabonk_tui.adapters.process.environ import Environments, Masking
from metabonk_tui.adapters.process.proc import Proc
from metabonk_tui.core.model.sample import EnvReading
from metabonk_tui.core.text.mask import MASK
from tests.support.children import UNTIL_CLOSED, Children, config
from tests.support.proc_trees import BOOT, Table
from tests.support.waiting import wait_for

READY = "print('ready', flush=True)\n"


def started_at(pid: int) -> float:
    stat = Proc().stat(pid)
    assert stat is not None
    return stat.started_at


def read(pid: int) -> EnvReading:
    return Environments(config()).read(pid, started_at(pid))


def test_only_what_is_asked_for_is_read_and_secrets_are_masked(children: Children) -> None:
    env = {
        "METABONK_META_LEARNING": "1",
        "METABONK_EMPTY": "",
        "METABONK_EQUALS": "a=b=c",
        "METABONK_API_KEY": "s3cret",
        "METABONK_password": "s3cret",
        "OLLAMA_HOST": "http://me:s3cret@127.0.0.1:11434/x",
        "INSTANCE_ID": "omega-0",
        "HOME": "/home/s3cret",
        "AWS_SECRET": "s3cret",
    }
    child = children.python(READY + UNTIL_CLOSED, env=env)
    reading = read(child.pid)
    assert reading.error is None
    assert reading.values == {
        "METABONK_META_LEARNING": "1",
        "METABONK_EMPTY": "",
        "METABONK_EQUALS": "a=b=c",
        "METABONK_API_KEY": MASK,
        "METABONK_password": MASK,
        "OLLAMA_HOST": f"http://{MASK}@127.0.0.1:11434/x",
        "INSTANCE_ID": "omega-0",
    }
    assert "s3cret" not in repr(reading)


def test_what_the_configuration_requires_is_read_openly_whatever_its_name(children: Children) -> None:
    wanted = config('[environment]\nrequired = { MAX_TOKENS = "256" }')
    child = children.python(READY + UNTIL_CLOSED, env={"MAX_TOKENS": "512", "METABONK_MAX_TOKEN": "5x7y"})
    reading = Environments(wanted).read(child.pid, started_at(child.pid))
    assert reading.values == {"MAX_TOKENS": "512", "METABONK_MAX_TOKEN": MASK}


def test_values_are_what_the_process_was_started_with(children: Children) -> None:
    code = "import os\nos.environ['METABONK_LATE'] = '1'\nos.environ['METABONK_A'] = 'changed'\n"
    child = children.python(code + READY + UNTIL_CLOSED, env={"METABONK_A": "first"})
    assert read(child.pid).values == {"METABONK_A": "first"}


def test_values_from_outside_are_cleaned(children: Children) -> None:
    child = children.python(READY + UNTIL_CLOSED, env={"METABONK_A\x1b": "\x1b[2J\u202e" + "x" * 5000})
    [(name, value)] = (read(child.pid).values or {}).items()
    assert name.isprintable()
    assert value.isprintable()
    assert len(value) <= 500


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.add(20, start_s=100)
    file = tmp_path / "proc/20/environ"
    file.write_bytes(b"METABONK_A=\xff\xfe\0garbage\0=x\0\0METABONK_B=1\0METABONK_B=2")
    reading = Environments(config(), tmp_path).read(20, BOOT + 100.0)
    assert reading.values is not None
    assert set(reading.values) == {"METABONK_A", "METABONK_B"}
    assert reading.values["METABONK_B"] == "1"


def test_an_empty_environment_is_known_to_be_empty(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.add(20, start_s=100, environ="")
    assert Environments(config(), tmp_path).read(20, BOOT + 100.0) == EnvReading({})


def test_another_process_with_the_pid_is_not_read(children: Children) -> None:
    child = children.python(READY + UNTIL_CLOSED, env={"METABONK_A": "1"})
    assert Environments(config()).read(child.pid, started_at(child.pid) - 60) == EnvReading(None, "gone")


def test_a_dead_process_is_gone_even_as_a_zombie(children: Children) -> None:
    child = children.python(READY + UNTIL_CLOSED, env={"METABONK_A": "1"})
    started = started_at(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: ") Z " in Path(f"/proc/{child.pid}/stat").read_text())
    assert Environments(config()).read(child.pid, started) == EnvReading(None, "gone")
    child.wait()
    assert Environments(config()).read(child.pid, started) == EnvReading(None, "gone")


def test_a_system_without_environments_says_so(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.add(20, start_s=100)
    (tmp_path / "proc/20/environ").mkdir()
    assert Environments(config(), tmp_path).read(20, BOOT + 100.0) == EnvReading(None, "not readable here")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_users_environment_is_not_permitted() -> None:
    ours, environments, started = os.getpid(), Environments(config()), started_at(os.getpid())
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            reading = environments.read(ours, started)
            os.write(write_end, json.dumps([reading.values, reading.error]).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert json.loads(answer) == [None, "not permitted"]


def test_a_carriage_return_is_shown_and_does_not_vanish_as_a_space() -> None:
    masking = Masking(config())
    assert masking.shown("METABONK_META_LEARNING", "1\r") == r"1\r"
    assert masking.shown("METABONK_OTHER", "llava:7b\r") == r"llava:7b\r"
