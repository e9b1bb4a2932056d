"""What a killed run left unpacked or spilled may hold raw user ids: the next one removes it first."""

from pathlib import Path

from pipelines.config import load_settings
from pipelines.warehouse.database import discard_spills


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    settings.make_home()
    scratch = settings.state / "landing-scratch"
    scratch.mkdir()
    for left in (settings.spill / "duckdb_temp_storage-0.tmp", scratch / "decoded.csv"):
        left.write_text("buyer-1")
    discard_spills(settings)
    assert settings.spill.is_dir()
    assert [path for path in settings.state.rglob("*") if path.is_file()] == []
