# SPDX-License-Identifier: GPL-3.0-or-later
"""From a fresh profile: the zip is installed and enabled; every panel is drawn, closed ones too."""

from __future__ import annotations

import json
import os
import sys
import time

import bpy
from press import addon


def steps(hand):
    tried = json.loads(os.environ["NINGYO_TRIED"])
    started = time.perf_counter()
    bpy.ops.extensions.package_install_files(filepath=tried["zip"], repo="user_default", enable_on_install=True)
    hand.note(install_seconds=time.perf_counter() - started, heavy=[name for name in ("numpy", "torch") if name in sys.modules])
    package = addon()
    hand.note(package=package)
    # Closed panels draw nothing, and a region remembers which were closed: all are opened before one is seen.
    drawn: set[str] = set()
    for cls in list(sys.modules[f"{package}.addon"].CLASSES):
        if issubclass(cls, bpy.types.Panel):
            _open(cls, drawn)
    yield from hand.open_tab()
    yield from hand.shot("every-panel")
    yield from hand.open_tab("SEQUENCE_EDITOR")
    yield from hand.shot("sequencer")
    hand.note(drawn=sorted(drawn))
    bpy.ops.wm.save_userpref()


def _open(cls, drawn: set[str]) -> None:
    """Register a panel as an open one, and remember that it was drawn."""
    draw = cls.draw

    def remembering(self, context):
        draw(self, context)
        drawn.add(type(self).__name__)

    bpy.utils.unregister_class(cls)
    cls.draw = remembering
    cls.bl_options = set(getattr(cls, "bl_options", set())) - {"DEFAULT_CLOSED"}
    bpy.utils.register_class(cls)
