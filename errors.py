# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors whose text is written for the person at the keyboard."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """Something the user can mend. Its text is one sentence that says what is wrong and the way out."""


class Cancelled(Exception):
    """The user asked to stop; state has been, or can be, saved."""


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names in a sentence, at most so many of them."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
