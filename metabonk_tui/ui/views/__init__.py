"""What the screens say: pure functions from a Snapshot and how it is looked at to rows of spans.

Refuses to know Textual, colours and clocks; the time of day comes with the Snapshot, its zone with the Look.
"""
