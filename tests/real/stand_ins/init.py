"""Process 1 of the namespaces: brings the loopback up, starts the game and Ollama, and reaps every orphan.

`init.py WORK_FOLDER PYTHON`. When it is killed, the kernel kills every process in the namespaces.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1


def bring_up(name: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sH14x", name, 0))
        (flags,) = struct.unpack_from("H", request, 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", name, flags | IFF_UP))


def main(work: Path, python: str) -> None:
    here = Path(__file__).parent
    bring_up(b"lo")
    # Its command line must read like that of Ollama's server: "ollama serve".
    ollama = work / "ollama"
    ollama.symlink_to(here / "ollama.py")
    for name, command in {
        "ollama": [python, str(ollama), "serve"],
        "game": [python, str(here / "game.py"), str(work / "mode")],
    }.items():
        with (work / f"{name}.log").open("wb") as log:
            # Without PYTHONPATH, because the stand-ins for MetaBonk's imports are for MetaBonk only.
            environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
            subprocess.Popen(command, executable=python, stdout=log, stderr=log, env=environment)
    (work / "ready").touch()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
