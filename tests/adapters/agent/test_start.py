"""The command that starts an agent: no shell of this machine reads it, and it never asks for a password."""

from __future__ import annotations

import sys
from pathlib import Path

from metabonk_tui.adapters.agent.start import agent_command, links_of
from tests.support.children import config

STATE = Path("/home/me/.local/state/metabonk-tui")


def command(lines: str, state: Path = STATE) -> tuple[str, ...]:
    return agent_command(config(f'[[host]]\nname = "node2"\n{lines}').host[0], state)


def test_through_ssh_with_a_deadline_and_without_questions() -> None:
    argv = command('ssh = "me@node2"\nssh_options = ["-p", "2222"]')
    assert argv[0] == "ssh"
    assert {"BatchMode=yes", "ConnectTimeout=10", "ServerAliveInterval=5"} <= set(argv)
    assert argv[-5:] == ("-p", "2222", "--", "me@node2", "metabonk-tui agent")


def path_of(argv: tuple[str, ...]) -> str:
    return next(word for word in argv if word.startswith("ControlPath="))


def test_several_monitors_share_a_connection_and_two_hosts_do_not() -> None:
    argv = command('ssh = "node2"')
    assert {"ControlMaster=auto", "ControlPersist=no"} <= set(argv)
    assert path_of(argv).startswith(f"ControlPath={STATE}/ssh-")
    assert path_of(argv) == path_of(command('ssh = "node2"'))
    assert path_of(argv) != path_of(command('ssh = "node2"\nssh_options = ["-p", "2222"]'))


def test_a_socket_with_a_long_path_is_left_out() -> None:
    assert "ControlMaster=auto" not in command('ssh = "node2"', Path("/" + "long" * 30))
    longest = path_of(command('ssh = "node2"', Path("/" + "a" * 75))).removeprefix("ControlPath=")
    assert len(longest) + len(".0123456789abcdef") < 108, "ssh adds an ending while it binds"


def test_its_command_is_one_word_for_the_shell_of_the_host() -> None:
    argv = command('ssh = "node2"\ncommand = ["/opt/my tools/metabonk-tui", "agent", "--config", "a;b"]')
    assert argv[-1] == "'/opt/my tools/metabonk-tui' agent --config 'a;b'"


def test_without_ssh_it_is_a_program_of_this_machine() -> None:
    assert command("") == (sys.executable, "-m", "metabonk_tui", "agent")
    assert command('command = ["my-agent"]') == ("my-agent",)


def test_each_host_has_its_link() -> None:
    read = config('[pool]\nworkers = 4\n[[host]]\nname = "a"\n[[host]]\nname = "b"\nworkers = 2')
    assert {name: link.workers for name, link in links_of(read, STATE).items()} == {"a": 4, "b": 2}
