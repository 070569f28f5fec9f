"""A file made to do harm runs nothing, is refused by name, and no file of ours can be read or replaced by others."""

import ast
import lzma
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from metabonk_tui.adapters.files.private import ForeignFile
from metabonk_tui.adapters.store import schema
from metabonk_tui.adapters.store.errors import is_broken
from metabonk_tui.adapters.store.follower import Follower
from metabonk_tui.adapters.store.packed_lines import MAX_CHUNK_BYTES, pack_lines
from metabonk_tui.adapters.store.run_directory import UNREADABLE
from metabonk_tui.adapters.store.run_file import RunFile
from metabonk_tui.adapters.store.run_reader import Recording
from metabonk_tui.adapters.store.schema import ForeignSchema, open_to_add, open_to_read, open_to_write
from metabonk_tui.core.model.sample import Event, Sample
from tests.support.paths import ROOT

OPENERS: dict[str, Callable[[Path], sqlite3.Connection]] = {
    "write": open_to_write,
    "add": open_to_add,
    "read": open_to_read,
}


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    path = tmp_path / "run.db"
    written = RunFile(path)
    for number in range(3):
        written.write(Sample(t=float(number)), meta={"summary": {"run": "run"}})
    written.finish()
    return path


def test_one_function_connects() -> None:
    places = [
        f"{path.relative_to(ROOT)}:{function.name}"
        for path in sorted((ROOT / "metabonk_tui").rglob("*.py"))
        if "sqlite3" in (text := path.read_text(encoding="utf-8"))
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "connect"
        if isinstance(node.value, ast.Name) and node.value.id == "sqlite3"
    ]
    assert places == ["metabonk_tui/adapters/store/schema.py:_connect"]


@pytest.mark.parametrize("how", OPENERS)
def test_every_connection_distrusts_the_file(how: str, run_file: Path) -> None:
    with closing(OPENERS[how](run_file)) as connection:
        settings = {
            name: connection.execute(f"PRAGMA {name}").fetchone()
            for name in ("trusted_schema", "cell_size_check", "mmap_size", "query_only")
        }
        assert settings == {
            "trusted_schema": (0,),
            "cell_size_check": (1,),
            "mmap_size": (0,),
            "query_only": (int(how == "read"),),
        }
        assert connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) == schema.MAX_VALUE_BYTES
        for forbidden in ("SELECT load_extension('x')", "ATTACH ':memory:' AS other"):
            with pytest.raises(sqlite3.OperationalError):
                connection.execute(forbidden)


HOSTILE = {
    "a view in place of a table": "DROP TABLE meta; CREATE VIEW meta AS SELECT 'summary' AS key, '{}' AS value;",
    "a trigger": "CREATE TRIGGER spy AFTER INSERT ON inbox BEGIN DELETE FROM chunk; END;",
    "a generated column": "DROP TABLE cache; CREATE TABLE cache (name TEXT, key TEXT, value BLOB AS (upper(name)));",
    "a check with a function": "DROP TABLE inbox; CREATE TABLE inbox (id INTEGER PRIMARY KEY, documents BLOB NOT NULL "
    "CHECK (length(documents) > random()));",
    "an index over an expression": "CREATE INDEX spy ON tail (abs(seq));",
    "a virtual table": "CREATE VIRTUAL TABLE spy USING fts5(x);",
    "another table": "CREATE TABLE spy (x);",
    "a missing table": "DROP TABLE event;",
    "another column": "ALTER TABLE tail ADD COLUMN spy TEXT DEFAULT 'x';",
    "statistics": "CREATE TABLE x (y); CREATE INDEX z ON x (y); INSERT INTO x VALUES (1); ANALYZE; DROP TABLE x;",
}


@pytest.mark.parametrize("how", OPENERS)
@pytest.mark.parametrize("spoil", HOSTILE)
def test_a_hostile_schema_is_refused_by_name(spoil: str, how: str, run_file: Path) -> None:
    with closing(sqlite3.connect(run_file)) as base:
        try:
            base.executescript(HOSTILE[spoil])
        except sqlite3.OperationalError as error:
            pytest.skip(f"SQLite here cannot make it: {error}")
        before = base.execute("SELECT count(*) FROM chunk").fetchone()
    with pytest.raises(
        ForeignSchema, match=r"not a recording: .* is (not of this program|missing or changed)"
    ) as found:
        OPENERS[how](run_file)
    assert is_broken(found.value), "the monitor sets it aside and records on"
    with closing(sqlite3.connect(run_file)) as base:
        assert base.execute("SELECT count(*) FROM chunk").fetchone() == before


def test_a_database_of_another_program_is_not_migrated(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE mail (text TEXT)")
    with pytest.raises(ForeignSchema, match="table 'mail' is not of this program"):
        open_to_write(path)
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT name FROM sqlite_schema").fetchall() == [("mail",)]


def test_a_chunk_that_grows_without_end_is_named_and_left_out(run_file: Path) -> None:
    bomb = lzma.compress(bytes(MAX_CHUNK_BYTES + 1), preset=0)
    with closing(sqlite3.connect(run_file)) as base, base:
        base.execute("INSERT INTO chunk VALUES (4, 63, 3.0, 4.0, 0, ?)", (bomb,))
    with Recording(run_file) as recording:
        assert len(list(recording.samples())) == 3
        assert "samples 4 to 63: damaged" in str(recording.problems)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o277, 0o777])
def test_every_file_is_private_under_any_umask(mask: int, tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with umask(mask):
        written = RunFile(path)
        written.write(Sample(t=1.0), meta={})
        assert modes(tmp_path) == dict.fromkeys(("run.db", "run.db-wal", "run.db-shm"), 0o600)
        with closing(Follower(path)) as follower:
            assert follower.submit((Event(1.0, "check", "ok", "x"),), None)
        written.finish()
    assert modes(tmp_path) == {"run.db": 0o600}


def test_a_recording_that_others_could_read_becomes_private_with_the_first_write(run_file: Path) -> None:
    run_file.chmod(0o644)
    RunFile(run_file).close()
    assert modes(run_file.parent)["run.db"] == 0o600


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _link_log(path: Path) -> None:
    (path.parent / "victim").write_bytes(b"")
    path.with_name(path.name + "-wal").symlink_to("victim")


def _owned_by_another(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 65534, 65534)


def _log_of_another(path: Path) -> None:
    _owned_by_another(path)
    os.chown(path, 0, 0)
    journal = path.with_name(path.name + "-journal")
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
    os.chown(journal, 65534, 65534)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


FOREIGN: dict[str, Callable[[Path], None]] = {
    "a link": _link,
    "a link beside it": _link_log,
    "of another user": _owned_by_another,
    "a journal of another user": _log_of_another,
    "others may write": lambda path: path.chmod(0o666),
    "a pipe": _pipe,
}


@pytest.mark.parametrize("how", ["write", "add"])
@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_foreign_file_is_not_written(foreign: str, how: str, run_file: Path) -> None:
    FOREIGN[foreign](run_file)
    with pytest.raises(ForeignFile):
        OPENERS[how](run_file)


DEEP = "[" * 100_000
META = {
    "a clock of the far future": ("clock", '{"elapsed_s": 1, "t": 1e300, "speed": 1}'),
    "an infinite clock": ("clock", '{"elapsed_s": Infinity, "t": 1, "speed": 1}'),
    "a clock that stands": ("clock", '{"elapsed_s": 1, "t": 1, "speed": 0}'),
    "half a clock": ("clock", '{"t": 1}'),
    "notes without end": ("summary", DEEP),
    "notes that are a list": ("summary", "[]"),
    "a run without a name": ("summary", '{"run": 7}'),
    "a start of the far future": ("summary", '{"started_at": 1e999}'),
}


@pytest.mark.parametrize("meta", META)
def test_damaged_notes_are_a_named_error(meta: str, run_file: Path) -> None:
    with closing(sqlite3.connect(run_file)) as base, base:
        base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", META[meta])
    with Recording(run_file) as recording, pytest.raises(UNREADABLE):
        recording.summary()


@pytest.mark.parametrize(
    "values",
    [
        (9e999, "check", "ok", "x", None, "{}"),
        (1.0, "check", "ok", "x", None, DEEP),
        (1.0, "check", "ok", "x", None, "[]"),
        (1.0, b"check", "ok", "x", None, "{}"),
    ],
)
def test_a_damaged_event_is_a_named_error(values: tuple[object, ...], run_file: Path) -> None:
    with closing(sqlite3.connect(run_file)) as base, base:
        base.execute("INSERT INTO event (t, kind, severity, text, worker, facts) VALUES (?, ?, ?, ?, ?, ?)", values)
    with Recording(run_file) as recording, pytest.raises(UNREADABLE):
        recording.events()


def test_a_recorded_text_cannot_reach_a_terminal(run_file: Path) -> None:
    line = (
        '{"told":[],"whole":{"t":4.0,"workers":{"0":{"status":{"a\\u001b":"\\u001b]0;x\\u0007","b":"\u202e\u009b"}}}}}'
    )
    with closing(sqlite3.connect(run_file)) as base, base:
        base.execute("INSERT INTO chunk VALUES (4, 4, 4.0, 4.0, 0, ?)", (pack_lines([line.encode()]),))
        base.execute(
            "INSERT INTO event (t, kind, severity, text, facts) VALUES (1.0, 'a\x1b', 'loud', '\x1b[2J', '{}')"
        )
        base.execute("""INSERT OR REPLACE INTO meta VALUES ('summary', '{"run": "\\u001b[2J"}')""")
    with Recording(run_file) as recording:
        texts = repr((list(recording.samples()), recording.events(), recording.summary()))
        assert recording.events()[0].severity == "info"
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(texts)
    assert not any(escaped in texts for escaped in ("\\x1b", "\\x07", "\\u202e", "\\x9b"))


def test_a_header_that_wants_too_many_workers_is_named(run_file: Path) -> None:
    with closing(sqlite3.connect(run_file)) as base, base:
        header = '{"name": "r", "started_at": 1.0, "desired": 1000000000}'
        base.execute("INSERT OR REPLACE INTO meta VALUES ('header', ?)", (header,))
    with Recording(run_file) as recording:
        first = next(recording.samples())
        assert first.run is not None
        assert first.run.desired is None
        assert "1e+09 workers" in str(recording.problems)
