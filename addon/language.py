# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads, in their language. No Blender in here: its translating comes in when the add-on is registered.

Blender itself translates what it gets as it stands in the code: names and descriptions of classes and properties, labels, `report`. What is
put together when it is shown, and why a button is grey, goes through `said`.
"""

from __future__ import annotations

from collections.abc import Callable

CONTEXT = "Ningyo"  # of words that mean something else in Blender's own catalogues, as "Face" does
_translate: Callable[[str], str] = str


def speak(translate: Callable[[str], str] = str) -> None:
    """From now on, what is `said` goes through `translate`; without it, everything stays as it is written here."""
    global _translate
    _translate = translate


def said(text: str, /, **values: object) -> str:
    """`text` in the user's language, with its named fields filled in. Values that are words themselves are said before."""
    translated = _translate(text)
    return translated.format(**values) if values else translated
