"""The two gates: what comes in (after the load) and what goes out (before the publication).

The expectations are files in `expectations/raw` and `expectations/marts`; nothing here knows a feed or a mart by name.
Keys and identities inside the warehouse are dbt tests, see docs/decisions/0002-two-kinds-of-checks.md.
"""

from pipelines.quality.gates import (
    ExpectationResult,
    GateCheck,
    SuiteResult,
    failure_messages,
    gate_check_specs,
    record_results,
    refusal,
    run_gate,
)

__all__ = [
    "ExpectationResult",
    "GateCheck",
    "SuiteResult",
    "failure_messages",
    "gate_check_specs",
    "record_results",
    "refusal",
    "run_gate",
]
