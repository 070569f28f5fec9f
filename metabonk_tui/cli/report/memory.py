"""Builds the memory section of a report: lowest value, forecast accuracy, memory per process around an OOM kill."""

from __future__ import annotations

from metabonk_tui.cli.report.document import Block, ChartBlock, Paragraph, Table, TableCell, Tone, cells
from metabonk_tui.core.memory.flight_recorder import table
from metabonk_tui.core.model.snapshot import Snapshot
from metabonk_tui.core.report.forecast_accuracy import Prediction
from metabonk_tui.core.report.run_history import RunHistory
from metabonk_tui.core.text.numbers import age, elapsed, gigabytes

OUTCOMES: dict[str, Tone] = {"came true": "strong", "called off": "ok", "overtaken": "muted", "open": "warn"}
RAISED_SHOWN = 8


def memory_blocks(history: RunHistory) -> tuple[Block, ...]:
    last, record = history.last, history.forecasts
    memory, start = last.run_memory, last.run.started_at
    if memory.min_available_bytes is None:
        return (Paragraph(f"not observed; {record.note}"),)
    kills = memory.known_kills
    counted = "not observed" if kills is None else str(kills)
    summary = f"lowest available {gigabytes(memory.min_available_bytes, 2)} GB · OOM kills {counted}"
    blocks: list[Block] = [Paragraph(summary, "crit" if kills else "")]
    if last.has_several_hosts:
        blocks.append(_hosts(last))
    blocks.append(ChartBlock("memory"))
    if record.note:
        blocks.append(Paragraph(record.note, "muted"))
    if record.raised:
        rows = tuple(_row(each, start) for each in record.raised[-RAISED_SHOWN:])
        blocks.append(Table(("forecast", "", "foretold", "what came of it"), rows, (0,)))
        more = len(record.raised) - RAISED_SHOWN
        if more > 0:
            blocks.append(Paragraph(f"{more} earlier forecasts in --json", "muted"))
    blocks += [Paragraph(f"not foretold: the OOM kill at {elapsed(t - start)}", "crit") for t in record.missed_t]
    if memory.swap is not None and memory.swap.level in ("warn", "crit"):
        blocks.append(Paragraph(memory.swap.text))
    box = memory.black_box
    if box is not None:
        blocks.append(Paragraph(f"black box around the kill at {elapsed(box.kill_t - start)}"))
        heads, *rest = table(box)
        box_rows = tuple(cells(*row) for row in rest)
        blocks.append(Table(tuple(heads), box_rows, tuple(range(1, len(heads))), prose=False))
    if memory.kernel_log is not None and kills:
        blocks.append(Paragraph(f"kernel log: {memory.kernel_log}", "muted"))
    return tuple(blocks)


def _hosts(last: Snapshot) -> Table:
    """Return a row for each host: how it answered at the end, its lowest memory, its kills."""
    rows = []
    for name, host in sorted(last.hosts.items()):
        link, least = host.link, host.memory.min_available_bytes
        state = "UP" if link is None else link.state if not link.reason else f"{link.state}: {link.reason}"
        lowest = "not observed" if least is None else f"{gigabytes(least, 2)} GB"
        kills = "not observed" if host.memory.known_kills is None else str(host.memory.known_kills)
        rows.append(cells(name, TableCell(state, "" if host.is_seen else "crit"), lowest, kills))
    return Table(("host", "", "lowest", "OOM kills"), tuple(rows), (3,))


def _row(prediction: Prediction, start: float) -> tuple[TableCell, ...]:
    gpu_label = "" if prediction.gpu is None else f"GPU {prediction.gpu} "
    ends = "not noted"
    if prediction.zero_t is not None:
        band = ""
        if prediction.zero_lo_t is not None and prediction.zero_hi_t is not None:
            band = f" ±{age((prediction.zero_hi_t - prediction.zero_lo_t) / 2)}"
        ends = f"zero at {elapsed(prediction.zero_t - start)}{band}"
    state = TableCell(gpu_label + prediction.state, "crit" if prediction.state == "CRITICAL" else "warn")
    return cells(
        elapsed(prediction.t - start),
        state,
        ends,
        TableCell(_outcome(prediction, start), OUTCOMES[prediction.outcome]),
    )


def _outcome(prediction: Prediction, start: float) -> str:
    floor = (
        f"; the floor was reached at {elapsed(prediction.floor_t - start)}" if prediction.floor_t is not None else ""
    )
    if prediction.outcome == "came true" and prediction.ended_t is not None:
        off = ""
        if prediction.error_s is not None:
            side = "later" if prediction.error_s > 0 else "sooner"
            within = {True: ", within its band", False: ", outside its band", None: ""}[prediction.within_band]
            off = f", {abs(prediction.error_s) / 60:.1f} min {side} than foretold{within}"
        kill = elapsed(prediction.ended_t - start)
        return f"came true: OOM kill at {kill}, said {age(prediction.lead_s or 0.0)} before{off}{floor}"
    if prediction.outcome == "called off" and prediction.ended_t is not None:
        return f"called off after {age(prediction.ended_t - prediction.t)}{floor}"
    if prediction.outcome == "overtaken" and prediction.ended_t is not None:
        return f"overtaken after {age(prediction.ended_t - prediction.t)}: learned anew{floor}"
    return f"open when the run ended{floor}"
