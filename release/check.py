"""Checks what a release would publish: `make release-check`.

Builds the sdist, and the wheel from it; reads their metadata as the index does; installs the wheel into an empty
environment with the pinned and hashed dependencies; runs there each command of the README that ends by itself, and
the demo. Does not: publish. Leaves the packages in `dist/`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PROGRAM = "metabonk-tui"
LIMIT_S = 300
NOT_FINE = {64: "wrong usage", 70: "internal error", 78: "bad configuration"}
"""Exit codes that no command of the README may have. A verdict (0 to 3) depends on the machine, and is fine."""
LOOKS = (
    "alerts",
    "completion",
    "config",
    "contract",
    "doctor",
    "fit",
    "help",
    "man",
    "runs",
    "schema",
    "status",
    "version",
)
"""Verbs that end by themselves and change nothing: they run as the README writes them."""
ALWAYS = (
    "--version", "help", "config path", "config check", "config show", "check", "doctor --json", "fit --workers 3",
    "status", "runs --json", "contract", "alerts", "schema config", "man", "completion bash", "completion zsh",
    "completion fish",
)  # fmt: skip
IN_SDIST = (
    "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "config.toml", "themes/dark.toml",
    "docs/security.md", "docs/install.md", "docs/metabonk-tui-record.service", "share/man/man1/metabonk-tui.1",
    "release/requirements.txt",
)  # fmt: skip
PLACEHOLDER = re.compile(r"[A-Z]{3,}|[\[\]|…<>$;&]|\.\.\.")


def run(*argv: str, cwd: Path = ROOT, env: dict[str, str] | None = None, limit_s: float = LIMIT_S) -> str:
    """Run a command to its end, and return its output; end the check with the output if it fails."""
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=limit_s)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}{done.stderr}FAILED with {done.returncode}: {shlex.join(argv)}")
    return done.stdout


def version() -> str:
    """Return the version that the changelog describes; end the check if the program has another."""
    declared = re.search(r'^__version__ = "(.+)"$', (ROOT / "metabonk_tui" / "__init__.py").read_text(), re.MULTILINE)
    described = re.search(r"^## \[(\d[^\]]*)\] - ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    if declared is None or described is None or declared[1] != described[1]:
        sys.exit(f"the program has version {declared and declared[1]}, CHANGELOG.md {described and described[1]}")
    return declared[1]


def build(number: str) -> Path:
    """Build both packages and check their metadata; return the wheel."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    names = sorted(path.name for path in DIST.iterdir())
    if names != [f"metabonk_tui-{number}-py3-none-any.whl", f"metabonk_tui-{number}.tar.gz"]:
        sys.exit(f"unexpected in dist/: {names}")
    with tarfile.open(DIST / names[1]) as archive:
        missing = set(IN_SDIST) - {name.partition("/")[2] for name in archive.getnames()}
    if missing:
        sys.exit(f"not in the sdist: {sorted(missing)}")
    run(sys.executable, "-m", "twine", "check", "--strict", *(str(DIST / name) for name in names))
    return DIST / names[0]


def install(wheel: Path, home: Path) -> Path:
    """Install the wheel into an empty environment, its dependencies by their hashes; return the folder of programs."""
    venv.create(home, with_pip=True)
    pip = (str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--require-hashes", "-r", str(ROOT / "release" / "requirements.txt"))
    run(*pip, "install", "--quiet", "--no-deps", str(wheel))
    run(*pip, "check")
    return home / "bin"


def commands_of(text: str) -> Iterator[str]:
    """Yield each command line of the program in a text, without the program's name and a comment."""
    for found in re.finditer(rf"(?:^|`){PROGRAM}((?: [^`\n]*)?)(?=`|$)", text, re.MULTILINE):
        yield found[1].split("  #")[0].strip()


def verbs() -> set[str]:
    """Return the verbs that the README names, and that `--help` must know."""
    words = {command.split(" ")[0] for command in commands_of((ROOT / "README.md").read_text(encoding="utf-8"))}
    return {word for word in words if re.fullmatch(r"[a-z]+", word)}


def runnable() -> list[str]:
    """Return the commands to run: those of the README that end by themselves, and `ALWAYS`."""
    written = (ROOT / "README.md").read_text(encoding="utf-8")
    whole = [command for command in commands_of(written) if not PLACEHOLDER.search(command)]
    looks = [command for command in whole if command.split(" ")[0] in LOOKS]
    return list(dict.fromkeys([*ALWAYS, *looks]))


def try_commands(programs: Path, home: Path, env: dict[str, str]) -> int:
    """Run every command in an empty home; end the check at the first that fails. Return how many ran."""
    commands = [*runnable(), *(f"{verb} --help" for verb in sorted(verbs()))]
    for command in commands:
        argv = [str(programs / PROGRAM), *shlex.split(command)]
        done = subprocess.run(argv, cwd=home, env=env, capture_output=True, text=True, timeout=60)
        if done.returncode < 0 or done.returncode in NOT_FINE or "Traceback" in done.stderr:
            sys.exit(f"{done.stderr}FAILED with {done.returncode}: {PROGRAM} {command}")
    return len(commands)


def try_demo(programs: Path, home: Path, env: dict[str, str]) -> None:
    """Start the demo, look at it with `check` as it says, and stop it."""
    argv = [str(programs / PROGRAM), "demo", "--no-ui", "--workers", "2"]
    demo = subprocess.Popen(argv, cwd=home, env=env, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    watchdog = threading.Timer(60, demo.kill)
    watchdog.start()
    try:
        said = next((line for line in demo.stdout if line.startswith("watch it:")), "")
        config = re.search(r"--config (\S+)", said)
        if config is None:
            sys.exit("FAILED: the demo did not say how to watch it")
        check = [str(programs / PROGRAM), "--config", config[1], "check", "--for", "3s", "--json"]
        done = subprocess.run(check, cwd=home, env=env, capture_output=True, text=True, timeout=60)
        if done.returncode not in range(4) or '"verdict"' not in done.stdout:
            sys.exit(f"{done.stderr}FAILED with {done.returncode}: {PROGRAM} check on the demo")
    finally:
        watchdog.cancel()
        demo.send_signal(signal.SIGTERM)
        demo.wait(timeout=60)


def try_shared_files(home: Path) -> list[str]:
    """Read the man page and the completions with the programs that use them; return the programs that are missing."""
    readers = {
        "man": ["-l", "--warnings", str(home / "share/man/man1" / f"{PROGRAM}.1")],
        "bash": ["-n", str(home / "share/bash-completion/completions" / PROGRAM)],
        "zsh": ["-n", str(home / "share/zsh/site-functions" / f"_{PROGRAM}")],
        "fish": ["--no-execute", str(home / "share/fish/vendor_completions.d" / f"{PROGRAM}.fish")],
    }
    missing = []
    for program, arguments in readers.items():
        if not Path(arguments[-1]).is_file():
            sys.exit(f"FAILED: the wheel installs no {arguments[-1]}")
        if shutil.which(program) is None:
            missing.append(program)
        else:
            run(program, *arguments)
    return missing


def main() -> None:
    number = version()
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    print(f"{PROGRAM} {number} of {urls['Source']}")
    wheel = build(number)
    print("built sdist and wheel; twine finds nothing wrong")
    with tempfile.TemporaryDirectory(prefix="metabonk-release-") as folder:
        environment, home = Path(folder) / "environment", Path(folder) / "home"
        home.mkdir()
        programs = install(wheel, environment)
        print("installed into an empty environment, dependencies by their hashes")
        env = {
            "PATH": f"{programs}:{os.environ.get('PATH', '')}",
            "HOME": str(home),
            "METABONK_TUI_STATE_DIR": str(home / "state"),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        print(f"{try_commands(programs, home, env)} commands ran")
        try_demo(programs, home, env)
        print("the demo ran, and `check` judged it")
        missing = try_shared_files(environment)
        print("man page and completions were read" + (f", but not by {', '.join(missing)}" if missing else ""))
    for path in sorted(DIST.iterdir()):
        print(f"ready: sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")


if __name__ == "__main__":
    main()
