import pytest

from bench.machine import MOST_FOREIGN, Busyness, CpuTotals, busyness, description, totals, why_too_busy


@pytest.mark.parametrize(
    ("after", "share"),
    [
        (CpuTotals(at_s=10.0, busy_s=20.0, own_s=2.0), 1.0),
        (CpuTotals(at_s=10.0, busy_s=4.0, own_s=2.0), 0.1),
        (CpuTotals(at_s=10.0, busy_s=0.0, own_s=0.0), 0.0),
        (CpuTotals(at_s=10.0, busy_s=5.0, own_s=7.0), 0.0),
    ],
    ids=["full", "own work does not count", "idle", "own work that the kernel booked late"],
)
def test_only_the_work_of_others_makes_a_machine_busy(after: CpuTotals, share: float) -> None:
    before = CpuTotals(at_s=0.0, busy_s=0.0, own_s=2.0 if share == 1.0 else 0.0)
    assert busyness(before, after, 0.5, 2).foreign_share == pytest.approx(share)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Busyness(0.0, 0.0, 2), []),
        (Busyness(MOST_FOREIGN, 3.0, 2), []),
        (Busyness(0.42, 0.0, 2), ["42%", "15%"]),
        (Busyness(0.0, 3.1, 2), ["3.1", "3.0"]),
        (Busyness(0.0, 3.1, 4), []),
        (Busyness(0.9, 9.0, 2), ["90%", "9.0"]),
    ],
)
def test_a_busy_machine_is_refused_with_what_was_measured(seen: Busyness, words: list[str]) -> None:
    reason = why_too_busy(seen)
    assert bool(reason) == bool(words)
    assert [word for word in words if word not in reason] == []


def test_the_counters_of_the_kernel_never_fall() -> None:
    first, second = totals(), totals()
    assert second.at_s >= first.at_s
    assert second.busy_s >= first.busy_s
    assert second.own_s >= first.own_s


def test_the_machine_is_described() -> None:
    found = description()
    assert set(found) == {"date", "processor", "cores", "memory", "kernel", "python"}
    assert all(found.values())
