"""Fuzzes one target for some seconds, guided by coverage where atheris is installed, else by broken seeds.

Prints one line. Exits with 1 when an input fails, and keeps that input beside the seeds.

    python -m tests.fuzz.one TARGET SECONDS
"""

from __future__ import annotations

import hashlib
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random
from types import FrameType
from typing import NoReturn

try:
    import atheris
except ImportError:
    atheris = None
else:
    with atheris.instrument_imports(include=["metabonk_tui"], enable_loader_override=False):
        import tests.fuzz.targets  # noqa: F401

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import CORPUS, TARGETS

HANG_S = 10
LONGEST = 20_000
"""Bytes of one input. A cap of each reader is tested where the reader is."""
MOST_MB = 2048


def main() -> int:
    name, seconds = sys.argv[1], float(sys.argv[2])
    return by_coverage(name, seconds) if atheris else by_seeds(name, seconds)


def keep(name: str, data: bytes) -> Path:
    """Keep an input that failed, as a seed of every later run."""
    path = CORPUS / name / f"found-{hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]}"
    path.write_bytes(data)
    return path


def by_seeds(name: str, seconds: float) -> int:
    """Run the target on broken seeds until the time is over or an input fails."""

    def hangs(number: int, frame: FrameType | None) -> NoReturn:
        raise TimeoutError(f"takes longer than {HANG_S} s")

    seeds = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    signal.signal(signal.SIGVTALRM, hangs)
    random, count, ends = Random(time.time_ns()), 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        data = mutated(random.choice(seeds), random)[:LONGEST]
        count += 1
        signal.setitimer(signal.ITIMER_VIRTUAL, HANG_S)
        try:
            TARGETS[name](data)
        except BaseException as error:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            if isinstance(error, KeyboardInterrupt):
                raise
            traceback.print_exc()
            print(f"{name}: FOUND {type(error).__name__} after {count} inputs, kept as {keep(name, data)}")
            return 1
    print(f"{name}: nothing found in {count} inputs, without coverage")
    return 0


def by_coverage(name: str, seconds: float) -> int:
    """Let atheris look for inputs that reach new code. It ends this process itself."""
    random = Random(time.time_ns())

    def one(data: bytes) -> None:
        try:
            TARGETS[name](data)
        except Exception as error:
            print(f"{name}: FOUND {type(error).__name__}: {error}", flush=True)
            raise

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        # Half of the inputs are broken as a document would be: bytes alone seldom make another number of a field.
        if random.random() < 0.5:
            return bytes(atheris.Mutate(data, longest))
        return mutated(data, random)[:longest]

    with tempfile.TemporaryDirectory(prefix="metabonk-corpus-") as work:
        for path in (CORPUS / name).iterdir():
            shutil.copy(path, work)
        options = [f"-max_total_time={seconds:.0f}", f"-timeout={HANG_S}", f"-rss_limit_mb={MOST_MB}"]
        options += [f"-max_len={LONGEST}", f"-artifact_prefix={CORPUS / name}/found-", "-print_final_stats=0"]
        atheris.Setup([sys.argv[0], *options, work], one, custom_mutator=mutate)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
