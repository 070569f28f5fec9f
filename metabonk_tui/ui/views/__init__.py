"""Pure functions that draw the screens: from a Frame and a Snapshot to rows of spans.

Does not: use Textual, colours or clocks. The Snapshot carries the time, the Frame the time zone.
"""
