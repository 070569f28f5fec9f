"""Where the tests find the checkout, the kept screens, and recordings that lie beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEST_DATA = ROOT / "tests" / "data"
UI_GOLDEN = ROOT / "tests" / "ui" / "golden"
REPORT_GOLDEN = ROOT / "tests" / "cli" / "golden"
SHARED_DATA = ROOT.parent / "shared" / "data"
