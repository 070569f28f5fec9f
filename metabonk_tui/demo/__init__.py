"""A small MetaBonk made of real processes: the outside world, for `make demo` and for tests.

Imports nothing of the monitor, and the monitor knows it only as a program with arguments.
"""
