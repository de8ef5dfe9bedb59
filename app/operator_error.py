"""What the person who runs Muster can set right: a setting, a folder, a database, a key ring."""

from __future__ import annotations


class OperatorError(Exception):
    """Muster can't do this as it is set up; the text is one sentence that says what would help.

    Any other exception is a defect, and shows its traceback.
    """
