"""Errors a person can cause. The message is one line: what, where, what to do."""


class QuanyuError(Exception):
    """Something outside the code is wrong; the message says what, where and what to do."""


class Refused(QuanyuError):
    """A gate found rows it cannot publish. The last good publication stands.

    `evidence` is printable text, a few failing rows a gate, without raw user ids.
    """

    def __init__(self, message: str, evidence: str = "") -> None:
        super().__init__(message)
        self.evidence = evidence
