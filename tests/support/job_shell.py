"""A shell with job control and one job, the monitor. It takes the terminal when the job stops; Enter resumes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def main() -> int:
    """Run `metabonk_tui ARGUMENTS` as a foreground job; return its exit code."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = subprocess.Popen([sys.executable, "-m", "metabonk_tui", *sys.argv[1:]], process_group=0)
    while True:
        os.tcsetpgrp(0, job.pid)
        os.killpg(job.pid, signal.SIGCONT)
        _, status = os.waitpid(job.pid, os.WUNTRACED)
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        print("\r\njob stopped, Enter resumes it", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    sys.exit(main())
