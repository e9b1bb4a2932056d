"""What a signal does to a night: the phase at work says so, and SIGTERM is as orderly as Ctrl-C."""

import os
import signal

import duckdb
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from pipelines.orchestration.interrupts import is_interruption, orderly_end


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), DagsterExecutionInterruptedError(), RuntimeError("Query interrupted")]
)
def test_each_way_of_telling_of_a_signal_is_known(error: BaseException) -> None:
    assert is_interruption(error)


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), duckdb.IOException("Query interrupted"), OSError()])
def test_other_errors_are_none(error: BaseException) -> None:
    assert not is_interruption(error)


def test_sigterm_raises_where_the_program_stands_and_only_there() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), orderly_end():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
