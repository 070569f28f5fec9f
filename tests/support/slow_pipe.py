"""Runs a command behind a slow line: `slow_pipe.py SECONDS COMMAND...` delays every byte by so long, both ways."""

import os
import subprocess
import sys
import threading
import time
from queue import SimpleQueue


def delayed(source: int, sink: int, delay_s: float) -> None:
    """Copy one pipe to another, each piece so long after it came."""
    pieces: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

    def write() -> None:
        while True:
            due_s, piece = pieces.get()
            time.sleep(max(0.0, due_s - time.monotonic()))
            if not piece:
                os.close(sink)
                return
            while piece:
                piece = piece[os.write(sink, piece) :]

    writer = threading.Thread(target=write)
    writer.start()
    while True:
        piece = os.read(source, 65536)
        pieces.put((time.monotonic() + delay_s, piece))
        if not piece:
            break
    writer.join()


def main() -> int:
    delay_s, command = float(sys.argv[1]), sys.argv[2:]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    there = os.dup(child.stdin.fileno())
    child.stdin.close()
    threading.Thread(target=delayed, args=(0, there, delay_s), daemon=True).start()
    delayed(child.stdout.fileno(), 1, delay_s)
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
