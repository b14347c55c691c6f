# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false
"""Operators that say in words why they cannot be pressed, and what went wrong when they were."""

from __future__ import annotations

import bpy

from ..errors import UserError


class Explained:
    """What such operators share. Each has `act`, which does the work; those that can be in the way of themselves have `obstacle`."""

    @classmethod
    def obstacle(cls, _context: bpy.types.Context) -> str:
        """Why the operator cannot be pressed, as a short sentence; empty where it can."""
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.obstacle(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def act(self, context: bpy.types.Context) -> str | None:
        """The work; returns what there is to say of it. Raises UserError."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            text = self.act(context)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if text:
            self.report({"INFO"}, text)
        return {"FINISHED"}
