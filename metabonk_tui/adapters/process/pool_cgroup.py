"""Launches a pool into a cgroup v2 of its own, where this user may make one, and lists the members of such a group.

A systemd scope also outlives the unit that runs the monitor. Does not: signal a process, or change a limit.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from metabonk_tui.adapters.files.kind import is_dir, is_file
from metabonk_tui.adapters.process.proc import read_bytes

PREFIX = "metabonk-tui-"
"""The name of every group that a monitor makes begins so. No other group is ever taken for a pool."""
_ANSWER_LIMIT_S = 3.0
_OLD_S = 600.0
_OCTAL = re.compile(r"\\([0-7]{3})")


class Placement(Struct, frozen=True):
    """How to start a command inside a new group."""

    argv_prefix: tuple[str, ...] = ()
    """The words before the command: the program that makes the scope and then becomes the command."""
    prepare: Callable[[], None] | None = None
    """Runs in the new process before the command: it enters the group."""
    directory: Path | None = None
    """The group that this monitor made; None: systemd makes one, or there is none."""


NO_GROUP = Placement()
"""The command starts where the monitor is."""


class CgroupMount:
    """The cgroup v2 hierarchy as this process sees it. `root` contains /proc and the mounts."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._found = _mount(read_bytes(root / "proc/self/mountinfo") or b"", root)

    def directory(self, cgroup: str) -> Path | None:
        """Return the folder of a group; None: not mounted, or outside of what this process sees."""
        if self._found is None or not cgroup.startswith("/") or ".." in cgroup.split("/"):
            return None
        top, mounted_at = self._found
        inside = cgroup if top == "/" else cgroup.removeprefix(top)
        if top != "/" and not (cgroup == top or cgroup.startswith(top + "/")):
            return None
        return mounted_at / inside.lstrip("/")

    def of(self, pid: int | str) -> str | None:
        """Return the group of a process, as a path in the hierarchy; None: gone, or no cgroup v2."""
        text = read_bytes(self._root / f"proc/{pid}/cgroup") or b""
        lines = [line for line in text.decode(errors="replace").splitlines() if line.startswith("0::/")]
        return lines[0].removeprefix("0::") if lines else None

    def members(self, cgroup: str | None) -> frozenset[int]:
        """Return the pids in a pool's group and the groups below; empty for a group that no monitor made."""
        directory = self.directory(cgroup) if cgroup is not None and is_pool_group(cgroup) else None
        if directory is None:
            return frozenset()
        found: set[int] = set()
        for folder, _, files in os.walk(directory):
            if "cgroup.procs" in files:
                # 0 is a process that this pid namespace does not show.
                text = read_bytes(f"{folder}/cgroup.procs") or b""
                found |= {int(line) for line in text.split() if line.isdigit() and int(line) > 1}
        return frozenset(found)


def is_pool_group(cgroup: str) -> bool:
    """Return whether the last part of a group's path is a name that only a monitor gives."""
    return cgroup.rpartition("/")[2].startswith(PREFIX)


def pool_group_of(pid: int, mount: CgroupMount) -> str | None:
    """Return the pool group that a launched process is in; None: it is in none."""
    cgroup = mount.of(pid)
    while cgroup and not is_pool_group(cgroup):
        cgroup = cgroup.rpartition("/")[0]
    return cgroup or None


def choose_placement(pool: str, environ: Mapping[str, str], root: Path = Path("/")) -> Placement:
    """Choose where to launch a pool: a scope of systemd, else a group below our own, else where the monitor is.

    Blocks up to 3 s while systemd answers.
    """
    name = f"{PREFIX}{pool}-{int(time.time()):x}"
    mount = CgroupMount(root)
    remove_old_groups(pool, mount)
    scope = _scope_argv(name, mount, environ, root)
    if scope and _answers(scope, environ):
        return Placement((*scope, "--"))
    return _group_below_ours(name, mount, root) or NO_GROUP


def remove_empty(cgroup: str | None, mount: CgroupMount) -> None:
    """Remove a pool's group and the groups below once no process is in them. systemd removes its scopes itself."""
    directory = mount.directory(cgroup) if cgroup is not None and is_pool_group(cgroup) else None
    if directory is not None and is_dir(directory):
        _remove_empty(directory)


def remove_old_groups(pool: str, mount: CgroupMount) -> None:
    """Remove the empty groups below ours that pools left which ended without a stop.

    Those of other pools only 10 min after their launch: a process that enters its group may be slow.
    """
    ours = mount.of("self")
    above = mount.directory(ours) if ours is not None else None
    for old in above.glob(f"{PREFIX}*") if above is not None else ():
        named, _, launched = old.name.rpartition("-")
        age_s = time.time() - int(launched, 16) if re.fullmatch("[0-9a-f]{1,12}", launched) else 0.0
        if named == f"{PREFIX}{pool}" or age_s > _OLD_S:
            _remove_empty(old)


def _scope_argv(name: str, mount: CgroupMount, environ: Mapping[str, str], root: Path) -> tuple[str, ...]:
    """Return the words that start a scope; empty where a scope cannot be had or would live shorter than we do."""
    if not is_dir(root / "run/systemd/system") or shutil.which("systemd-run", path=environ.get("PATH")) is None:
        return ()
    words = ("systemd-run", "--scope", "--quiet", "--collect", f"--unit={name}")
    if os.geteuid() == 0:
        return words
    # The user's manager ends at the last logout and takes its scopes along, unless the user lingers. A process of a
    # login session stays: then no scope is better.
    user_id = os.geteuid()
    lingers = is_file(root / "var/lib/systemd/linger" / environ.get("USER", "")) and bool(environ.get("USER"))
    below_manager = f"/user@{user_id}.service/" in f"{mount.of('self') or ''}/"
    return (*words, "--user") if lingers or below_manager else ()


def _answers(scope: tuple[str, ...], environ: Mapping[str, str]) -> bool:
    """Return whether systemd makes such a scope: starts `true` in one."""
    trial = tuple(f"{word}-trial" if word.startswith("--unit=") else word for word in scope)
    try:
        done = subprocess.run(
            [*trial, "--", "true"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _group_below_ours(name: str, mount: CgroupMount, root: Path) -> Placement | None:
    """Make a group below that of the monitor, if the group is delegated to it; None: it is not."""
    ours = mount.of("self")
    above = mount.directory(ours) if ours is not None else None
    if above is None or not _is_delegated(above, root):
        return None
    directory = above / name
    try:
        directory.mkdir()
    except OSError:
        return None
    procs = os.fsencode(directory / "cgroup.procs")

    def enter() -> None:
        try:
            descriptor = os.open(procs, os.O_WRONLY | os.O_CLOEXEC)
            os.write(descriptor, b"0")
            os.close(descriptor)
        except OSError:
            return  # the caller looks where the process is

    return Placement(prepare=enter, directory=directory)


def _is_delegated(directory: Path, root: Path) -> bool:
    """Return whether this process may make groups here. systemd marks what it delegates; else the mode decides."""
    procs = directory / "cgroup.procs"
    if not os.access(directory, os.W_OK | os.X_OK) or not os.access(procs, os.W_OK):
        return False
    if os.geteuid() != 0 or not is_dir(root / "run/systemd/system"):
        return True
    for name in ("trusted.delegate", "user.delegate"):
        try:
            if os.getxattr(directory, name) == b"1":
                return True
        except OSError as error:
            if error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.EPERM):
                return False
    return False


def _remove_empty(directory: Path) -> None:
    for folder in (*_below(directory), directory):
        try:
            folder.rmdir()
        except OSError:
            return  # a process is still in it, or systemd was faster


def _below(directory: Path) -> Iterator[Path]:
    """Yield the groups below, the deepest first."""
    for folder, _, _ in os.walk(directory, topdown=False):
        if Path(folder) != directory:
            yield Path(folder)


def _mount(mountinfo: bytes, root: Path) -> tuple[str, Path] | None:
    """Return (shown part of the hierarchy, mount point) of the first cgroup2 mount."""
    for line in mountinfo.decode(errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if after.startswith("cgroup2 ") and len(fields) > 4:
            top, mounted_at = (_OCTAL.sub(lambda found: chr(int(found[1], 8)), field) for field in fields[3:5])
            return top, root / mounted_at.lstrip("/")
    return None
