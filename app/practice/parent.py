"""A process that ends with the one that started it, also where that one is killed."""

from __future__ import annotations

import os
import signal
import sys
from ctypes import CDLL

_DIES_WITH_ITS_PARENT = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def end_with(parent: int) -> None:
    """End when the process with this id does. Linux only: elsewhere this one outlives one that is killed."""
    if sys.platform == "linux":
        CDLL(None).prctl(_DIES_WITH_ITS_PARENT, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit()  # it was killed before this could be asked for
