"""Holds every fault, and writes the table of docs/reliability.md."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.fault import Fault
from tests.faults.rows import hosts, inputs, memory, network, processes, ray, slurm, storage, terminal
from tests.support.paths import ROOT

PARTS: tuple[tuple[str, tuple[Fault, ...]], ...] = (
    ("Workers and network", network.FAULTS),
    ("Several hosts", hosts.FAULTS),
    ("Clusters", (*slurm.FAULTS, *ray.FAULTS)),
    ("Memory", memory.FAULTS),
    ("Processes", processes.FAULTS),
    ("Terminal", terminal.FAULTS),
    ("Recordings, disks and clocks", storage.FAULTS),
    ("Files from people, and limits of the machine", inputs.FAULTS),
)
FAULTS: tuple[Fault, ...] = tuple(fault for _, part in PARTS for fault in part)
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"


def markdown() -> str:
    """Return the tables of the document, a part each."""
    lines: list[str] = []
    for title, part in PARTS:
        lines += [
            f"### {title}",
            "",
            "| id | fault | injected by | promised | tests |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{one.id}` | {one.fault} | {one.injected} | {one.promised} | {_files([*one.tests, *one.twin])} |"
            for one in part
        ]
        lines.append("")
    return "\n".join(lines).rstrip()


def _files(nodes: Sequence[str]) -> str:
    """Name the files of the tests, without their common folder."""
    files = dict.fromkeys(node.split("::")[0].removeprefix("tests/").removesuffix(".py") for node in nodes)
    return ", ".join(f"`{file}`" for file in files)


def between(text: str, begin: str, end: str) -> str:
    """Return what a document has between two marks."""
    return text.partition(begin)[2].partition(end)[0].strip()


def write_document() -> None:
    """Replace the tables in the document."""
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(BEGIN)
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{markdown()}\n\n{END}{rest.partition(END)[2]}")
