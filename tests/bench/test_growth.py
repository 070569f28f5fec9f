import pytest
from msgspec.structs import replace

from bench.growth import POOLED, ProcessReading, findings

COUNT = 240


def readings(**grows: float) -> list[ProcessReading]:
    """Return a flat run of 24 minutes in which these fields grow by so much over the whole run."""

    def at(name: str, flat: float, share: float) -> float:
        return flat + grows.get(name, 0.0) * share

    return [
        ProcessReading(
            real_s=6.0 * number,
            rss_bytes=int(at("rss_bytes", 60e6, number / COUNT)),
            files=round(at("files", 20, number / COUNT)),
            threads=round(at("threads", 6, number / COUNT)),
            cpu_s=0.5 * number + grows.get("cpu_s", 0.0) * (number / COUNT) ** 2,
            store_bytes=int(20_000 * number + grows.get("store_bytes", 0.0) * (number / COUNT) ** 2),
        )
        for number in range(COUNT)
    ]


def failures(seen: list[ProcessReading]) -> list[str]:
    return [found.text for found in findings(seen) if not found.met]


@pytest.mark.parametrize(
    ("grows", "failed"),
    [
        ({}, []),
        ({"rss_bytes": 5e6}, []),
        ({"rss_bytes": 12e6}, ["RSS"]),
        ({"rss_bytes": 40e6}, ["RSS", "RSS slope"]),
        ({"files": 8}, ["open files"]),
        ({"threads": 3 * POOLED}, ["open threads"]),
        ({"cpu_s": 200.0}, ["CPU"]),
        ({"store_bytes": 4e6}, ["the store grew"]),
        ({"store_bytes": 1e5}, []),
    ],
)
def test_what_grows_is_found(grows: dict[str, float], failed: list[str]) -> None:
    found = failures(readings(**grows))
    assert len(found) == len(failed)
    assert all(text.startswith(begin) for text, begin in zip(found, failed, strict=True))


def test_a_file_that_is_open_for_a_moment_is_no_growth() -> None:
    seen = [
        ProcessReading(
            one.real_s, one.rss_bytes, one.files + (number % 7 == 0), one.threads, one.cpu_s, one.store_bytes
        )
        for number, one in enumerate(readings())
    ]
    assert failures(seen) == []


def test_a_store_that_was_not_written_in_the_last_quarter_is_not_judged() -> None:
    stands = [replace(seen, store_bytes=5) for seen in readings()]
    assert [found.text[:9] for found in findings(stands) if found.met is None] == ["the store"]
    assert None not in [found.met for found in findings(readings())]
