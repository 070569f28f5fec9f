"""The decision on facts: what each proof needs, and what lives although it looks like ours."""

from __future__ import annotations

import ipaddress
import os

import pytest
from msgspec.structs import replace

from metabonk_tui.adapters.process.command_line import parse_command
from metabonk_tui.adapters.process.launch_command import LaunchCommand
from metabonk_tui.adapters.process.ownership import NotOurs, Owned, PoolClaim, ProcessFacts, Proof, judge
from metabonk_tui.adapters.process.proc import ProcessStat
from metabonk_tui.adapters.process.roles import recognise
from tests.support.children import config

HOME = "/srv/MetaBonk"
HERE = ipaddress.ip_address("127.0.0.1")
LAUNCH = ("python3", "launch.py", "--workers", "{workers}", "--base-port", "{base_port}")
SILENT_LAUNCH = ("python3", "launch.py", "--workers", "{workers}")
CLAIM = PoolClaim(
    host="127.0.0.1",
    base_port=5000,
    wanted=3,
    command=LaunchCommand(HOME, LAUNCH, ("python3", "launch.py", "stop")),
    uid=1000,
    net_ns="net:[1]",
    pid_ns="pid:[1]",
    protected=frozenset({0, 1, 900}),
)
LAUNCHER = "python3 launch.py --workers 3 --base-port 5000"


class World:
    """Made-up processes of one machine."""

    def __init__(self, claim: PoolClaim = CLAIM) -> None:
        self.claim = claim
        self.facts: dict[int, ProcessFacts] = {}
        self.add(1, "/sbin/init", uid=0)

    def add(self, pid: int, line: str, parent: int = 1, **facts: object) -> None:
        words = tuple(line.split())
        program = parse_command(words)
        cwd = facts.pop("cwd", HOME)
        path = os.path.normpath(f"{cwd}/{program.entry}") if program.kind in ("script", "shell script") else None
        self.facts[pid] = ProcessFacts(
            ProcessStat(pid, parent, 100.0, 1, words[0].rpartition("/")[2][:15], start_ticks=10_000 + pid),
            program,
            words,
            recognise(words, config().processes, self.claim.base_port),
            cwd=cwd,  # type: ignore[arg-type]
            script_path=path,
            **{"uid": 1000, "net_ns": "net:[1]", "pid_ns": "pid:[1]", **facts},  # type: ignore[arg-type]
        )

    def worker(
        self, pid: int, port: int, parent: int = 1, line: str = "", address: object = HERE, **facts: object
    ) -> None:
        reached = (port,) if address == HERE and port in self.claim.ports else ()
        default = f"python3 -m src.worker.main --port {port} --instance-id omega-{port - self.claim.base_port}"
        facts = {"listens": ((address, port),), "reached": reached, **facts}
        self.add(pid, line or default, parent, **facts)

    def verdict(self, pid: int) -> Owned | NotOurs:
        return judge(self.facts, self.claim)[pid]

    def why(self, pid: int) -> str:
        verdict = self.verdict(pid)
        assert isinstance(verdict, NotOurs), verdict
        return verdict.reason


# LISTENS: a worker whose launch no monitor saw


def test_a_worker_of_ours_on_a_wanted_port_is_ours_and_so_is_what_it_started() -> None:
    world = World()
    world.worker(10, 5001)
    world.add(11, "MegaBonk.exe", parent=10, cwd="/tmp")
    world.add(12, "gamescope", parent=11, net_ns="net:[9]")
    for pid in (10, 11, 12):
        assert world.verdict(pid) == Owned(Proof.LISTENS, 10)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"uid": 1001}, "belongs to user id 1001"),
        ({"uid": None}, "user that cannot be read"),
        ({"net_ns": "net:[2]"}, "another network namespace"),
        ({"pid_ns": "pid:[2]"}, "another pid namespace"),
        ({"net_ns": None}, "namespaces that cannot be read"),
        ({"cwd": "/srv/MetaBonk2"}, "runs in /srv/MetaBonk2, not below /srv/MetaBonk"),
        ({"cwd": None}, "a directory that cannot be read"),
        ({"reached": ()}, "does not listen on a wanted port"),
        ({"line": "python3 -m src.worker.main --port 5001 --instance-id omega-9"}, "instance 9 of another pool"),
        ({"line": "python3 -m src.worker.main --port 6001"}, "was started for port 6001"),
        ({"line": "python3 plot.py --module src.worker.main --port 5001"}, "no interpreter that runs"),
        ({"line": "python3 plot.py -m src.worker.main --port 5001"}, "no interpreter that runs"),
        ({"line": "docker run image python3 -m src.worker.main --port 5001"}, "no interpreter that runs"),
        ({"line": "uv run python -m src.worker.main --port 5001"}, "no interpreter that runs"),
    ],
)
def test_each_missing_fact_leaves_it_alone(change: dict[str, object], why: str) -> None:
    world = World()
    world.worker(10, 5001, **change)  # type: ignore[arg-type]
    assert why in world.why(10)


def test_a_port_beyond_the_wanted_number_proves_nothing() -> None:
    world = World()
    world.worker(10, 5003)
    assert "does not listen on a wanted port" in world.why(10)


def test_another_address_of_this_machine_proves_nothing() -> None:
    world = World()
    world.worker(10, 5000, address=ipaddress.ip_address("127.0.0.2"))
    assert "does not listen on a wanted port" in world.why(10)


@pytest.mark.parametrize("keeper", ["tmux new-session", "python3 -m ipykernel_launcher -f k.json", "sshd: me@pts/0"])
def test_a_worker_started_from_a_session_is_ours_and_the_session_lives(keeper: str) -> None:
    world = World()
    world.add(5, keeper)
    world.add(6, "-bash", parent=5)
    world.worker(10, 5000, parent=6)
    assert world.verdict(10) == Owned(Proof.LISTENS, 10)
    assert "keeps sessions" in world.why(5)
    assert isinstance(world.verdict(6), NotOurs)


# LAUNCHER


def test_our_launcher_and_all_below_it_are_ours() -> None:
    world = World()
    world.add(10, LAUNCHER)
    world.add(11, "python3 scripts/start.py", parent=10)
    world.worker(12, 5000, parent=11)
    world.add(13, "python3 -m src.orchestrator.main", parent=11, cwd="/")
    world.worker(14, 5002, parent=11, reached=(), listens=())
    for pid in (10, 11, 12, 13, 14):
        assert world.verdict(pid) == Owned(Proof.LAUNCHER, 10), pid


def test_what_started_our_launcher_lives() -> None:
    world = World()
    world.add(4, "python3 -m ipykernel_launcher -f k.json")
    world.add(5, "tmux new-session")
    world.add(6, "python3 sweep.py", parent=5)
    world.add(10, LAUNCHER, parent=6)
    assert isinstance(world.verdict(10), Owned)
    assert isinstance(world.verdict(6), NotOurs)
    assert isinstance(world.verdict(5), NotOurs)


@pytest.mark.parametrize(
    ("line", "facts", "why"),
    [
        ("python3 launch.py --workers 3 --base-port 5010", {}, "launched the pool on port 5010"),
        ("python3 launch.py --workers 3", {}, "names no base port"),
        ("python3 launch.py --workers 3 --base-port 5000", {"cwd": "/srv/other"}, "runs in /srv/other"),
        ("python3 launch.py --workers 3 --base-port 5000", {"uid": 1001}, "belongs to user id 1001"),
        ("python3 launch.py --workers 3 --base-port 5000", {"net_ns": "net:[2]"}, "another network namespace"),
        ("python3 launch.py --workers 3 --base-port 5000", {"pid_ns": "pid:[2]"}, "another pid namespace"),
        ("python3 launch.py --base-port 5000 --host 127.0.0.2", {}, "another host address"),
        ("python3 launch.py stop --base-port 5000", {}, "does not run our launch command"),
        ("ruby launch.py --base-port 5000", {}, "no interpreter"),
    ],
)
def test_another_launcher_and_its_children_are_left_alone_whatever_their_ports(
    line: str, facts: dict[str, object], why: str
) -> None:
    world = World()
    world.add(10, line, **facts)
    world.worker(11, 5000, parent=10)
    assert why in world.why(10)
    if "ruby" not in line and " stop " not in line:
        assert "was started by pid 10" in world.why(11)


def test_two_launchers_of_one_directory_are_told_apart_by_their_workers_ports() -> None:
    world = World(replace(CLAIM, command=LaunchCommand(HOME, SILENT_LAUNCH)))
    for pid, base in ((10, 5000), (20, 5010), (30, 4998)):
        world.add(pid, "python3 launch.py --workers 3")
        for slot in range(3):
            line = f"python3 -m src.worker.main --port {base + slot} --instance-id omega-{slot}"
            world.worker(pid + 1 + slot, base + slot, parent=pid, line=line)
    assert [pid for pid in world.facts if isinstance(world.verdict(pid), Owned)] == [10, 11, 12, 13]


def test_a_launcher_whose_workers_listen_on_another_address_is_another_pools() -> None:
    world = World()
    world.add(10, LAUNCHER)
    world.worker(11, 5000, parent=10, address=ipaddress.ip_address("127.0.0.2"))
    assert "127.0.0.2:5000, which is another pool's" in world.why(10)
    assert isinstance(world.verdict(11), NotOurs)


def test_a_launcher_that_shows_no_port_is_left_alone_until_a_worker_has_one() -> None:
    world = World(replace(CLAIM, command=LaunchCommand(HOME, SILENT_LAUNCH)))
    world.add(10, "python3 launch.py --workers 3")
    world.add(20, "python3 launch.py --workers 3")
    assert "no port shows for which pool" in world.why(10)
    world.worker(11, 5000, parent=10, listens=(), reached=())
    assert isinstance(world.verdict(10), Owned)
    assert "no port shows for which pool" in world.why(20)


def test_a_launcher_with_our_arguments_alone_yields_to_one_whose_worker_answers() -> None:
    world = World()
    world.add(10, LAUNCHER)
    world.add(20, LAUNCHER)
    world.add(21, "python3 -m src.worker.main --port 5001", parent=20)
    assert isinstance(world.verdict(20), Owned)
    world.worker(11, 5000, parent=10)
    assert world.verdict(11) == Owned(Proof.LAUNCHER, 10)
    assert isinstance(world.verdict(20), NotOurs)
    assert isinstance(world.verdict(21), NotOurs)


def test_a_launcher_inside_ours_needs_no_arguments_of_its_own() -> None:
    world = World()
    world.add(10, LAUNCHER)
    world.add(11, "python3 launch.py --child", parent=10)
    world.add(12, "python3 -m src.worker.main --port 5000", parent=11)
    assert [world.verdict(pid) for pid in (11, 12)] == [Owned(Proof.LAUNCHER, 11), Owned(Proof.LAUNCHER, 11)]


def test_a_container_with_our_namespaces_is_still_another_machine() -> None:
    world = World()
    world.worker(10, 5000, container="docker-1f2e")
    assert "runs in the container docker-1f2e" in world.why(10)


def test_another_launcher_below_our_worker_keeps_its_children() -> None:
    world = World()
    world.add(10, LAUNCHER)
    world.worker(11, 5000, parent=10)
    world.add(20, "python3 launch.py --workers 3 --base-port 6000", parent=11)
    world.add(21, "python3 -m src.worker.main --port 6000", parent=20)
    assert isinstance(world.verdict(20), NotOurs)
    assert isinstance(world.verdict(21), NotOurs)


def test_a_recorded_launcher_is_ours_only_with_the_token() -> None:
    claim = replace(CLAIM, recorded=(10, 10_010))
    world = World(claim)
    world.add(10, "sleep 600", cwd="/")
    assert isinstance(world.verdict(10), NotOurs), "a forged record names another user's process"
    world.add(10, "./go", cwd="/", token=True)
    world.add(11, "python3 -m src.worker.main --port 9000", parent=10, cwd="/")
    assert world.verdict(11) == Owned(Proof.LAUNCHER, 10)
    world.claim = replace(claim, recorded=(10, 10_011))
    world.add(10, "sleep 600", cwd="/")
    assert isinstance(world.verdict(10), NotOurs), "the pid was reused"


def test_a_launch_through_env_names_its_port_to_no_reader_and_is_ours_by_the_record() -> None:
    # `env` becomes the launcher, and the variable is gone from its arguments.
    command = LaunchCommand(HOME, ("env", "PORT={base_port}", "python3", "launch.py"))
    world = World(replace(CLAIM, command=command, recorded=(10, 10_010)))
    world.add(10, "python3 launch.py", token=True)
    world.worker(11, 5000, parent=10)
    world.add(20, "python3 launch.py")
    world.worker(21, 5010, parent=20)
    assert world.verdict(11) == Owned(Proof.LAUNCHER, 10)
    assert isinstance(world.verdict(20), NotOurs)
    assert isinstance(world.verdict(21), NotOurs)


@pytest.mark.parametrize(
    ("launch", "line", "ours"),
    [
        (("./launch", "--workers", "{workers}"), "bash ./launch --workers 3", True),
        (("./launch", "--workers", "{workers}"), "bash ./launch2 --workers 3", False),
        (("uv", "run", "launch.py", "--workers", "{workers}"), "/usr/bin/uv run launch.py --workers 3", True),
        (("uv", "run", "launch.py", "--workers", "{workers}"), "uv run other.py --workers 3", False),
        (("python3", "-m", "pool", "launch", "{workers}"), "python3.11 -u -m pool launch 3", True),
        (("python3", "-m", "pool", "launch", "{workers}"), "python3 -m pool stop", False),
        (("python3", "launch.py", "--port={base_port}"), "python3 launch.py --port=5000", True),
        (("python3", "launch.py", "--port={base_port}"), "python3 launch.py --port=5010", False),
        (("python3", "launch.py", "{base_port}", "{workers}"), "python3 launch.py 5000 3", True),
        (("python3", "launch.py", "{base_port}", "{workers}"), "python3 launch.py 5010 3", False),
        (("make", "train", "PORT={base_port}"), "make train PORT=5000", True),
        (("make", "train", "PORT={base_port}"), "make train PORT=5010", False),
        (("make", "train", "PORT={base_port}"), "make train", False),
        (("python3", "launch.py", "at={base_port}"), "python3 launch.py -v at=5010", False),
        (("python3", "{base_port}"), "python3 5000", False),
        ((), "python3 launch.py --workers 3", False),
    ],
)
def test_the_launch_command_is_compared_argument_by_argument(launch: tuple[str, ...], line: str, ours: bool) -> None:
    world = World(replace(CLAIM, command=LaunchCommand(HOME, launch)))
    world.add(10, line)
    world.add(11, "python3 -m src.worker.main --port 5000", parent=10)
    assert isinstance(world.verdict(10), Owned) == ours


# TOKEN


def test_the_token_makes_an_escaped_daemon_ours_and_what_it_started() -> None:
    world = World()
    world.add(10, "python3 daemon.py", cwd="/", token=True)
    world.add(11, "sh -c true", parent=10, cwd="/")
    world.add(12, "systemd", parent=1)
    world.add(13, "python3 daemon.py", parent=12, cwd="/", token=True)
    assert world.verdict(10) == world.verdict(11) == Owned(Proof.TOKEN, 10)
    assert world.verdict(13) == Owned(Proof.TOKEN, 13), "systemd adopts orphans"


def test_the_cgroup_of_the_pool_makes_a_daemon_without_environment_ours() -> None:
    world = World()
    world.add(10, "python3 daemon.py", cwd="/", grouped=True)
    world.add(11, "python3 daemon.py", cwd="/")
    world.add(12, "python3 daemon.py", cwd="/", grouped=True, uid=1001)
    world.add(13, "python3 mine.py", cwd="/", grouped=True, seated=True)
    world.add(14, "tmux new -d", cwd="/", grouped=True)
    world.add(15, "python3 mine.py", parent=14, cwd="/", grouped=True)
    assert world.verdict(10) == Owned(Proof.CGROUP, 10)
    for pid in (11, 12, 13, 14, 15):
        assert isinstance(world.verdict(pid), NotOurs), pid


@pytest.mark.parametrize(
    "keeper",
    [
        *("tmux new-session -d", "SCREEN -dmS x", "/usr/bin/dbus-daemon --session", "jupyter-lab", "ssh-agent -s"),
        *("/usr/lib/firefox/firefox http://127.0.0.1:8040", "/opt/google/chrome/chrome --type=renderer"),
        *("pulseaudio --start --log-target=syslog", "/usr/bin/pipewire-pulse", "/usr/bin/gnome-keyring-daemon -f"),
        *("/usr/libexec/gnome-terminal-server", "ttyd -p 8080 bash", "python3 -m jupyter_server --port 8888"),
        *(
            "/usr/bin/node /usr/lib/code-server/out/node/entry.js",
            "node /home/me/.vscode-server/bin/1/out/server-main.js",
        ),
    ],
)
def test_a_session_keeper_with_the_token_lives_with_all_that_is_in_it(keeper: str) -> None:
    world = World()
    world.add(10, keeper, cwd="/", token=True)
    world.add(11, "-bash", parent=10, cwd="/", token=True)
    world.add(12, "python3 mine.py", parent=11, cwd="/", token=True)
    for pid in (10, 11, 12):
        assert isinstance(world.verdict(pid), NotOurs), pid


def test_what_a_person_opened_in_a_terminal_lives_although_it_bears_the_token() -> None:
    world = World()
    world.add(10, "python3 mine.py", token=True, seated=True)
    assert "terminal that a person uses" in world.why(10)


def test_what_a_person_opened_below_our_daemon_lives_and_so_does_the_daemon_that_shows_it() -> None:
    world = World()
    world.add(20, "python3 webterminal.py", token=True)
    world.add(21, "-bash", parent=20, token=True, seated=True)
    world.add(22, "vim notes", parent=21, token=True, seated=True)
    world.add(23, "sleep 600", parent=21)
    world.add(30, "python3 daemon.py", token=True)
    assert "keeps a terminal that a person uses" in world.why(20)
    for pid in (21, 22, 23):
        assert isinstance(world.verdict(pid), NotOurs)
    assert world.verdict(30) == Owned(Proof.TOKEN, 30)


def test_a_service_to_which_a_worker_exported_the_token_lives_with_what_it_started() -> None:
    world = World(replace(CLAIM, recorded=None))
    world.add(5, "/usr/lib/systemd/systemd --user")
    world.add(20, "python3 /usr/lib/indexer.py", parent=5, token=True, served=True, cwd="/")
    world.add(21, "sh helper.sh", parent=20, token=True, served=True, cwd="/")
    world.add(22, "python3 mine.py", token=True, served=True, grouped=True)
    world.add(23, LAUNCHER, token=True, served=True, cwd="/srv/other")
    world.add(30, "python3 daemon.py", parent=5, token=True, cwd="/")
    assert "was started by systemd or D-Bus" in world.why(20)
    for pid in (21, 22, 23):
        assert isinstance(world.verdict(pid), NotOurs), pid
    assert world.verdict(30) == Owned(Proof.TOKEN, 30)


def test_our_launcher_in_a_service_of_the_user_is_ours_by_its_command() -> None:
    world = World()
    world.add(10, LAUNCHER, served=True)
    world.worker(11, 5000, parent=10, served=True)
    assert world.verdict(11) == Owned(Proof.LAUNCHER, 10)


def test_a_worker_that_runs_a_program_in_a_terminal_is_ours_with_that_program() -> None:
    world = World()
    world.worker(10, 5000, token=True)
    world.add(11, "script -q log", parent=10, token=True)
    world.add(12, "gamescope", parent=11, token=True, seated=True)
    for pid in (10, 11, 12):
        assert world.verdict(pid) == Owned(Proof.LISTENS, 10)


def test_a_parent_that_started_after_its_child_is_another_process_with_that_pid() -> None:
    world = World()
    world.worker(50, 5000)
    world.add(10, "sleep 600", parent=50)
    assert "is no interpreter" in world.why(10)


def test_a_neighbours_launcher_that_bears_our_token_is_not_ours() -> None:
    world = World()
    world.add(10, "python3 launch.py --workers 3 --base-port 6000", token=True)
    world.add(11, "python3 -m src.worker.main --port 6000", parent=10, token=True)
    assert isinstance(world.verdict(10), NotOurs)
    assert isinstance(world.verdict(11), NotOurs)


def test_another_users_process_with_the_token_is_left_alone() -> None:
    world = World()
    world.add(10, "python3 daemon.py", uid=0, token=True)
    assert "belongs to user id 0" in world.why(10)


@pytest.mark.parametrize("change", [{"net_ns": "net:[2]"}, {"pid_ns": "pid:[2]"}, {"container": "docker-1f"}])
@pytest.mark.parametrize("proof", ["token", "grouped"])
def test_a_pool_launched_in_a_container_with_our_state_directory_lives(change: dict[str, str], proof: str) -> None:
    world = World(replace(CLAIM, recorded=(20, 10_020)))
    world.add(10, "python3 daemon.py", **{proof: True}, **change)
    world.add(20, LAUNCHER, token=True, **change)
    world.worker(21, 5000, parent=20, token=True, reached=(), **change)
    for pid in (10, 20, 21):
        assert isinstance(world.verdict(pid), NotOurs), pid


def test_what_our_daemon_runs_in_a_sandbox_of_its_own_is_ours() -> None:
    world = World()
    world.add(10, "python3 daemon.py", cwd="/", token=True)
    world.add(11, "bwrap game", parent=10, cwd="/", token=True, pid_ns="pid:[2]", net_ns="net:[2]")
    assert world.verdict(11) == Owned(Proof.TOKEN, 10)


# ADOPTED, and what no proof can take


def test_an_adopted_process_is_ours_with_its_descendants_and_only_that_very_process() -> None:
    world = World(replace(CLAIM, proven={(10, 10_010): Proof.ADOPTED}))
    world.add(10, "python3 sweep.py", cwd="/")
    world.add(11, "sleep 1", parent=10)
    assert world.verdict(10) == world.verdict(11) == Owned(Proof.ADOPTED, 10)
    world.claim = replace(CLAIM, proven={(10, 9_999): Proof.ADOPTED})
    assert isinstance(world.verdict(10), NotOurs)


def test_no_proof_takes_the_monitor_what_started_it_or_a_keeper() -> None:
    every = {(pid, 10_000 + pid): Proof.ADOPTED for pid in (1, 900, 20, 21)}
    world = World(replace(CLAIM, proven=every, recorded=(900, 10_900)))
    world.add(900, "metabonk-tui", token=True)
    world.add(20, "tmux", token=True)
    world.add(21, "sshd", token=True)
    for pid in (1, 900, 20, 21):
        verdict = world.verdict(pid)
        assert isinstance(verdict, NotOurs)
        assert not verdict.adoptable


def test_a_loop_of_parents_ends() -> None:
    world = World()
    world.add(10, "python3 a.py", parent=11)
    world.add(11, "python3 b.py", parent=10)
    assert isinstance(world.verdict(10), NotOurs)
