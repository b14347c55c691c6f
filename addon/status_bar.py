# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
"""The job that is at work, in Blender's status bar."""

from __future__ import annotations

from typing import Any

import bpy

from . import jobs, words
from .language import said


def draw(self: Any, _context: bpy.types.Context) -> None:
    """Nothing while no worker is at work."""
    running = [job for job in jobs.at_work() if job.verb != "doctor"]
    if not running:
        return
    row = self.layout.row()
    row.label(text=words.in_short(running[0]), icon="SORTTIME", translate=False)
    if len(running) > 1:
        row.label(text=said("and {count} more", count=len(running) - 1), translate=False)


def show() -> None:
    bpy.types.STATUSBAR_HT_header.append(draw)


def hide() -> None:
    bpy.types.STATUSBAR_HT_header.remove(draw)
