# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false
"""Operators that say in words why they cannot be pressed, and what went wrong when they were."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..errors import UserError


class Explained:
    """What such operators share. Each has `act`, which does the work; those that cannot always be pressed have `obstacle`."""

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
        """The work of those without another `execute`; returns what there is to say of it. Raises UserError."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        return self.explained(self._done, context)

    def _done(self, context: bpy.types.Context) -> set[str]:
        text = self.act(context)
        if text:
            self.report({"INFO"}, text)
        return {"FINISHED"}

    def explained(self, work: Callable[[bpy.types.Context], set[str]], context: bpy.types.Context) -> set[str]:
        """What `work` returns; where it raises UserError, that is reported."""
        try:
            return work(context)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
