"""Makes the README of a package: its links lead to the repository, because an index shows the text without its files.

Does not: change README.md. Hatchling runs this at every build (`pyproject.toml`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"""(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)(?P<title>\s+"[^"]*")?\)""")
ATTRIBUTE = re.compile(r"""\b(?P<name>src|srcset|href)="(?P<target>[^"]+)\"""")
ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
FENCE = "```"
RAW_HOST = "https://raw.githubusercontent.com/"
WEB_HOST = "https://github.com/"


def absolute(target: str, source: str, ref: str, *, picture: bool) -> str:
    """Return where a link of README.md leads in the repository at `ref`; a full address stays as it is."""
    if ABSOLUTE.match(target):
        return target
    if target.startswith("#"):
        return f"{source}/blob/{ref}/README.md{target}"
    path = target.removeprefix("./")
    if picture:
        return f"{source.replace(WEB_HOST, RAW_HOST)}/{ref}/{path}"
    return f"{source}/{'tree' if path.endswith('/') else 'blob'}/{ref}/{path}"


def with_absolute_links(text: str, source: str, ref: str) -> str:
    """Return the text with every link and picture made absolute; code blocks are left alone."""

    def of_link(found: re.Match[str]) -> str:
        target = absolute(found["target"], source, ref, picture=bool(found["image"]))
        return f"{found['image']}[{found['text']}]({target}{found['title'] or ''})"

    def of_attribute(found: re.Match[str]) -> str:
        picture = found["name"] != "href"
        return f'{found["name"]}="{absolute(found["target"], source, ref, picture=picture)}"'

    lines, in_code = [], False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith(FENCE):
            in_code = not in_code
        lines.append(line if in_code else ATTRIBUTE.sub(of_attribute, LINK.sub(of_link, line)))
    return "".join(lines)


class ReadmeHook(MetadataHookInterface):
    """Sets `readme`, with the tag of this version in its links."""

    def update(self, metadata: dict[str, Any]) -> None:
        root = Path(self.root)
        version = re.search(
            r'^__version__ = "(.+)"$', (root / "metabonk_tui" / "__init__.py").read_text(), re.MULTILINE
        )
        assert version is not None
        text = (root / "README.md").read_text(encoding="utf-8")
        source = metadata["urls"]["Source"]
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_absolute_links(text, source, f"v{version[1]}"),
        }
