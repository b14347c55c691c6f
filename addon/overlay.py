# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Who is who: choosing a person of the track, and the movie that shows everyone drawn over the video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..sequencer.strips import add_overlay, find_movie, first_frame, is_untouched, match_rate, scene_fps, span
from . import jobs
from .explained import Explained
from .language import said
from .operators import obstacle, start
from .people import cast_of
from .plan import Plan
from .properties import plan_of, sequencer_scene
from .results import use_in_sequencers

LARGEST = (1000, 600)  # px, of a window that is opened for an image


class NINGYO_OT_choose_person(bpy.types.Operator):
    """Have the character take this person's place"""

    bl_idname, bl_label = "ningyo.choose_person", "Choose"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    person: bpy.props.IntProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.ningyo.person = self.person
        return {"FINISHED"}


class ShowsOverlay(Explained):
    """What the buttons that show the overlay movie share: they have it made first, by the worker, where it is not there or out of date."""

    shows = ""  # "strip" or "frame"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        plan = plan_of(context)
        return "" if plan.is_current("overlay") else obstacle("overlay", plan)

    def act(self, context: bpy.types.Context) -> str:
        plan = plan_of(context)
        if plan.is_current("overlay"):
            return self.show(context, plan)
        start(context, "overlay", plan, show=self.shows)
        return said("The overlay is being drawn, and is shown when it is ready")


class NINGYO_OT_show_overlay(ShowsOverlay, bpy.types.Operator):
    """Show who is who: everyone of the track drawn over the video, as a movie over it in the sequencer"""

    bl_idname, bl_label, shows = "ningyo.show_overlay", "Show Overlay", "strip"
    bl_options = {"UNDO"}  # noqa: RUF012

    def show(self, context: bpy.types.Context, plan: Plan) -> str:
        scene, cast = sequencer_scene(context), cast_of(plan.files.track)
        untouched = is_untouched(scene)
        if untouched and cast.fps:
            match_rate(scene, cast.fps)
        strip = add_overlay(scene, plan.overlay, video=plan.video if plan.video.is_file() else None, start=cast.start)
        if untouched:
            scene.frame_end = max(round(span(strip)[1]) - 1, scene.frame_start)
        use_in_sequencers(scene)
        return said("The overlay lies in channel {number}", number=strip.channel)


class NINGYO_OT_overlay_frame(ShowsOverlay, bpy.types.Operator):
    """Show who is who in the current frame: the overlay movie in an image editor"""

    bl_idname, bl_label, shows = "ningyo.overlay_frame", "Overlay Frame", "frame"

    def show(self, context: bpy.types.Context, plan: Plan) -> str:
        scene, cast = sequencer_scene(context), cast_of(plan.files.track)
        image = movie_image(plan.overlay)
        image.reload()  # it may have been made anew
        fps = scene_fps(scene)
        strip, source = find_movie(scene, plan.overlay), find_movie(scene, plan.video)
        if strip is not None:
            begin = first_frame(strip)
        else:
            begin = (first_frame(source) if source is not None else scene.frame_start) + round(cast.start * fps)
        found = image_editor(context, image)
        if found is None:
            return "Open an image editor to see the overlay"
        window, area = found
        space = area.spaces.active
        if space.image != image:
            show_whole(context, window, area, image)
        user = space.image_user
        user.frame_duration = max(image.frame_duration, 1)
        user.use_cyclic = False
        if not cast.fps or abs(cast.fps - fps) < 0.01:
            user.frame_start, user.frame_offset = begin, 0
            user.use_auto_refresh = True
            return "The overlay goes along with the current frame"
        # Blender's image editors show one picture a scene frame.
        user.frame_start, user.frame_offset = scene.frame_current, max(round((scene.frame_current - begin) / fps * cast.fps), 0)
        user.use_auto_refresh = False
        return "The scene has another rate than the video: press again for another frame"


def movie_image(movie: Path) -> bpy.types.Image:
    for image in bpy.data.images:
        if image.source == "MOVIE" and Path(bpy.path.abspath(image.filepath)).resolve() == movie:
            return image
    return bpy.data.images.load(str(movie))


def show_whole(context: bpy.types.Context, window: bpy.types.Window, area: bpy.types.Area, image: bpy.types.Image) -> None:
    """Have an image editor show an image, all of it."""
    area.spaces.active.image = image
    fit: Any = bpy.ops.image.view_all
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(window=window, area=area, region=region):
        if fit.poll():
            fit(fit_view=True)


def image_editor(context: bpy.types.Context, image: bpy.types.Image) -> tuple[bpy.types.Window, bpy.types.Area] | None:
    """One that is open, at best with this image or none, else in a new window; None where there is none and no window can be opened."""
    manager = context.window_manager
    windows = sorted(manager.windows, key=lambda window: window != context.window)
    areas = [(window, area) for window in windows for area in window.screen.areas if area.ui_type == "IMAGE_EDITOR"]
    if areas:
        shown = [area.spaces.active.image for _, area in areas]
        wishes = [image, None, *shown]
        return areas[min(range(len(areas)), key=lambda number: wishes.index(shown[number]))]
    if bpy.app.background:
        return None
    if not _window_for(context, image):
        bpy.ops.wm.window_new()
    window = manager.windows[-1]
    window.screen.areas[0].ui_type = "IMAGE_EDITOR"
    return window, window.screen.areas[0]


def _window_for(context: bpy.types.Context, image: bpy.types.Image) -> bool:
    """Open a window as large as an image, where the user wants windows for renders; False where not.

    Only those for renders can be given a size.
    """
    if context.preferences.view.render_display_type != "WINDOW" or not min(image.size):
        return False
    render, windows = context.scene.render, len(context.window_manager.windows)
    before = render.resolution_x, render.resolution_y, render.resolution_percentage
    larger = min(LARGEST[0] / image.size[0], LARGEST[1] / image.size[1])
    render.resolution_x, render.resolution_y, render.resolution_percentage = *(round(larger * side) for side in image.size), 100
    try:
        bpy.ops.render.view_show("INVOKE_DEFAULT")
    finally:
        render.resolution_x, render.resolution_y, render.resolution_percentage = before
    return len(context.window_manager.windows) > windows


def show_made(job: jobs.Job) -> None:
    """When an overlay is ready and the scene that asked for it is open, show it as was asked."""
    if job.verb != "overlay" or job.view.state != "done" or job.note.get("shown"):
        return
    scene = bpy.data.scenes.get(job.note.get("scene", ""))
    if job.note.get("blend") != bpy.data.filepath or scene is None:
        return
    show = bpy.ops.ningyo.overlay_frame if job.note.get("show") == "frame" else bpy.ops.ningyo.show_overlay
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        plan = plan_of(bpy.context)
        if str(plan.out) != job.note.get("out") or not plan.is_current("overlay"):
            return  # another scene, or other settings by now
        try:
            show("EXEC_DEFAULT", True)
            job.remember(shown=True)
        except RuntimeError as error:
            job.remember(problem=jobs.reported(error))


CLASSES = (NINGYO_OT_choose_person, NINGYO_OT_show_overlay, NINGYO_OT_overlay_frame)
