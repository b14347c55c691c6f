# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of arguments that several verbs take; argparse turns their errors into exit code 2."""

from __future__ import annotations

import argparse
import math


def positive_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def positive_integer(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return number


def person_id(text: str) -> int:
    """The id of a person in a pose track; `main` is 0."""
    number = 0 if text == "main" else int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is neither `main` nor the id of a person, 0 or above")
    return number
