# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's catalogues in Blender. What is missing in one of them stays English."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy

from . import language

# A file a language, called as Blender calls it: texts by their context, "*" the usual one, "Operator" that of buttons' names, and ours.
LANGUAGES: dict[str, dict[str, dict[str, str]]] = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted(Path(__file__).with_name("languages").glob("*.json"))
}
CATALOGUE: Any = {
    name: {(context, text): translated for context, texts in words.items() for text, translated in texts.items()}
    for name, words in LANGUAGES.items()
}


def translate(text: str) -> str:
    """As the interface has it: by our own context first, for Blender's catalogues come before add-ons' in all others."""
    look_up: Any = bpy.app.translations.pgettext_iface  # whose stub returns nothing
    ours: str = look_up(text, language.CONTEXT)
    return ours if ours != text else look_up(text)


def register() -> None:
    bpy.app.translations.register(__name__, CATALOGUE)
    language.speak(translate)


def unregister() -> None:
    language.speak()
    bpy.app.translations.unregister(__name__)
