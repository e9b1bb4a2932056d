"""A disk without room is called so, whichever of its ways the engine takes to say it."""

import errno
import subprocess
import sys
from pathlib import Path

import duckdb

from pipelines.warehouse.database import first_sentence, is_out_of_space

# As in a night: what is written comes first, the checkpoint last; then anything else that is asked.
SCRIPT = """
import resource, signal, sys, duckdb
from pipelines.warehouse.database import first_sentence, is_out_of_space
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
con = duckdb.connect(sys.argv[1])
for statement in ("create table t as select hash(range) as n from range(1_000_000)", "checkpoint", "select 1"):
    try:
        con.execute(statement)
    except duckdb.Error as error:
        print(type(error).__name__, is_out_of_space(error), first_sentence(error))
"""


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "full.duckdb")], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert said and all(" True " in line and "File too large" in line for line in said)


def test_other_failures_are_not_the_disk() -> None:
    assert is_out_of_space(OSError(errno.ENOSPC, "No space left on device"))
    assert not is_out_of_space(OSError(errno.EACCES, "Permission denied"))
    assert not is_out_of_space(duckdb.IOException("IO Error: Could not set lock on file"))
    assert first_sentence(ValueError("one\ntwo")) == "one" and first_sentence(ValueError()) == "ValueError"
