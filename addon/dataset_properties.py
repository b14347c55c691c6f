# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What a scene remembers of its dataset: characters, clips, and how they are posed, seen, drawn and labelled. `dataset_job.py` makes the
job of it.
"""

from __future__ import annotations

from math import radians
from typing import Any

import bpy

from .language import CONTEXT
from .motions import ON_DISK, is_armature
from .training_folder import PRESET_ITEMS

CHARACTERS = (
    ("BUILTIN", "Built-in", "Characters made from numbers; another number, another character", "COMMUNITY", 0),
    ("FILE", "File", "A rigged character from a .glb, .gltf, .vrm, .fbx or .blend file", "FILE_3D", 1),
    ("ARMATURE", "In This Scene", "An armature of this scene with the meshes it moves", "ARMATURE_DATA", 2),
)
CLIPS = (
    ("FILE", "File", "A motion (.npz), or a clip from a .fbx, .glb, .gltf, .vrma or .bvh file", "ACTION", 0),
    (
        "MOTION",
        "In This Scene",
        "The motion that the Motion panel put onto an armature of this scene, as its controls have it",
        "ARMATURE_DATA",
        1,
    ),
)
SPLITS = (
    ("AUTO", "Automatic", "Every fifth clip is held out; of fewer than five, each gives its last fifth"),
    ("TRAIN", "Training", "The whole clip is trained on"),
    ("TEST", "Held Out", "The whole clip is held out, to evaluate with"),
)
FRAMINGS = (
    ("body", "Body", "The whole body"),
    ("upper", "Upper", "From the hips up"),
    ("head", "Head", "The head alone"),
)
# Names as the job has them, and for people; a test holds them against the job's own.
LABELS = {
    "skeleton": ("Skeleton", "Joints and bones in OpenPose's colors"),
    "limbs": ("Limbs", "A channel for each limb, one-hot, as .npz"),
    "capsules": ("Capsules", "The body as shaded capsules, which hide each other: what Ningyo's own generator is conditioned on"),
    "mask": ("Mask", "White where the character is"),
    "parts": ("Parts", "The number of the body's part at every pixel"),
    "depth": ("Depth", "Millimetres along the view"),
    "normal": ("Normals", "The surface's direction as the camera sees it"),
    "uv": ("UV", "The mesh's UV coordinates"),
    "flow": ("Flow", "How far every pixel moves to the next frame"),
    "head": ("Head Close-Up", "A second picture of the head alone, from the same place with a longer lens"),
}
DEFAULT_LABELS = ("skeleton", "mask")


def is_posed(_group: Any, obj: bpy.types.Object) -> bool:
    """Whether the Motion panel put a motion onto an object in one of its scenes."""
    return obj.type == "ARMATURE" and any(motion.armature == obj for scene in bpy.data.scenes for motion in scene.ningyo.motions)


def _range(name: str, description: str, default: tuple[float, float], **more: Any) -> Any:
    return bpy.props.FloatVectorProperty(
        name=name, description=f"{description}: every picture takes a value between these two", size=2, default=default, **more
    )


def _angles(name: str, description: str, degrees: tuple[float, float], furthest: float) -> Any:
    """A range of angles of at most `furthest` degrees; Blender keeps radians."""
    ends = (radians(degrees[0]), radians(degrees[1]))
    return _range(name, description, ends, min=-radians(furthest), max=radians(furthest), unit="ROTATION")


def _share(name: str, description: str, default: float, **more: Any) -> Any:
    return bpy.props.FloatProperty(name=name, description=description, subtype="FACTOR", default=default, **{"min": 0.0, "max": 1.0} | more)


def _label(name: str) -> Any:
    title, description = LABELS[name]
    return bpy.props.BoolProperty(name=title, description=description, default=name in DEFAULT_LABELS)


class NINGYO_dataset_character(bpy.types.PropertyGroup):
    """A line of the list of characters: one, or built-in ones of several numbers."""

    name: bpy.props.StringProperty(name="Name", description="What its folder in the dataset is called. Empty: as the file")
    enabled: bpy.props.BoolProperty(name="Enabled", description="Take it into the dataset", default=True)
    kind: bpy.props.EnumProperty(name="Character", description="Where the character comes from", items=CHARACTERS)
    seed: bpy.props.IntProperty(name="Number", description="The built-in character's number, or the first one's", min=0)
    many: bpy.props.IntProperty(
        name="How Many", description="So many built-in characters, of numbers in a row", min=1, soft_max=1000, max=100_000, default=1
    )
    file: bpy.props.StringProperty(
        name="File", description="A rigged character: .glb, .gltf, .vrm, .fbx or .blend", subtype="FILE_PATH", options=ON_DISK
    )
    armature: bpy.props.PointerProperty(
        name="Armature", description="The armature that carries the character", type=bpy.types.Object, poll=is_armature
    )


class NINGYO_dataset_clip(bpy.types.PropertyGroup):
    """A line of the list of clips."""

    name: bpy.props.StringProperty(name="Name", description="What its folder in the dataset is called. Empty: as the file")
    enabled: bpy.props.BoolProperty(name="Enabled", description="Take it into the dataset", default=True)
    kind: bpy.props.EnumProperty(name="Clip", description="Where the motion comes from", items=CLIPS)
    file: bpy.props.StringProperty(
        name="File",
        description="A motion (.npz), or a clip of another program: .fbx, .glb, .gltf, .vrma or .bvh. It need not be of the same character",
        subtype="FILE_PATH",
        options=ON_DISK,
    )
    armature: bpy.props.PointerProperty(
        name="Armature", description="An armature with a motion from the Motion panel", type=bpy.types.Object, poll=is_posed
    )
    trims: bpy.props.BoolProperty(name="Trim", description="Only a part of the clip")
    start: bpy.props.IntProperty(name="Start", description="The first frame, counted from 0", min=0)
    end: bpy.props.IntProperty(name="End", description="The frame after the last one; 0: to the clip's end", min=0)
    split: bpy.props.EnumProperty(name="Used For", description="Whether it is trained on, or held out to evaluate with", items=SPLITS)
    speed: bpy.props.FloatVectorProperty(
        name="Speed",
        description="How fast it is played: each time the clip is gone through takes a value between these two",
        size=2,
        default=(1.0, 1.0),
        min=0.1,
        max=10.0,
    )
    mirrored: _share("Mirrored", "In how many of the times that it is gone through left and right are exchanged", 0.0)
    characters: bpy.props.StringProperty(
        name="Only For", description="Names of the characters that it is for, with commas between. Empty: for all"
    )


class NINGYO_dataset_labels(bpy.types.PropertyGroup):
    """A checkbox for each label, of the label's own name."""

    skeleton: _label("skeleton")
    limbs: _label("limbs")
    capsules: _label("capsules")
    mask: _label("mask")
    parts: _label("parts")
    depth: _label("depth")
    normal: _label("normal")
    uv: _label("uv")
    flow: _label("flow")
    head: _label("head")


class NINGYO_dataset_cameras(bpy.types.PropertyGroup):
    around: bpy.props.EnumProperty(
        name="Around",
        description="From where around the character pictures are taken",
        items=(
            ("ANGLES", "Angles", "From these angles, counted from the motion's own camera, or from the front"),
            ("ORBIT", "Full Orbit", "From all around, evenly spread"),
        ),
    )
    angles: bpy.props.StringProperty(
        name="Angles", description="Degrees, with commas between; positive is to the character's left", default="0, 30, -30"
    )
    orbit: bpy.props.IntProperty(name="Cameras", description="How many stand around the character", min=1, soft_max=36, max=360, default=8)
    yaw_jitter: bpy.props.FloatProperty(
        name="Angle",
        description="By how much at most a picture's angle may differ",
        subtype="ANGLE",
        min=0.0,
        max=radians(180),
        default=radians(10),
    )
    rise: bpy.props.EnumProperty(
        name="Height",
        description="How high the cameras are",
        items=(
            ("AUTO", "Automatic", "As the motion's own camera looks down; without one, by 5 degrees"),
            ("ELEVATION", "Elevation", "By what angle they look down"),
            ("HEIGHT", "Above the Floor", "How high above the floor they stand"),
        ),
    )
    elevation: _angles("Elevation", "By what angle cameras look down", (-5, 30), 80)
    height: _range("Height", "How high above the floor cameras stand", (0.5, 1.8), min=0.0, max=100.0, unit="LENGTH")
    elevation_jitter: bpy.props.FloatProperty(
        name="Elevation",
        description="By how much at most a picture's elevation may differ",
        subtype="ANGLE",
        min=0.0,
        max=radians(45),
        default=radians(5),
    )
    reach: bpy.props.EnumProperty(
        name="Distance",
        description="How far away the cameras are",
        items=(
            ("AUTO", "Automatic", "As far as the motion's own camera; without one, 2.5 times the character's height"),
            ("DISTANCE", "Distance", "So far from the hips"),
            ("LENS", "Lens", "As far as the whole framing needs with this lens on a full-frame camera"),
        ),
    )
    distance: _range("Distance", "How far from the hips cameras stand", (3.0, 5.0), min=0.1, max=1000.0, unit="LENGTH")
    lens: _range("Lens", "The focal length on a full-frame camera", (35.0, 85.0), min=10.0, max=1000.0, unit="CAMERA", precision=1)
    distance_jitter: _share("Distance", "By which share at most a picture's distance may differ", 0.1, max=0.5)
    framings: bpy.props.EnumProperty(
        name="Framing",
        description="What pictures show; of several, each shows one",
        translation_context=CONTEXT,
        items=FRAMINGS,
        options={"ENUM_FLAG"},
        default={"body"},
    )
    framing_jitter: _share("Framing", "By which share of the picture's side at most it may be shifted and scaled", 0.02, max=0.2)
    consecutive: bpy.props.IntProperty(
        name="Consecutive",
        description="So many frames of a clip in a row are seen from one camera and in one look, for programs that train on sequences",
        min=1,
        soft_max=16,
        max=1000,
        default=1,
    )


class NINGYO_dataset_poses(bpy.types.PropertyGroup):
    variations: _share("Variations", "Share of the samples that are random variations of training clips' poses", 0.3, max=0.99)
    mirrored: _share("Mirrored", "Share of the variations with left and right exchanged", 0.5)
    spread: bpy.props.FloatProperty(
        name="Spread",
        description="How far variations go from the clip's pose",
        min=0.0,
        max=3.0,
        soft_max=2.0,
        default=1.0,
        subtype="FACTOR",
    )
    sampled: _share("From No Clip", "Share of the samples with poses that no clip has, within what joints can do", 0.0)
    expressions: _share("Expressions", "Share of the samples with a random expression, where the character's face can show one", 0.0)


class NINGYO_dataset_look(bpy.types.PropertyGroup):
    light_yaw: _angles("Light From", "Where around the character the light comes from; 0 is its front, positive its left", (-35, -35), 360)
    light_elevation: _angles("Light Elevation", "How high the light stands", (38, 38), 90)
    outline: _range("Outline", "Width of the outline in pixels; 0 is none", (1.25, 1.25), min=0.0, max=20.0, precision=2, step=5)
    tones: bpy.props.EnumProperty(
        name="Tones",
        description="How many tones a color has",
        items=(
            ("2", "Two", "Light and shade"),
            ("3", "Three", "Light, half-light and shade"),
            ("2,3", "Either", "Two or three, by chance"),
        ),
    )
    palettes: bpy.props.IntProperty(
        name="Palettes", description="In how many sets of colors each built-in character appears", min=1, soft_max=16, max=1000, default=1
    )


class NINGYO_dataset_colour(bpy.types.PropertyGroup):
    value: bpy.props.FloatVectorProperty(
        name="Color",
        description="A color that is behind the character",
        subtype="COLOR_GAMMA",
        min=0.0,
        max=1.0,
        default=(0.96, 0.94, 0.92),
    )


class NINGYO_dataset_background(bpy.types.PropertyGroup):
    kind: bpy.props.EnumProperty(
        name="Behind",
        description="What is behind the character",
        items=(
            ("NONE", "Transparent", "Nothing: pictures are transparent, and can be laid on anything later"),
            ("COLOURS", "Colors", "One of these colors"),
            ("PICTURES", "Pictures", "A part of one of the pictures in a folder"),
            ("BOTH", "Both", "A color, or a part of a picture"),
        ),
    )
    colours: bpy.props.CollectionProperty(type=NINGYO_dataset_colour)
    pictures: bpy.props.StringProperty(name="Folder", description="A folder with pictures", subtype="DIR_PATH", options=ON_DISK)


class NINGYO_dataset(bpy.types.PropertyGroup):
    """`scene.ningyo.dataset`"""

    characters: bpy.props.CollectionProperty(type=NINGYO_dataset_character)
    character: bpy.props.IntProperty(name="Character", description="The chosen line of the list of characters")
    clips: bpy.props.CollectionProperty(type=NINGYO_dataset_clip)
    clip: bpy.props.IntProperty(name="Clip", description="The chosen line of the list of clips")
    size: bpy.props.IntProperty(name="Size", description="Side of the pictures, in pixels", min=16, max=4096, default=256, subtype="PIXEL")
    counts: bpy.props.BoolProperty(
        name="Limit", description="Make so many samples; otherwise every frame of every clip is seen from every camera", default=True
    )
    count: bpy.props.IntProperty(name="Samples", description="How many samples to make, of all characters together", min=1, default=1000)
    labels: bpy.props.PointerProperty(type=NINGYO_dataset_labels)
    has_head_size: bpy.props.BoolProperty(name="Has a Size", description="Close-ups of this size; otherwise half of the pictures' size")
    head_size: bpy.props.IntProperty(
        name="Close-Up Size", description="Side of the heads' pictures, in pixels", min=16, max=4096, default=128, subtype="PIXEL"
    )
    cameras: bpy.props.PointerProperty(type=NINGYO_dataset_cameras)
    poses: bpy.props.PointerProperty(type=NINGYO_dataset_poses)
    look: bpy.props.PointerProperty(type=NINGYO_dataset_look)
    background: bpy.props.PointerProperty(type=NINGYO_dataset_background)
    seed: bpy.props.IntProperty(
        name="Seed", description="Of everything random: the same number, the same dataset; another one, another dataset", min=0
    )
    number: bpy.props.IntProperty(name="Sample", description="The sample that is shown, counted from 0", min=0, soft_max=999, default=0)
    output: bpy.props.StringProperty(
        name="Output",
        description="The dataset's folder: a new one, or a dataset to go on with. Empty: one in the folder for everything that is made",
        subtype="DIR_PATH",
        options=ON_DISK,
    )
    limits_workers: bpy.props.BoolProperty(name="Limit Processes", description="Render with so many processes; otherwise with one a core")
    workers: bpy.props.IntProperty(name="Processes", description="How many processes render at once", min=1, soft_max=64, default=2)
    preset: bpy.props.EnumProperty(
        name="Preset",
        description="How large the network is, and so what machine it is for",
        translation_context=CONTEXT,
        items=PRESET_ITEMS,
    )
    minutes: bpy.props.FloatProperty(
        name="Minutes Each", description="How long to train each character, in minutes", min=0.1, soft_max=600.0, default=10.0, precision=1
    )
    left_out: bpy.props.StringProperty(description="Names of characters that are not to be trained, one a line", options={"HIDDEN"})
    shown: bpy.props.StringProperty(description="The character whose training is shown", options={"HIDDEN"})
    form: bpy.props.EnumProperty(
        name="Form",
        description="Which programs the export is for",
        items=(
            ("pix2pix", "pix2pix", "Skeleton and picture side by side (A|B), for pytorch-CycleGAN-and-pix2pix"),
            ("pix2pixhd", "pix2pixHD", "Skeletons and pictures in folders of their own"),
            ("imagefolder", "ControlNet (imagefolder)", "Pictures, conditions and captions, for Hugging Face's datasets and diffusers"),
            ("coco", "COCO Keypoints", "Keypoints, boxes and segmentations, for pycocotools, MMPose, Detectron2"),
            ("webdataset", "WebDataset", "Tar shards with every file as it is"),
            ("dance_now", "dance_now", "Pictures, OpenPose JSON and heads, as dance_now reads them"),
            ("openpose", "OpenPose JSON", "Pictures with their transparency, and OpenPose's JSON"),
        ),
    )


CLASSES = (
    NINGYO_dataset_character,
    NINGYO_dataset_clip,
    NINGYO_dataset_labels,
    NINGYO_dataset_cameras,
    NINGYO_dataset_poses,
    NINGYO_dataset_look,
    NINGYO_dataset_colour,
    NINGYO_dataset_background,
    NINGYO_dataset,
)
