"""One controller per pool, whatever the user, environment and spelling of the host; it can be asked to yield."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from metabonk_tui.adapters.state import role_server, role_wire
from metabonk_tui.adapters.state.controller_role import ControllerRole
from metabonk_tui.adapters.state.role_wire import role_name
from metabonk_tui.core.model.pool import RolePolicy
from tests.support.children import Children
from tests.support.ports import free_port
from tests.support.waiting import wait_for

OWN = """
import os, sys
from pathlib import Path
from metabonk_tui.adapters.state.controller_role import ControllerRole
if len(sys.argv) > 3:
    os.setuid(int(sys.argv[3]))
role = ControllerRole(sys.argv[1], Path("/nowhere/lock"), sys.argv[2])
role.watch_armed = True
print(role.try_acquire(), flush=True)
for line in sys.stdin:
    print(eval(line), flush=True)
"""

pytestmark = pytest.mark.skipif(not role_wire.HAS_ABSTRACT_SOCKETS, reason="no abstract sockets here")


class Roles:
    """Roles of one pool, all released at the end."""

    def __init__(self) -> None:
        self.name = role_name("127.0.0.1", free_port())
        self.made: list[ControllerRole] = []

    def make(self, policy: RolePolicy = "yield") -> ControllerRole:
        self.made.append(ControllerRole(self.name, Path("/nowhere/lock"), policy))
        return self.made[-1]


@pytest.fixture
def roles() -> Iterator[Roles]:
    found = Roles()
    yield found
    for role in reversed(found.made):
        role.release()


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.0.0.2", "::1", "[::1]", "0.0.0.0", "::", "LOCALHOST", " localhost", ""]
)
def test_every_spelling_of_this_machine_is_one_role(host: str) -> None:
    assert role_name(host, 5000) == "metabonk-tui-5000-local"


@pytest.mark.parametrize("host", ["node2", "10.255.255.254", "example.org", "a/b\0c"])
def test_another_machine_or_port_is_another_role(host: str) -> None:
    assert role_name(host, 5000) not in ("metabonk-tui-5000-local", role_name(host, 5001))
    assert "\0" not in role_name(host, 5000)


def test_a_long_host_fits_into_a_socket_name() -> None:
    assert role_name("x" * 300, 5000) != role_name("x" * 299, 5000)
    assert len(role_name("x" * 300, 65535)) < 107


def test_two_roles_of_one_pool_exclude_each_other_and_the_owner_is_named(roles: Roles) -> None:
    first, second = roles.make(), roles.make()
    assert first.try_acquire()
    assert first.try_acquire(), "acquiring again keeps it"
    assert not second.try_acquire()
    assert re.fullmatch(rf"pid {os.getpid()}( on \S+)? since \d\d:\d\d", second.holder())
    first.release()
    assert second.try_acquire()


@pytest.mark.parametrize("environ", [{}, {"XDG_RUNTIME_DIR": "/tmp"}, {"HOME": "/nowhere"}])
def test_another_environment_makes_no_second_controller(
    roles: Roles, children: Children, environ: dict[str, str]
) -> None:
    assert roles.make().try_acquire()
    child = children.python(OWN, roles.name, "yield", env={"PYTHONPATH": os.environ.get("PYTHONPATH", "."), **environ})
    assert child.line == "False"  # type: ignore[attr-defined]


def test_it_falls_when_its_owner_is_killed(roles: Roles, children: Children) -> None:
    child = children.python(OWN, roles.name, "yield")
    role = roles.make()
    assert not role.try_acquire()
    assert role.holder().startswith(f"pid {child.pid} ")
    child.kill()
    child.wait(10)
    wait_for(role.try_acquire)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's process needs root")
def test_another_user_makes_no_second_controller_and_is_named(roles: Roles, children: Children) -> None:
    owner = roles.make()
    assert owner.try_acquire()
    child = children.python(OWN, roles.name, "yield", "65534")
    assert child.line == "False"  # type: ignore[attr-defined]
    assert child.stdin is not None
    child.stdin.write("role.holder()\n")
    child.stdin.flush()
    assert children.line(child).startswith(f"pid {os.getpid()} of root")
    child.stdin.write("role.ask('stop', lambda text: None)\n")
    child.stdin.flush()
    assert "only the same user or root may ask" in children.line(child)
    assert owner.held


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's process needs root")
def test_root_may_ask_the_user_who_owns_it(roles: Roles, children: Children) -> None:
    child = children.python(OWN, roles.name, "yield", "65534")
    role = roles.make()
    assert role.holder().startswith(f"pid {child.pid} of uid 65534")
    assert role.ask("stop", lambda text: None) == ""
    assert role.held


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's process needs root")
def test_an_owner_without_a_process_of_the_pool_gives_way_to_another_user(
    roles: Roles, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_server, "FREED_S", 600.0)
    owner = roles.make()
    assert owner.try_acquire()
    owner.has_pool = False
    child = children.python(OWN, roles.name, "yield", "65534")
    for line, answer in (("role.ask('launch 2 workers', lambda text: None)", ""), ("role.held", "True")):
        children.send(child, line)
        assert children.line(child) == answer
    assert not owner.try_acquire(), "the other user has the role"
    [news] = owner.take_news()
    assert news.text == f"control given up for pid {child.pid} of uid 65534: launch 2 workers"
    child.kill()
    child.wait(10)
    assert not owner.try_acquire(), "the name was freed for another monitor, which may still be about to take it"
    owner._freed_until_s = 0.0
    wait_for(owner.try_acquire)


def test_a_suspended_owner_is_named_with_the_way_out(roles: Roles, children: Children) -> None:
    child = children.python(OWN, roles.name, "yield")
    os.kill(child.pid, signal.SIGSTOP)
    wait_for(lambda: role_wire.is_suspended(child.pid))
    try:
        why = roles.make().ask("stop", lambda text: None, 0.3)
    finally:
        os.kill(child.pid, signal.SIGCONT)
    assert f"pid {child.pid}" in why
    assert f"kill -CONT {child.pid}" in why


def test_ctrl_z_gives_the_role_up_and_it_comes_back(roles: Roles) -> None:
    owner, other = roles.make("ask"), roles.make()
    assert owner.try_acquire()
    owner.suspend()
    assert not owner.try_acquire(), "its engine may look once more before the process stops"
    assert other.try_acquire()
    owner.resume()
    assert not owner.try_acquire()
    other.release()
    assert owner.try_acquire()
    (news,) = owner.take_news()
    assert (news.severity, news.text) == ("warn", "suspended for 0 s: control of the pool was given up meanwhile")


def test_ctrl_z_during_an_action_keeps_others_out(roles: Roles) -> None:
    owner, other = roles.make(), roles.make()
    assert owner.try_acquire()
    owner.set_busy(True)
    owner.suspend()
    assert not other.try_acquire()
    owner.resume()
    assert (owner.held, owner.take_news()) == (True, ())


def test_ctrl_z_returns_a_borrowed_role_to_its_lender(roles: Roles, children: Children) -> None:
    child = children.python(OWN, roles.name, "yield")
    role = roles.make("keep")
    assert role.ask("stop", lambda text: None) == ""
    role.suspend()
    wait_for(lambda: roles.make().holder().startswith(f"pid {child.pid} "))
    role.resume()
    assert not role.try_acquire()


def test_a_name_that_is_only_bound_is_refused_and_named(roles: Roles) -> None:
    role = roles.make()
    with role_wire.new_socket() as squatter:
        squatter.bind("\0" + roles.name)
        assert not role.try_acquire()
        assert role.holder() == f"pid {os.getpid()}, which does not answer on socket @{roles.name}"
    assert role.try_acquire()


def test_an_idle_owner_yields_at_once_and_takes_the_role_back(roles: Roles, children: Children) -> None:
    child = children.python(OWN, roles.name, "yield")
    role, third = roles.make("keep"), roles.make()
    waits: list[str] = []
    assert role.ask("stop the pool", waits.append) == ""
    assert role.held
    assert waits[0].startswith(f"pid {child.pid} ")
    assert role.watch_returns.startswith(f"pid {child.pid} "), "its memory watch is armed again afterwards"
    assert not third.try_acquire()
    assert third.holder().startswith(f"pid {os.getpid()} "), "the kernel names the new owner"
    role.release()
    assert not third.try_acquire(), "the lender has it back before any other"
    wait_for(lambda: roles.make().holder().startswith(f"pid {child.pid} "))


def test_the_role_comes_back_from_a_borrower_that_is_killed(roles: Roles, children: Children) -> None:
    owner = roles.make()
    assert owner.try_acquire()
    child = children.python(OWN, roles.name, "keep")
    assert child.stdin is not None
    child.stdin.write("role.ask('stop', lambda text: None)\n")
    child.stdin.flush()
    assert children.line(child) == ""
    # The owner's thread notes what the borrower knows already.
    wait_for(lambda: not owner.held)
    assert not owner.try_acquire()
    child.kill()
    seen: list[str] = []

    def both_reported() -> bool:
        seen.extend(news.severity for news in owner.take_news())
        return len(seen) == 2

    wait_for(both_reported)
    assert seen == ["warn", "info"]
    assert owner.held


def test_a_lender_that_ends_leaves_the_role_with_the_borrower(roles: Roles, children: Children) -> None:
    child = children.python(OWN, roles.name, "yield")
    role = roles.make("keep")
    assert role.ask("launch", lambda text: None) == ""
    child.kill()
    wait_for(lambda: role.watch_returns == "")
    assert role.held
    assert not roles.make().try_acquire()


def test_a_busy_owner_refuses_and_the_operation_is_named(roles: Roles) -> None:
    owner, other = roles.make(), roles.make()
    assert owner.try_acquire()
    owner.set_busy(True)
    why = other.ask("stop", lambda text: None)
    assert "an action on the pool is under way" in why
    assert f"pid {os.getpid()}" in why
    assert owner.held
    owner.set_busy(False)
    assert other.ask("stop", lambda text: None) == ""


@pytest.mark.parametrize("yes", [True, False])
def test_the_person_at_the_screen_answers(roles: Roles, yes: bool) -> None:
    owner, other = roles.make("ask"), roles.make()
    assert owner.try_acquire()
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(other.ask("stop the pool", lambda text: None)))
    asking.start()
    request = wait_for(lambda: owner.request)
    assert (request.by, request.want) == (f"pid {os.getpid()}", "stop the pool")
    assert 0 < request.left_s <= role_server.ANSWER_S
    owner.answer(request.number + 1, yes)
    assert owner.request is not None, "an answer to another request counts nothing"
    owner.answer(request.number, yes)
    asking.join(10)
    assert (answers == [""]) is yes
    assert other.held is yes
    assert yes or "the person at its screen refused" in answers[0]


def test_without_an_answer_an_idle_owner_yields(roles: Roles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_server, "ANSWER_S", 0.3)
    owner, other = roles.make("ask"), roles.make()
    assert owner.try_acquire()
    assert other.ask("stop", lambda text: None) == ""
    assert any("without an answer" in news.text for news in owner.take_news())


def test_an_operation_that_begins_while_it_is_asked_wins(roles: Roles) -> None:
    owner, other = roles.make("ask"), roles.make()
    assert owner.try_acquire()
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(other.ask("stop", lambda text: None)))
    asking.start()
    wait_for(lambda: owner.request)
    owner.set_busy(True)
    asking.join(10)
    assert "under way" in answers[0]
    assert owner.held


def test_a_request_ends_with_the_process_that_asked(roles: Roles) -> None:
    owner = roles.make("ask")
    assert owner.try_acquire()
    channel = role_wire.connect(roles.name, 5.0)
    assert channel is not None
    role_wire.send(channel, {"ask": "stop"})
    wait_for(lambda: owner.request)
    channel.close()
    wait_for(lambda: owner.request is None)
    assert owner.held


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[" * 3000, b"[1]", b'{"ask": {"a": 1e999}}', b"\xff" * 4096])
def test_hostile_messages_do_no_harm(roles: Roles, body: bytes) -> None:
    owner = roles.make("ask")
    assert owner.try_acquire()
    with role_wire.new_socket() as hostile:
        hostile.connect("\0" + roles.name)
        hostile.send(body)
    assert roles.make().holder().startswith(f"pid {os.getpid()} ")
    assert owner.held


def test_many_silent_clients_do_not_silence_the_owner(roles: Roles) -> None:
    owner = roles.make()
    assert owner.try_acquire()
    silent = [role_wire.new_socket() for _ in range(3 * role_server.MAX_CLIENTS)]
    try:
        for channel in silent:
            channel.connect("\0" + roles.name)
        assert roles.make().ask("stop", lambda text: None) == ""
    finally:
        for channel in silent:
            channel.close()


def test_a_socket_of_another_pool_is_not_taken_for_the_role(roles: Roles) -> None:
    role = roles.make()
    other = role_wire.new_socket()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with other, ours, theirs:
        other.bind("\0metabonk-tui-test-elsewhere")
        role_wire.send(theirs, {"state": "yielded"}, listening=other)
        received = role_wire.receive(ours)
        assert received is not None
        assert received.listening is not None
        assert not role_wire.is_role_socket(received.listening, role.name)
        received.listening.close()


def test_without_abstract_sockets_a_file_lock_excludes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_wire, "HAS_ABSTRACT_SOCKETS", False)
    first, second = (ControllerRole("x", tmp_path / "x.lock") for _ in range(2))
    assert first.try_acquire()
    assert not second.try_acquire()
    assert "cannot be asked" in second.ask("stop", lambda text: None)
    first.release()
    assert second.try_acquire()
    second.release()
