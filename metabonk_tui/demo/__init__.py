"""Runs a small MetaBonk of real processes, for `make demo` and for tests.

Does not: import the monitor. The monitor uses it only as a program with arguments.
"""
