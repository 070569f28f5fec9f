"""Names the programs that keep the sessions of a person or serve the whole machine.

Does not: read processes, or decide what may be signalled.
"""

from __future__ import annotations

from collections.abc import Sequence

from metabonk_tui.adapters.process.command_line import Program

KEEPERS = frozenset(
    {
        *("tmux", "screen", "zellij", "dtach", "abduco", "byobu", "mosh-server", "login", "su"),
        *("sshd", "sshd-session", "sshd-auth", "dropbear", "ttyd", "gotty"),
        *("systemd", "(sd-pam)", "init", "dbus-daemon", "dbus-broker", "dbus-broker-launch", "ssh-agent", "gpg-agent"),
        *("cron", "crond", "atd", "slurmstepd", "slurmd", "raylet", "gcs_server"),
        *("dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "conmon", "crio", "kubelet"),
        *("emacs", "code", "code-server", "code-tunnel", "gnome-shell", "adb"),
        *(
            "xterm",
            "konsole",
            "gnome-terminal-server",
            "kitty",
            "alacritty",
            "wezterm-gui",
            "wezterm-mux-server",
            "foot",
        ),
        *("jupyter", "jupyter-lab", "jupyter-notebook", "jupyterhub", "jupyterhub-singleuser", "jupyter-server"),
        *("ipython", "ipython3", "marimo", "xpython"),
        # The first worker with sound starts the sound server, and a launcher that shows its page starts the browser.
        *("pulseaudio", "pipewire", "pipewire-pulse", "pipewire-media-session", "wireplumber"),
        *("gnome-keyring-daemon", "kwalletd5", "kwalletd6", "gvfsd", "dconf-service", "xdg-desktop-portal"),
        *("firefox", "firefox-bin", "firefox-esr", "librewolf", "chrome", "google-chrome", "chromium"),
        *("chromium-browser", "brave", "msedge", "opera", "vivaldi-bin", "epiphany", "konqueror", "falkon"),
    }
)
"""Programs that keep the sessions of a person or serve the whole machine: never signalled, however they started.

All of them run once for each user. A person uses what our launch happened to start.
"""
KEEPER_MODULES = frozenset(
    {
        *("ipykernel_launcher", "ipykernel", "colab_kernel_launcher", "spyder_kernels", "IPython"),
        *(
            "jupyter",
            "jupyterlab",
            "jupyter_server",
            "jupyterhub",
            "jupyter_client",
            "notebook",
            "nbclassic",
            "marimo",
        ),
    }
)
_CUT = frozenset(name[:15] for name in KEEPERS)
"""The names as the kernel keeps them."""
_OF_NODE = KEEPERS | {
    "vscode-server",
    ".vscode-server",
    ".cursor-server",
    ".windsurf-server",
    "configurable-http-proxy",
}
"""Parts of the path of a script that node runs."""
REAPERS = frozenset({"systemd", "init"})
"""Keepers that adopt orphans: what is below them need not be theirs."""


def kept_by(command_line: Sequence[str], name: str, program: Program) -> str:
    """Return the keeper that a process is; "" for any other. `name` is the kernel's, cut at 15 bytes."""
    base = command_line[0].rpartition("/")[2] if command_line else ""
    for found in (base.partition(":")[0].partition(" ")[0].removeprefix("-"), name.partition(":")[0]):
        if found in KEEPERS or found.lower() in KEEPERS or found in _CUT:
            return found.lower()
    if base == "node":
        return next((part for part in "/".join(command_line[1:2]).split("/") if part in _OF_NODE), "")
    script = program.names[-1]
    is_keeper = program.is_python and (script.partition(".")[0] in KEEPER_MODULES or script in KEEPERS)
    return script if is_keeper else ""
