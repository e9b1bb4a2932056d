"""An expectation over many rules that one query counts. Importing this module imports Great Expectations."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation


class CountedExpectation(UnexpectedRowsExpectation):
    """Holds when the query, a row for each rule with its name and the rows that break it, counts none.

    The library spends milliseconds on every expectation, however small its SQL, and its own class runs a query twice,
    for the count and for 200 rows. The observed value is rule → count; the rows of a failure are read by the gate,
    which also knows their file and line.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: dict[str, Any] | None = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        counted = {row["expectation"]: row["broken"] for row in metrics["unexpected_rows_query.table"]}
        return {
            "success": bool(counted) and not any(counted.values()),
            "result": {"observed_value": counted},
        }
