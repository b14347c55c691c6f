# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors whose text is written for the person at the keyboard."""


class UserError(Exception):
    """Something the user can mend. Its text is one sentence that says what is wrong and the way out."""


class Cancelled(Exception):
    """The user asked to stop; state has been, or can be, saved."""
