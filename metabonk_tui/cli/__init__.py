"""Implements the command line, one module per verb. Only this package wires adapters, core, engine and screens."""
