# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""From a track to motions: in closed form here, in a thread, or on the worker, by the solver or because the track is still being captured.
What the worker has made is put on by itself."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import bpy

from ..errors import UserError
from ..jobs.progress import Reporter
from ..sequencer.strips import is_untouched, match_rate, scene_fps
from . import jobs
from .apply import Request, Solved, take, warning_reporter
from .character import scene_armature
from .explained import Explained
from .language import said
from .motions import rig_beside
from .operators import obstacle as obstacle_of
from .operators import start
from .plan import Plan, coming, solves
from .properties import plan_of
from .threaded import InThread

SOLVED = "motions"  # in the output folder: a folder each time, with a motion and a rig for each armature


def obstacle(context: bpy.types.Context, plan: Plan) -> str:
    """Why retargeting cannot begin; empty where it can."""
    solving = context.scene.ningyo.solving
    reason = obstacle_of("retarget", plan, needs_worker=False)
    if not reason and solving.method == "SOLVER" and plan.worker is None:
        reason = said("Set up the worker first, or choose the closed form")
    return reason or (said("{job} is at work already", job=said("Retarget")) if solves(plan, jobs.JOBS) else "")


def is_captured(plan: Plan) -> bool:
    """Whether the track is there and stays as it is."""
    return "capture" not in coming(plan, jobs.JOBS)


def requested(context: bpy.types.Context, plan: Plan) -> Request:
    """Who goes onto which armature. Loads the chosen character where it is not in the scene. Raises UserError."""
    # Numpy's part of Ningyo is loaded when it is used, so that enabling the add-on takes no time.
    from ..synth_data.characters.importing import read_rig
    from ..synth_data.pose.track_file import TrackReader
    from ..synth_data.retarget.apply import refuse

    scene, solving = context.scene, context.scene.ningyo.solving
    known: set[int] | None = None  # of a track that is still to come, the worker says who is not in it
    if is_captured(plan):
        with TrackReader(plan.files.track) as track:
            known = set(track.person_id.tolist())
    # Asked before the character comes, whose file may bring animation.
    untouched = is_untouched(scene)
    pairs = [(plan.person, scene_armature(context, plan)), *((other.person, other.armature) for other in solving.others)]
    folder = jobs.new_folder(plan.out / SOLVED, solving.method.lower())
    chosen, solved = [], []
    for person, armature in pairs:
        if armature is None:
            raise UserError(
                said("Choose the armature that takes person {person}'s place, or remove the line from the list.", person=person)
            )
        if armature.name not in scene.objects:
            raise UserError(said("{name} is in another scene; choose an armature of this one.", name=armature.name))
        if person in (one.person for one in solved):
            raise UserError(said("Person {person} is in the list twice; remove one of the lines.", person=person))
        if armature in chosen:
            raise UserError(said("{name} is to take two people's places; choose another armature for one of them.", name=armature.name))
        if known is not None and person not in known:
            raise UserError(said("The track has no person {person}; choose one of the list of people.", person=person))
        refuse(armature)
        chosen.append(armature)
        motion = folder / f"person-{person}.npz"  # as `ningyo retarget` calls it
        rig = read_rig(armature)
        rig.save(rig_beside(motion))
        solved.append(Solved(person, armature.name, str(motion)))
    return Request(tuple(solved), str(plan.video), str(plan.files.track), untouched, scene_fps(scene))


class NINGYO_OT_retarget(InThread, bpy.types.Operator):
    """Put the people's motions onto their armatures in this scene, as new Actions, and prepare the character for rendering"""

    bl_idname = "ningyo.retarget"
    bl_label = "Retarget"
    bl_options = {"UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return obstacle(context, plan_of(context))

    def _begin(self, context: bpy.types.Context) -> set[str]:
        plan = plan_of(context)
        try:
            if importlib.util.find_spec("numpy") is None:
                # Some distributions' Blender comes without it: the later stages can go on, the character here stays as it is.
                start(context, "retarget", plan)
                text = "This Blender's Python has no numpy, so the character here gets no Action; the later stages need none"
                self.report({"WARNING"}, text)
                return {"FINISHED"}
            request = requested(context, plan)
            if context.scene.ningyo.solving.method == "SOLVER" or not is_captured(plan):
                start_solving(context, plan, request)
                text = "The motion is being solved, and is put on when it is ready"
                if not is_captured(plan):
                    text = "The motion is solved after the capture, and is put on when it is ready"
                self.report({"INFO"}, text)
                return {"FINISHED"}
        except OSError as error:
            text = "{error}: {path}; choose another output folder"
            raise UserError(said(text, error=error.strerror, path=error.filename)) from error
        self._request = request
        return self._run(lambda report: solve_here(request, report))

    def _end(self, context: bpy.types.Context) -> set[str]:
        if self._failed():
            return {"CANCELLED"}
        self.report({"INFO"}, put_on(context, self._request, warning_reporter(self)))
        problem = prepare_rendering(context)
        if problem:
            self.report({"WARNING"}, problem)
        return {"FINISHED"}


class NINGYO_OT_put_on(Explained, bpy.types.Operator):
    """Put the solved motion onto its armature as a new Action"""

    bl_idname, bl_label = "ningyo.put_on", "Put on Armature"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    job: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> str:
        job = jobs.find(self.job)
        if job is None:
            raise UserError(said("This job is not known any more; retarget again."))
        text = put_on(context, Request.from_json(job.note["retarget"]), warning_reporter(self))
        job.remember(shown=True, problem="")
        problem = prepare_rendering(context) if str(plan_of(context).out) == job.note.get("out") else ""
        if problem:
            self.report({"WARNING"}, problem)
        return text


def start_solving(context: bpy.types.Context, plan: Plan, request: Request) -> None:
    """Have the worker solve what was asked for, now or when it has captured the track. Raises UserError."""
    in_closed_form = context.scene.ningyo.solving.method == "CLOSED_FORM"
    # The closed form puts people into no common world, so the command line takes one at a time.
    parts = [replace(request, people=(one,)) for one in request.people] if in_closed_form else [request]
    for part in parts:
        # Not the sequencer's scene: the armatures are in this one.
        start(context, "retarget", plan, solving_arguments(context, part), retarget=part.to_json(), scene=context.scene.name)


def solving_arguments(context: bpy.types.Context, request: Request) -> list[str]:
    """The command line of `ningyo retarget` for everyone of the request."""
    motions = [Path(one.motion) for one in request.people]
    arguments = [request.track]
    for one, motion in zip(request.people, motions, strict=True):
        arguments += ["--rig", str(rig_beside(motion)), "--person", str(one.person)]
    out = motions[0] if len(motions) == 1 else motions[0].parent
    solving = context.scene.ningyo.solving
    if solving.method == "CLOSED_FORM":
        return [*arguments, "--out", str(out), "--closed-form"]
    return [*arguments, "--out", str(out), *(["--fast"] if solving.fast else []), *solving.known()]


def solve_here(request: Request, report: Reporter) -> None:
    """In closed form, everyone of the request; their motions are written where the request says. Raises UserError and Cancelled."""
    from ..synth_data.pose.track import PoseTrack
    from ..synth_data.retarget.closed_form import retarget
    from ..synth_data.retarget.rig import Rig

    track = Path(request.track)
    for one in request.people:
        seen = PoseTrack.load(track, person=one.person)
        rig = Rig.load(rig_beside(Path(one.motion)))
        retarget(seen, rig, person=one.person, track_name=track.name, report=report).save(one.motion)


def put_on(context: bpy.types.Context, request: Request, report: Reporter) -> str:
    """Give every armature of the request its motion; says which frames, and to `report` what is in the way of it. Raises UserError."""
    from ..synth_data.pose.track_file import TrackReader, rate_of

    scene = context.scene
    with TrackReader(request.track) as track:
        track_start, track_fps = float(track.time[0]), rate_of(track.header)
    if request.takes_rate and abs(scene_fps(scene) - request.scene_fps) < 1e-6:
        match_rate(scene, track_fps)
    actions = [take(context, one, request.video, track_start, report) for one in request.people]
    first, last = min(action.frame_start for action in actions), max(action.frame_end for action in actions)
    if request.takes_rate:  # nothing else was animated then, but maybe others of the video have been put on since
        scene.frame_end = int(max(known.action.frame_end for known in scene.ningyo.motions if known.action is not None))
    names = ", ".join(action.name for action in actions)
    return said("{actions}: frames {first} to {last}", actions=names, first=f"{first:g}", last=f"{last:g}")


def prepare_rendering(context: bpy.types.Context) -> str:
    """Start the worker on the motion that pictures are rendered from; says why not, where something is in the way.

    The worker's rig comes through a file, so its bones' axes need not be those of the scene's: it gets a motion of its own.
    """
    plan = plan_of(context)
    if plan.worker is None or "retarget" in coming(plan, jobs.JOBS):
        return ""
    try:
        start(context, "retarget", plan)
    except UserError as error:
        return said("Nothing was prepared for rendering: {reason}", reason=error)
    return ""


def put_on_solved(job: jobs.Job) -> None:
    """When a motion is solved and the scene that asked is open, put it on; otherwise a button in the panel does."""
    if job.verb != "retarget" or "retarget" not in job.note or job.view.state != "done" or job.note.get("shown"):
        return
    scene = bpy.data.scenes.get(job.note.get("scene", ""))
    if job.note.get("blend") != bpy.data.filepath or scene is None:
        return
    window = next((window for window in bpy.context.window_manager.windows if window.scene == scene), None)
    if window is None:
        return
    with bpy.context.temp_override(window=window):
        try:
            bpy.ops.ningyo.put_on("EXEC_DEFAULT", True, job=str(job.folder))
        except RuntimeError as error:
            job.remember(problem=jobs.reported(error))


CLASSES = (NINGYO_OT_retarget, NINGYO_OT_put_on)
