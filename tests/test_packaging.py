"""Checks what a release is made of: metadata, files that are written from the parsers, pinned versions."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from metabonk_tui import __version__
from tests.support.paths import ROOT

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
SOURCE = PROJECT["urls"]["Source"]
RELEASE = ROOT / "release"
WORKFLOWS = ROOT / ".github" / "workflows"
LOCKED = re.compile(
    r"^([\w.-]+)==([^ ;]+)(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def load(name: str) -> ModuleType:
    """Import a module of `release/`, which is no package."""
    spec = importlib.util.spec_from_file_location(f"release_{name}", RELEASE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def locked(name: str) -> dict[str, str]:
    """Return the version of each package in a lock file; fail if a package has no hash."""
    text = (RELEASE / name).read_text(encoding="utf-8")
    found = {canonicalize_name(package): version for package, version, _ in LOCKED.findall(text)}
    assert len(found) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)), "a package without a hash"
    return found


SHARE = load("share")


@pytest.mark.parametrize("name", SHARE.FILES)
def test_man_page_and_completions_are_those_of_the_parsers(name: str) -> None:
    written = (SHARE.SHARE / name).read_text(encoding="utf-8")
    assert written == SHARE.FILES[name](), "a verb or an option changed: run `make share`"


def test_nothing_else_is_shared() -> None:
    files = {str(path.relative_to(SHARE.SHARE)) for path in SHARE.SHARE.rglob("*") if path.is_file()}
    assert files == set(SHARE.FILES)


def test_the_version_is_declared_in_the_package_alone() -> None:
    assert "version" in PROJECT["dynamic"]
    assert "version" not in PROJECT
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", changelog, re.MULTILINE)
    assert sections[0] == ("Unreleased", "")
    assert sections[1][0] == __version__
    assert all(date for _, date in sections[1:])
    assert f"\npkgver={__version__}\n" in (RELEASE / "aur" / "PKGBUILD").read_text()
    assert f"metabonk_tui-{__version__}.tar.gz" in (RELEASE / "homebrew" / "metabonk-tui.rb").read_text()


def test_each_section_of_the_changelog_has_its_link_at_the_end() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)
    links = changelog.rstrip().splitlines()[-len(versions) :]
    assert [re.sub(r"^\[(.+?)\]: .*", r"\1", line) for line in links] == versions
    assert links[0] == f"[Unreleased]: {SOURCE}/compare/v{versions[1]}...HEAD"


def test_the_address_of_the_project_is_the_same_everywhere() -> None:
    assert all(url.startswith(SOURCE) for url in PROJECT["urls"].values())
    texts = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / ".github").rglob("*.yml"),
        ROOT / "Dockerfile",
    ]
    texts += [path for path in RELEASE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    name = PROJECT["name"]
    addresses = {
        (str(path.relative_to(ROOT)), url)
        for path in texts
        for url in re.findall(rf"https://github\.com/[\w-]+/{name}\b", path.read_text(encoding="utf-8"))
    }
    assert len(addresses) >= 4
    assert {url for _, url in addresses} == {SOURCE}, addresses


def test_the_tested_pythons_are_those_that_the_metadata_names() -> None:
    named = [entry.rsplit(" ", 1)[1] for entry in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", entry)]
    (matrix,) = re.findall(r"^ +python: \[(.+)\]$", (WORKFLOWS / "ci.yml").read_text(), re.MULTILINE)
    assert re.findall(r'"([\d.]+)"', matrix) == named
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_only_the_publishing_job_may_have_a_token_and_it_runs_no_code_of_ours() -> None:
    release = (WORKFLOWS / "release.yml").read_text()
    before, job = release.split("\n  publish:\n")
    assert "id-token: write" in job
    assert not re.search(r"\brun:|checkout", job)
    for text in (before, (WORKFLOWS / "ci.yml").read_text()):
        assert "permissions:\n  contents: read\n" in text
        assert "write" not in text
        assert "secrets." not in text


def test_every_dependency_is_pinned_by_hashes() -> None:
    extras = PROJECT["optional-dependencies"]
    for name, wanted in (
        ("requirements.txt", [*PROJECT["dependencies"], *extras["gpu"], *extras["metrics"], *extras["web"]]),
        ("requirements-dev.txt", [*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)]),
    ):
        pinned = locked(name)
        for line in wanted:
            requirement = Requirement(line)
            version = pinned.get(canonicalize_name(requirement.name))
            assert version is not None, f"{line} is not in release/{name}: run `make lock`"
            assert requirement.specifier.contains(version), f"{line} and {version} in release/{name}: run `make lock`"


def test_the_pinned_versions_are_those_of_the_constraints() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    tested = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines}
    pinned = locked("requirements-dev.txt")
    assert {name: pinned.get(name) for name in tested} == tested, "run `make lock`"
    users = locked("requirements.txt")
    assert users == {name: pinned[name] for name in users}


README = load("readme")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("see [keys](docs/keys.md)", "see [keys](S/blob/v1/docs/keys.md)"),
        ("[a](docs/x.md#b) [c](./LICENSE)", "[a](S/blob/v1/docs/x.md#b) [c](S/blob/v1/LICENSE)"),
        ("[why](docs/decisions/)", "[why](S/tree/v1/docs/decisions/)"),
        ("[below](#replay)", "[below](S/blob/v1/README.md#replay)"),
        ("![STOP](docs/p.svg)", "![STOP](R/v1/docs/p.svg)"),
        ('<img alt="x" src="docs/p.svg">', '<img alt="x" src="R/v1/docs/p.svg">'),
        ('<a href="docs/x.md">', '<a href="S/blob/v1/docs/x.md">'),
        ("[m](https://example.org/a) [n](mailto:a@b)", "[m](https://example.org/a) [n](mailto:a@b)"),
        ("```\n[a](b)\n```\n[a](b)", "```\n[a](b)\n```\n[a](S/blob/v1/b)"),
    ],
)
def test_a_link_leads_to_the_tag_in_the_repository(written: str, expected: str) -> None:
    source, raw = "https://github.com/o/p", "https://raw.githubusercontent.com/o/p"
    expected = expected.replace("S/", f"{source}/").replace("R/", f"{raw}/")
    assert README.with_absolute_links(written, source, "v1") == expected


def test_every_file_that_a_link_of_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = {found["target"].split("#")[0] for found in README.LINK.finditer(text)}
    local = {target for target in targets if target and not README.ABSOLUTE.match(target)}
    assert not [target for target in local if not (ROOT / target).exists()]


CHECK = load("check")


def test_the_release_check_reads_the_commands_of_a_text() -> None:
    text = (
        "`metabonk-tui check --json` or\n```\nmetabonk-tui doctor  # looks\nmetabonk-tui\n```\n`metabonk-tui runs`, x"
    )
    assert list(CHECK.commands_of(text)) == ["check --json", "doctor", "", "runs"]


def test_the_release_check_runs_nothing_that_acts_or_stays_open() -> None:
    verbs = {command.split(" ")[0] for command in CHECK.runnable()}
    assert not verbs & {"", "watch", "launch", "stop", "resize", "record", "serve", "replay", "demo", "setup"}
    assert {"doctor", "status", "config"} <= verbs


def test_the_issue_forms_ask_for_doctor() -> None:
    forms = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    assert len(forms) >= 3
    assert not [path.name for path in forms if "metabonk-tui doctor" not in path.read_text()]


def test_the_image_only_watches_and_installs_by_hashes() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert 'CMD ["--read-only"]' in text
    assert "--require-hashes -r release/requirements.txt" in text
    assert re.search(r"^USER \d+$", text, re.MULTILINE)


NO_TELEMETRY = (
    "no telemetry. Its only network traffic goes to your workers, the orchestrator, Ollama and what you configure."
)


@pytest.mark.parametrize("path", ["README.md", "SECURITY.md", "docs/security.md", "docs/install.md"])
def test_it_is_said_that_there_is_no_telemetry(path: str) -> None:
    assert NO_TELEMETRY in " ".join((ROOT / path).read_text(encoding="utf-8").split())
