# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What a scene remembers of the user's choices, and the Plan made from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import bpy

from . import jobs
from .dataset_properties import NINGYO_dataset
from .language import CONTEXT, said
from .look import NINGYO_look
from .looking import Looked
from .motions import ON_DISK, NINGYO_motion, NINGYO_solving, is_armature
from .plan import Plan, Status, all_statuses
from .preferences import worker_python
from .training_folder import PRESET_ITEMS

CHARACTERS = (
    ("BUILTIN", "Built-in", "A character made from a number; another number, another character"),
    ("FILE", "File", "A rigged character from a .glb, .gltf, .vrm, .fbx or .blend file"),
    ("ARMATURE", "In This Scene", "A character with a Mixamo rig that is in this scene"),
)
CHARACTER_FILES = (".glb", ".gltf", ".vrm", ".fbx", ".blend")


def look_at_video(settings: NINGYO_settings, _context: bpy.types.Context) -> None:
    """Remember size, rate and length of the chosen video, which panels cannot look up while they are drawn."""
    path, problem = _file(settings.video, "Choose a video", "The video is not there")
    settings.video_facts = (0, 0, 0, 0) if problem else video_facts(path)


def video_facts(path: Path) -> tuple[float, ...]:
    """Width, height, frames and their rate; zeros where Blender cannot read the video, which the worker may."""
    clip = None
    try:
        clip = bpy.data.movieclips.load(str(path))
        width, height = clip.size
        # Of what it cannot read, Blender says that it is a square without frames.
        return (width, height, clip.frame_duration, clip.fps) if clip.fps and clip.frame_duration else (0, 0, 0, 0)
    except RuntimeError:
        return 0, 0, 0, 0
    finally:
        if clip is not None:
            bpy.data.movieclips.remove(clip)


class NINGYO_settings(bpy.types.PropertyGroup):
    """`scene.ningyo`"""

    video: bpy.props.StringProperty(
        name="Video", description="The video of a person", subtype="FILE_PATH", options=ON_DISK, update=look_at_video
    )
    video_facts: bpy.props.FloatVectorProperty(size=4, options={"HIDDEN"})
    person: bpy.props.IntProperty(
        name="Person",
        description="Whose place the character takes: 0 is the main person, the others are numbered as they come",
        min=0,
    )
    character: bpy.props.EnumProperty(name="Character", description="Who takes the person's place", items=CHARACTERS)
    seed: bpy.props.IntProperty(name="Number", description="The built-in character's number", min=0)
    rig_file: bpy.props.StringProperty(
        name="File", description="A rigged character: .glb, .gltf, .vrm, .fbx or .blend", subtype="FILE_PATH", options=ON_DISK
    )
    armature: bpy.props.PointerProperty(name="Armature", description="The character's armature", type=bpy.types.Object, poll=is_armature)
    output: bpy.props.StringProperty(
        name="Output",
        description="Folder for everything that is made. Empty: beside the .blend, or in the add-on's own folder",
        subtype="DIR_PATH",
        options=ON_DISK,
    )
    minutes: bpy.props.FloatProperty(
        name="Training", description="How long to train, in minutes", min=0.1, soft_max=600.0, default=10.0, precision=1
    )
    preset: bpy.props.EnumProperty(
        name="Preset",
        description="How large the network is, and so what machine it is for",
        translation_context=CONTEXT,
        items=PRESET_ITEMS,
    )
    size: bpy.props.IntProperty(
        name="Size", description="Side of the character's pictures, in pixels", min=64, max=1024, step=64, default=256
    )
    count: bpy.props.IntProperty(
        name="Pictures",
        translation_context=CONTEXT,
        description="How many pictures to render for training",
        min=10,
        soft_max=20000,
        default=800,
    )
    fast: bpy.props.BoolProperty(
        name="Fast",
        description="Capture with one look at each body instead of four: about half the time, less exact. Do It All solves faster too",
    )
    solving: bpy.props.PointerProperty(type=NINGYO_solving)
    motions: bpy.props.CollectionProperty(type=NINGYO_motion)
    look: bpy.props.PointerProperty(type=NINGYO_look)
    dataset: bpy.props.PointerProperty(type=NINGYO_dataset)


def plan_of(context: bpy.types.Context) -> Plan:
    """The scene's settings as the stages need them."""
    settings: NINGYO_settings = context.scene.ningyo
    video, video_problem = _file(settings.video, "Choose a video", "The video is not there")
    rig, rig_problem = _rig(settings)
    base = output_base(settings)
    out = base / _file_name(f"{video.stem or 'video'}-{_character_name(settings)}")
    if settings.character == "ARMATURE" and not rig_problem:
        rig = str(out / "character.glb")
    return Plan(
        video=video,
        video_problem=video_problem,
        person=settings.person,
        rig=rig,
        rig_problem=rig_problem,
        worker=worker_python(context),
        out=out,
        minutes=round(settings.minutes, 3),
        size=settings.size,
        count=settings.count,
        fast=settings.fast,
        known=tuple(settings.solving.known()) if settings.solving.method == "SOLVER" else (),
        preset=settings.preset,
    )


def output_base(settings: NINGYO_settings) -> Path:
    """The chosen folder; else one beside the saved .blend; else one of the add-on's own."""
    if settings.output:
        return Path(bpy.path.abspath(settings.output)).resolve()
    if bpy.data.filepath:
        return Path(bpy.data.filepath).with_suffix(".ningyo").resolve()
    return jobs.home() / "output"


def statuses(plan: Plan) -> dict[str, Status]:
    """Every stage's status, looked up at most twice a second, and when a job was started."""
    return _seen((plan, len(jobs.JOBS)))


_seen: Looked[tuple[Plan, int], dict[str, Status]] = Looked(lambda asked: all_statuses(asked[0], jobs.JOBS))


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene whose strips the user sees; since Blender 5.0 it need not be the current one."""
    scene: Any = getattr(context, "sequencer_scene", None) or context.scene
    return scene


def _file(path: str, missing: str, gone: str, endings: tuple[str, ...] = ()) -> tuple[Path, str]:
    if not path:
        return Path(), said(missing)
    absolute = Path(bpy.path.abspath(path)).resolve()
    if not absolute.is_file():
        return absolute, said(gone)
    if endings and absolute.suffix.lower() not in endings:
        return absolute, said("The character must be one of {endings}", endings=", ".join(endings))
    return absolute, ""


def _rig(settings: NINGYO_settings) -> tuple[str, str]:
    if settings.character == "BUILTIN":
        return f"builtin:{settings.seed}", ""
    if settings.character == "FILE":
        path, problem = _file(settings.rig_file, "Choose the character's file", "The character's file is not there", CHARACTER_FILES)
        return str(path), problem
    if settings.armature is None:
        return "", said("Choose the character's armature")
    return "", ""


def _character_name(settings: NINGYO_settings) -> str:
    if settings.character == "BUILTIN":
        return f"builtin{settings.seed}"
    if settings.character == "FILE":
        return Path(settings.rig_file).stem or "character"
    return settings.armature.name if settings.armature else "character"


def _file_name(text: str) -> str:
    """`text` without what some file system does not take in a name."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", text).strip(". ") or "ningyo"


CLASSES = (NINGYO_settings,)
