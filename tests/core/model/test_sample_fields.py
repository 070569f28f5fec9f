"""The table of fields names every field of a Sample that a recording has in the object of the Sample."""

from __future__ import annotations

from metabonk_tui.core.model.host import HostReading
from metabonk_tui.core.model.sample import Sample
from metabonk_tui.core.model.sample_fields import SAMPLE_FIELDS

OF_THEIR_OWN = {"t", "events", "run"}
"""They are lines of their own in a recording, or stand in every line."""


def test_every_field_of_a_sample_is_in_the_table_once() -> None:
    names = [field.name for field in SAMPLE_FIELDS if not field.of_host]
    assert sorted(names) == sorted(set(Sample.__struct_fields__) - OF_THEIR_OWN - {"hosts"})


def test_every_field_of_a_host_is_in_the_table_once() -> None:
    names = [field.name for field in SAMPLE_FIELDS if field.of_host]
    assert sorted(names) == sorted(HostReading.__struct_fields__)
