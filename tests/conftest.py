"""What holds for all tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest proofs begin first: at the end they would keep one worker busy while the other waits."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)
