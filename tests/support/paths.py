"""Names the paths of the checkout, the stored screens, and the recordings beside the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEST_DATA = ROOT / "tests" / "data"
UI_GOLDEN = ROOT / "tests" / "ui" / "golden"
REPORT_GOLDEN = ROOT / "tests" / "cli" / "golden"
SHARED_DATA = ROOT.parent / "shared" / "data"
