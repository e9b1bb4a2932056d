"""Files in the landing folder become decoded, typed, keyed raw tables; what cannot be loaded is held back and booked."""

from pipelines.landing.loading import FileResult, LoadReport, load_landing

__all__ = ["FileResult", "LoadReport", "load_landing"]
