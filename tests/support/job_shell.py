"""A shell with job control and one job, the monitor. It takes the terminal when the job stops; Enter resumes it.

JOB_BESIDE is another command of the same job, as a list in JSON, as after `other & metabonk-tui` in a script.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys


def main() -> int:
    """Run `metabonk_tui ARGUMENTS` as a foreground job; return its exit code."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = subprocess.Popen([sys.executable, "-m", "metabonk_tui", *sys.argv[1:]], process_group=0)
    if beside := os.environ.get("JOB_BESIDE"):
        subprocess.Popen(json.loads(beside), process_group=job.pid, stdin=subprocess.DEVNULL)
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
