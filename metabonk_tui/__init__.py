"""metabonk-tui: a terminal monitor for MetaBonk training."""

__version__ = "0.1.0"
