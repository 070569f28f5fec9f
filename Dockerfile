# The monitor for a pool that runs on the host, view only. From a checkout:
#
#   docker build -t metabonk-tui .
#   docker run --rm -it --pid=host --network=host --read-only --tmpfs /tmp --cap-drop=ALL \
#     --security-opt no-new-privileges --user "$(id -u):$(id -g)" \
#     -e TERM -e COLORTERM -v "$HOME/.local/state/metabonk-tui:/state" metabonk-tui
#
# --pid=host and --network=host: the monitor sees the workers and their ports. --read-only: nothing in the image changes.
# --user: the kernel shows the environment of your processes only to your user. The state folder must exist before.
# Where AppArmor confines containers, add --security-opt apparmor=unconfined, or environments stay unknown.
# Your own configuration: -v "$HOME/.config/metabonk-tui:/config:ro" -e METABONK_TUI_CONFIG=/config/config.toml
# Another verb replaces the default: docker run ... metabonk-tui check --json
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/metabonk-tui \
    && /opt/metabonk-tui/bin/pip install --no-cache-dir --require-hashes -r release/requirements.txt \
    && /opt/metabonk-tui/bin/pip install --no-cache-dir --no-deps . \
    && /opt/metabonk-tui/bin/python -m compileall -q /opt/metabonk-tui

FROM python:3.13-slim
COPY --from=build /opt/metabonk-tui /opt/metabonk-tui
ENV PATH=/opt/metabonk-tui/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    LANG=C.UTF-8 \
    METABONK_TUI_STATE_DIR=/state
USER 65534
ENTRYPOINT ["metabonk-tui"]
# The keys that act on the pool are off.
CMD ["--read-only"]
