# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Operators whose work needs no Blender, and runs in a thread so that long videos do not freeze the window."""

from __future__ import annotations

import threading
from collections.abc import Callable

import bpy

from ..errors import Cancelled, UserError
from ..jobs.progress import Reporter
from .explained import Explained
from .language import said


class InThread(Explained):
    """What such operators share. `_begin` looks at Blender and returns what `_run` does, or how it ended already; `_end` goes on when the
    thread has come to its end; both may raise UserError. Esc stops it."""

    def execute(self, context: bpy.types.Context) -> set[str]:
        """At once, for scripts."""
        begun = self.explained(self._begin, context)
        if begun != {"RUNNING_MODAL"}:
            return begun
        self._thread.join()
        return self.explained(self._end, context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        begun = self.explained(self._begin, context)
        if begun == {"RUNNING_MODAL"}:
            manager = context.window_manager
            self._timer = manager.event_timer_add(0.1, window=context.window)
            manager.modal_handler_add(self)
        return begun

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC":
            self._stop.set()
        if self._thread.is_alive():
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        return self.explained(self._end, context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window goes or another file is loaded."""
        self._stop.set()
        context.window_manager.event_timer_remove(self._timer)

    def _run(self, work: Callable[[Reporter], None]) -> set[str]:
        """Begin `work` in a thread; it may raise UserError and Cancelled."""
        self._stop = threading.Event()
        self._problem: Exception | None = None
        report = Reporter(is_cancelled=self._stop.is_set)

        def guarded() -> None:
            try:
                work(report)
            except (UserError, Cancelled) as error:
                self._problem = error
            except Exception as error:
                self._problem = error
                raise  # Blender's console says where

        self._thread = threading.Thread(target=guarded, name=self.bl_idname, daemon=True)
        self._thread.start()
        return {"RUNNING_MODAL"}

    def _failed(self) -> bool:
        """Whether the thread did not come to a good end; then that is reported."""
        if self._problem is not None and not isinstance(self._problem, Cancelled):
            known = isinstance(self._problem, UserError)
            self.report(
                {"ERROR"}, str(self._problem) if known else said("{job} failed; Blender's console says more", job=said(self.bl_label))
            )
        return self._problem is not None
