"""Lists every decision record in the navigation of the site, so that a new one needs no line there.

mkdocs calls `on_config`. Does not: change a page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

TITLE = "Decisions"


def on_config(config: Any) -> Any:
    """Fill the section of the decisions."""
    folder = Path(config["docs_dir"])
    records = [str(path.relative_to(folder)) for path in sorted((folder / "decisions").glob("*.md"))]
    for section in config["nav"]:
        if isinstance(section, dict) and TITLE in section:
            section[TITLE] = records
    return config
