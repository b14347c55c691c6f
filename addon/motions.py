# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What a scene remembers of retargeting: how to solve, who else takes part, and the motions that were put onto its armatures."""

from __future__ import annotations

import json
from math import degrees, radians
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..sequencer.strips import find_movie
from ..sequencer.timeline import first_frame, scene_fps
from .language import CONTEXT

if TYPE_CHECKING:
    from ..synth_data.retarget.blending import Blend
    from ..synth_data.retarget.controls import Controls

# Paths may be relative to the .blend.
ON_DISK = {"ANIMATABLE"} | ({"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set())
METHODS = (
    ("SOLVER", "Solver", "The whole clip at once, on the worker: feet hold the floor, camera and proportions are found"),
    ("CLOSED_FORM", "Closed Form", "Frame by frame, here and at once; no worker is needed. Feet slide more"),
)


def is_armature(_group: Any, obj: bpy.types.Object) -> bool:
    return obj.type == "ARMATURE"


def _share(name: str, what: str) -> Any:
    return bpy.props.FloatProperty(
        name=name,
        description=f"How much of the motion {what}: 1 all of it, 0 none",
        translation_context=CONTEXT,
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=1.0,
    )


def _length(name: str, description: str, **more: Any) -> Any:
    return bpy.props.FloatProperty(name=name, description=description, subtype="DISTANCE", unit="LENGTH", precision=3, step=1, **more)


def _seconds(name: str, description: str, **more: Any) -> Any:
    return bpy.props.FloatProperty(
        name=name, description=description, subtype="TIME_ABSOLUTE", unit="TIME_ABSOLUTE", precision=2, step=10, **more
    )


class NINGYO_pair(bpy.types.PropertyGroup):
    """Somebody else of the video, and whose armature takes their place."""

    person: bpy.props.IntProperty(name="Person", description="A number from the list of people", min=0)
    armature: bpy.props.PointerProperty(
        name="Armature", description="The armature that takes this person's place", type=bpy.types.Object, poll=is_armature
    )


class NINGYO_solving(bpy.types.PropertyGroup):
    """`scene.ningyo.solving`"""

    method: bpy.props.EnumProperty(name="Method", description="How the person's motion comes onto the character", items=METHODS)
    fast: bpy.props.BoolProperty(name="Fast", description="A quarter of the time, a little less exact")
    knows_focal: bpy.props.BoolProperty(name="Focal Length Is Known", description="Hold the focal length; otherwise it is estimated")
    focal: bpy.props.FloatProperty(
        name="Focal Length",
        description="The lens the video was filmed with",
        subtype="DISTANCE_CAMERA",
        unit="CAMERA",
        min=1.0,
        soft_max=300.0,
        default=35.0,
    )
    sensor: bpy.props.FloatProperty(
        name="Sensor",
        description="The sensor's length along the picture's longer side; 36 mm where the focal length is a full-frame equivalent",
        subtype="DISTANCE_CAMERA",
        unit="CAMERA",
        min=1.0,
        soft_max=100.0,
        default=36.0,
    )
    knows_height: bpy.props.BoolProperty(name="Height Is Known", description="Hold the camera's height; otherwise it is estimated")
    height: _length("Height", "How high above the floor the camera was", min=0.01, soft_max=5.0, max=100.0, default=1.5)
    knows_pitch: bpy.props.BoolProperty(name="Pitch Is Known", description="Hold the camera's pitch; otherwise it is estimated")
    pitch: bpy.props.FloatProperty(
        name="Pitch", description="How far the camera looked down; up is negative", subtype="ANGLE", min=radians(-79), max=radians(79)
    )
    knows_person: bpy.props.BoolProperty(name="Person's Height Is Known", description="Hold the person's size; otherwise it is estimated")
    person_height: _length("Person Height", "How tall the person is", min=0.3, soft_max=2.2, max=3.0, default=1.7)
    others: bpy.props.CollectionProperty(type=NINGYO_pair)
    other: bpy.props.IntProperty(name="Chosen", description="The chosen line of the list of people")

    def known(self) -> list[str]:
        """What is known of the filming, as the command line says it."""
        values = {
            "--focal-mm": (self.knows_focal, self.focal),
            "--sensor-mm": (self.knows_focal, self.sensor),
            "--camera-height": (self.knows_height, self.height),
            "--camera-pitch": (self.knows_pitch, degrees(self.pitch)),
            "--person-height": (self.knows_person, self.person_height),
        }
        return [word for name, (is_known, value) in values.items() if is_known for word in (name, f"{value:.6g}")]


class NINGYO_span(bpy.types.PropertyGroup):
    """Frames of the scene, the last one included."""

    first: bpy.props.IntProperty()
    last: bpy.props.IntProperty()


class NINGYO_face_action(bpy.types.PropertyGroup):
    """The Action that shows a motion's expressions on a mesh's shape keys."""

    keys: bpy.props.PointerProperty(type=bpy.types.Key)
    action: bpy.props.PointerProperty(type=bpy.types.Action)


class NINGYO_motion(bpy.types.PropertyGroup):
    """A solved motion, kept on disk as it is, and what is changed of it on its way onto an armature."""

    armature: bpy.props.PointerProperty(type=bpy.types.Object, poll=is_armature)
    action: bpy.props.PointerProperty(type=bpy.types.Action)
    faces: bpy.props.CollectionProperty(type=NINGYO_face_action)
    person: bpy.props.IntProperty()
    video: bpy.props.StringProperty(subtype="FILE_PATH", options=ON_DISK)
    file: bpy.props.StringProperty(subtype="FILE_PATH", options=ON_DISK)
    track_start: bpy.props.FloatProperty()
    said: bpy.props.StringProperty()
    doubtful: bpy.props.CollectionProperty(type=NINGYO_span)

    trims: bpy.props.BoolProperty(name="Trim", description="Only a part of the motion")
    start: _seconds("Start", "Where in the video the motion begins", min=0.0)
    end: _seconds("End", "Where in the video the motion ends", min=0.0)
    has_rate: bpy.props.BoolProperty(name="Has a Rate", description="Resample by time stamps first; otherwise the scene's frames are taken")
    rate: bpy.props.FloatProperty(
        name="Frame Rate", description="Poses a second that are left of the motion", min=1.0, soft_max=120.0, max=1000.0, default=24.0
    )
    has_start_frame: bpy.props.BoolProperty(
        name="Has a Start Frame",
        description="Begin at this frame; otherwise the motion is in time with the video, where that lies in the sequencer",
    )
    start_frame: bpy.props.IntProperty(name="Start Frame", description="The first key's frame", default=1)
    in_place: bpy.props.BoolProperty(name="In Place", description="Without the way over the floor")
    heading: bpy.props.FloatProperty(
        name="Heading", description="Turn the whole motion, counter-clockwise seen from above", subtype="ANGLE", soft_min=-3.2, soft_max=3.2
    )
    has_floor: bpy.props.BoolProperty(name="Has a Floor", description="Stand at this height; otherwise where the character stood")
    floor: _length("Floor Height", "The height of the floor that the feet stand on", soft_min=-10.0, soft_max=10.0)
    smooth: _seconds("Smooth", "Take away what is faster than this", min=0.0, soft_max=1.0, max=10.0)
    arm_spread: bpy.props.FloatProperty(
        name="Arm Spread",
        description="Turn the arms away from the body, where a wide body or sleeves are in their way",
        subtype="ANGLE",
        min=radians(-90),
        max=radians(90),
        soft_min=radians(-30),
        soft_max=radians(30),
    )
    mirror: bpy.props.BoolProperty(name="Mirror", description="Exchange left and right")
    blend_in: bpy.props.IntProperty(
        name="Blend In", description="Frames in which the motion grows out of what the character showed before", min=0, soft_max=100
    )
    blend_out: bpy.props.IntProperty(
        name="Blend Out", description="Frames in which the motion goes back into what the character showed before", min=0, soft_max=100
    )
    before: bpy.props.PointerProperty(
        name="Blend With",
        description="The Action out of which the motion grows, and into which it goes back. None: the pose the character had",
        type=bpy.types.Action,
    )
    before_slot: bpy.props.StringProperty()
    stood: bpy.props.StringProperty()
    keys: bpy.props.IntProperty()
    all_keys: bpy.props.IntProperty()
    reduces: bpy.props.BoolProperty(name="Reduces Keys", description="Leave out keys that the others nearly tell")
    tolerance: bpy.props.FloatProperty(
        name="Key Reduction",
        description="How far a bone may be turned aside by leaving out keys",
        subtype="ANGLE",
        min=radians(0.01),
        soft_max=radians(5),
        max=radians(30),
        default=radians(0.5),
    )
    root: _share("Root", "the way through the room has")
    hips: _share("Hips", "the hips' tilt has")
    torso: _share("Torso", "the spine has")
    head: _share("Head", "neck and head have")
    left_arm: _share("Left Arm", "the left arm has")
    right_arm: _share("Right Arm", "the right arm has")
    hands: _share("Hands", "the wrists have")
    fingers: _share("Fingers", "the fingers have")
    legs: _share("Legs", "the legs have")
    face: _share("Face", "expressions have")

    @property
    def path(self) -> Path:
        return Path(bpy.path.abspath(self.file))

    def first_frame(self, scene: bpy.types.Scene, seconds: float) -> int:
        """The scene frame at which the motion begins: by the controls, or that of the video's time `seconds`."""
        if self.has_start_frame:
            return self.start_frame
        movie = find_movie(scene, Path(bpy.path.abspath(self.video)).resolve()) if self.video else None
        return round(video_begins(scene, movie, self.track_start) + seconds * scene_fps(scene))

    def blend(self) -> Blend:
        from ..synth_data.retarget.apply import curves_of
        from ..synth_data.retarget.blending import Blend

        if not (self.blend_in or self.blend_out):
            return Blend()
        curves = curves_of(self.before, self.before_slot) if self.before is not None else ()
        return Blend(self.blend_in, self.blend_out, curves, json.loads(self.stood or "{}"))

    def remember_before(self) -> None:
        """Keep what the armature shows for blending; what Ningyo itself put on is not it."""
        from ..synth_data.retarget.apply import pose_values

        data = self.armature.animation_data
        playing = data.action if data is not None else None
        if playing is not None and playing == self.action:
            return
        slot = getattr(data, "action_slot", None)
        self.before, self.before_slot = playing, slot.identifier if slot is not None else ""
        self.stood = json.dumps(pose_values(self.armature))

    def controls(self) -> Controls:
        from ..synth_data.retarget.controls import Controls
        from ..synth_data.retarget.edit import PARTS

        return Controls(
            start=self.start if self.trims else None,
            end=self.end if self.trims else None,
            fps=self.rate if self.has_rate else None,
            mirror=self.mirror,
            smooth=self.smooth,
            arm_spread=degrees(self.arm_spread),
            influence={part: getattr(self, part) for part in PARTS if getattr(self, part) < 1},
            in_place=self.in_place,
            heading=degrees(self.heading),
            floor=self.floor if self.has_floor else None,
        )


def rig_beside(motion: Path) -> Path:
    """The rig that a motion was solved for."""
    return motion.with_suffix(".rig.json")


def video_begins(scene: bpy.types.Scene, movie: bpy.types.Strip | None, track_start: float) -> float:
    """The scene frame of a video's first moment: where its `movie` lies in this scene's sequencer, cut off or not. Without one, the track,
    which begins at second `track_start` of the video, begins with the scene.
    """
    return scene.frame_start - track_start * scene_fps(scene) if movie is None else first_frame(movie)


def motion_of(scene: bpy.types.Scene, armature: bpy.types.Object | None) -> NINGYO_motion | None:
    return next((motion for motion in scene.ningyo.motions if armature is not None and motion.armature == armature), None)


def shown_motion(context: bpy.types.Context) -> NINGYO_motion | None:
    """The motion that the panel is about: the active character's, else the one that came last."""
    scene, active = context.scene, context.active_object
    armature = active if active is None or active.type == "ARMATURE" else active.find_armature()
    found = motion_of(scene, armature)
    if found is not None:
        return found
    return next((motion for motion in reversed(scene.ningyo.motions) if motion.armature and motion.armature.name in scene.objects), None)


CLASSES = (NINGYO_pair, NINGYO_solving, NINGYO_span, NINGYO_face_action, NINGYO_motion)
