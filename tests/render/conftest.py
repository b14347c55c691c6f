# SPDX-License-Identifier: GPL-3.0-or-later
"""A small character of blocks, one a bone, and a motion for it."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, matrix_to_quaternion, unit
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.rig import Rig

collect_ignore = [] if importlib.util.find_spec("bpy") else ["test_render_batch.py", "test_previews.py"]

# The rigs made of numbers are those of the retargeting tests.
_spec = importlib.util.spec_from_file_location("ningyo_test_rigs", Path(__file__).parents[1] / "retarget" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_rigs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_rigs)

THICK = {"spine": 0.1, "spine1": 0.1, "spine2": 0.11, "hips": 0.11, "head": 0.08, "thigh": 0.06, "shin": 0.045, "upper_arm": 0.04}


def build_motion(rig: Rig, frames: int = 12, camera: Camera | None = None) -> Motion:
    """Arms, legs, trunk and head swing; the hips travel."""
    random = np.random.default_rng(5)
    swing = np.sin(np.linspace(0, 2, frames)[:, None] + random.uniform(0, 6, len(rig.bones)))
    amplitude = np.zeros(len(rig.bones))
    for role, angle in {"upper_arm": 1.0, "forearm": 0.8, "thigh": 0.6, "shin": 0.6, "hand": 0.4}.items():
        amplitude[[rig.index_of_role[f"{side}_{role}"] for side in ("left", "right")]] = angle
    amplitude[[rig.index_of_role[role] for role in ("spine", "head", "hips")]] = 0.3
    axes = unit(random.normal(size=(len(rig.bones), 3)))
    local = axis_angle_to_matrix(np.broadcast_to(axes, (frames, *axes.shape)), swing * amplitude)
    root = rig.head("hips") + 0.2 * np.sin(np.linspace(0, 3, frames))[:, None] * np.array([1.0, 0.5, 0.1])
    zeros = np.zeros(frames)
    return Motion(
        25.0,
        rig.names,
        np.arange(frames) / 25,
        matrix_to_quaternion(local),
        root,
        np.zeros((frames, 4)),
        zeros,
        zeros,
        rig.name,
        rig.source_sha256,
        camera,
    )


def build_block_character(bpy, rig: Rig, path: Path) -> None:
    """A box around every bone that has a child, as a .blend."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    armature = _rigs.build_armature(bpy, rig)
    vertices: list[np.ndarray] = []
    faces: list[tuple[int, ...]] = []
    owners: list[str] = []
    for b, bone in enumerate(rig.bones):
        children = [c for c, other in enumerate(rig.bones) if other.parent == b and other.role is not None]
        if not children or bone.role is None:
            continue
        start = rig.rest_heads[b]
        end = rig.rest_heads[children].mean(axis=0)
        half = THICK.get(bone.role.removeprefix("left_").removeprefix("right_"), 0.015 if bone.role[-1].isdigit() else 0.03)
        along = unit(end - start)
        side = unit(np.cross(along, [0.3, 1.0, 0.2]))
        other = np.cross(along, side)
        corners = [place + half * (i * side + j * other) for place in (start, end) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        first = len(vertices)
        vertices += corners
        quads = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
        faces += [tuple(first + i for i in quad) for quad in quads]
        owners += [bone.name] * 8
    mesh = bpy.data.meshes.new("Blocks")
    mesh.from_pydata([tuple(v) for v in vertices], [], faces)
    item = bpy.data.objects.new("Blocks", mesh)
    bpy.context.scene.collection.objects.link(item)
    material = bpy.data.materials.new("Skin")
    material.diffuse_color = (0.8, 0.4, 0.3, 1.0)
    mesh.materials.append(material)
    for name in sorted(set(owners)):
        group = item.vertex_groups.new(name=name)
        group.add([i for i, owner in enumerate(owners) if owner == name], 1.0, "REPLACE")
    item.modifiers.new("Armature", "ARMATURE").object = armature
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def digest_of(folder: Path) -> dict[str, str]:
    """Path → hash of every file."""
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture(scope="session")
def digest():
    return digest_of


@pytest.fixture
def make_rig():
    return _rigs.build_rig


@pytest.fixture
def make_motion():
    return build_motion


@pytest.fixture(scope="session")
def actor(tmp_path_factory) -> tuple[Path, Path]:
    """A character's file and a motion's."""
    bpy = pytest.importorskip("bpy")
    folder = tmp_path_factory.mktemp("actor")
    rig = _rigs.build_rig(rolls=True)
    build_block_character(bpy, rig, folder / "blocks.blend")
    build_motion(rig).save(folder / "swing.npz")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return folder / "blocks.blend", folder / "swing.npz"
