"""What the long runs share: whose results they keep, and an end to what takes too long."""

import signal
from contextlib import contextmanager

from process import LabError, run
from services import ROOT


class TooLong(LabError):
    """A part has passed its limit."""


def commit():
    """What a state folder is named after: results of another program are not ours."""
    try:
        return run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], "git").strip()
    except (LabError, OSError):
        return "unknown"


@contextmanager
def limit(seconds):
    """Raises TooLong in the body after so many seconds."""
    def late(_number, _frame):
        raise TooLong(f"not done after {seconds} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
