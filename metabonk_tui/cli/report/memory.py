"""What a report says of memory: how low it went, the forecast's own record, and who held what around a kill."""

from __future__ import annotations

from metabonk_tui.cli.report.document import Block, ChartBlock, Paragraph, Table, TableCell, Tone, cells
from metabonk_tui.core.memory.flight_recorder import table
from metabonk_tui.core.report.forecast_accuracy import Prediction
from metabonk_tui.core.report.run_history import RunHistory
from metabonk_tui.core.text.numbers import age, elapsed, gigabytes

OUTCOMES: dict[str, Tone] = {"came true": "strong", "called off": "ok", "overtaken": "muted", "open": "warn"}
RAISED_SHOWN = 8


def memory_blocks(one: RunHistory) -> tuple[Block, ...]:
    """Write it."""
    last, record = one.last, one.forecasts
    memory, start = last.memory, last.run.started_at
    if memory.min_available_bytes is None:
        return (Paragraph(f"not observed; {record.note}"),)
    kills = memory.oom_kills_in_run
    summary = f"lowest available {gigabytes(memory.min_available_bytes, 2)} GB · OOM kills {kills}"
    blocks: list[Block] = [Paragraph(summary, "crit" if kills else ""), ChartBlock("memory")]
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


def _row(one: Prediction, start: float) -> tuple[TableCell, ...]:
    gpu_label = "" if one.gpu is None else f"GPU {one.gpu} "
    ends = "not noted"
    if one.zero_t is not None:
        band = ""
        if one.zero_lo_t is not None and one.zero_hi_t is not None:
            band = f" ±{age((one.zero_hi_t - one.zero_lo_t) / 2)}"
        ends = f"zero at {elapsed(one.zero_t - start)}{band}"
    state = TableCell(gpu_label + one.state, "crit" if one.state == "CRITICAL" else "warn")
    return cells(elapsed(one.t - start), state, ends, TableCell(_outcome(one, start), OUTCOMES[one.outcome]))


def _outcome(one: Prediction, start: float) -> str:
    floor = f"; the floor was reached at {elapsed(one.floor_t - start)}" if one.floor_t is not None else ""
    if one.outcome == "came true" and one.ended_t is not None:
        off = ""
        if one.error_s is not None:
            side = "later" if one.error_s > 0 else "sooner"
            within = {True: ", within its band", False: ", outside its band", None: ""}[one.within_band]
            off = f", {abs(one.error_s) / 60:.1f} min {side} than foretold{within}"
        kill = elapsed(one.ended_t - start)
        return f"came true: OOM kill at {kill}, said {age(one.lead_s or 0.0)} before{off}{floor}"
    if one.outcome == "called off" and one.ended_t is not None:
        return f"called off after {age(one.ended_t - one.t)}{floor}"
    if one.outcome == "overtaken" and one.ended_t is not None:
        return f"overtaken after {age(one.ended_t - one.t)}: learned anew{floor}"
    return f"open when the run ended{floor}"
