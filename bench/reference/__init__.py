"""Programs that the monitor is measured against. None of them uses the monitor's code."""
