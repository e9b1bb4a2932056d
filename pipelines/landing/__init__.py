"""Files in the landing folder become decoded, typed, keyed raw tables; what cannot be loaded is held back, booked."""

from pipelines.landing.inspecting import Inspection, inspect_all, inspect_file, still_missing
from pipelines.landing.loading import FileResult, LoadReport, load_landing

__all__ = ["FileResult", "Inspection", "LoadReport", "inspect_all", "inspect_file", "load_landing", "still_missing"]
