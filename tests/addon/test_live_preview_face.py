# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Faces in the live preview: shape keys have the values that Retarget would give them, and what they had before comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import kept_pose, live_preview
from ningyo.addon.motions import shown_motion
from ningyo.addon.properties import plan_of
from ningyo.synth_data.characters.importing import load_character
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.head import FACE_INDEX, FACE_SHAPE

FPS, FRAMES = 25, 12  # of `standing_track`
LIPS = ((13, 14), (82, 87), (312, 317))  # upper and lower
WIDTH = 90.0  # px, of the face


def talking_track(path: Path) -> None:
    """In `standing_track`, the person's mouth opens more and more."""
    track = PoseTrack.load(path)
    places = np.zeros((FRAMES, 478, 3))
    places[:, FACE_INDEX] = FACE_SHAPE
    for above, below in LIPS:
        places[:, above] = places[:, below] = (0, -0.15, -0.5)
        places[:, below, 2] -= 0.012 + 0.16 * np.linspace(0, 1, FRAMES)
    places *= WIDTH
    track.face_image[0] = np.stack([320 + places[..., 0], 200 - places[..., 2], places[..., 1]], -1)
    track.face_score[0] = 0.9
    track.save(path)


@pytest.fixture
def keys(closed_form: Any, standing_track) -> Any:
    """The shape keys of a character that was chosen, with values of its own; the video was captured."""
    armature = load_character("builtin:1").armature
    closed_form.character, closed_form.armature = "ARMATURE", armature
    track = plan_of(bpy.context).files.track
    standing_track(track)
    talking_track(track)
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start = FPS, 1
    scene.frame_set(1)
    (found,) = bpy.data.shape_keys
    for number, block in enumerate(found.key_blocks[1:]):
        block.value = 0.01 * number
    return found


def values(keys: Any) -> dict[str, float]:
    return {block.name: block.value for block in keys.key_blocks}


def jaw_at(keys: Any, frame: int) -> float:
    """As Blender shows it."""
    bpy.context.scene.frame_set(frame)
    (mesh,) = (obj for obj in bpy.context.scene.objects if obj.type == "MESH" and obj.data.shape_keys == keys)
    return mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys.key_blocks["jawOpen"].value


def toggle() -> None:
    assert bpy.ops.ningyo.live_preview() == {"FINISHED"}


def test_it_shows_the_values_that_retargeting_would(keys: Any) -> None:
    before = values(keys)
    toggle()
    seen = [jaw_at(keys, frame) for frame in (1, 6, FRAMES)]
    assert seen[2] > seen[1] > seen[0]
    assert seen[2] > 0.5
    toggle()
    assert values(keys) == before
    assert kept_pose.KEPT not in keys
    assert keys.animation_data is None
    assert jaw_at(keys, 4) == before["jawOpen"], "nothing follows any more"
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    (face,) = shown_motion(bpy.context).faces
    assert face.keys == keys
    assert [jaw_at(keys, frame) for frame in (1, 6, FRAMES)] == pytest.approx(seen, abs=1e-4)


def test_its_action_plays_again_afterwards(keys: Any) -> None:
    block = keys.key_blocks["jawOpen"]
    for frame, value in ((1, 0.0), (11, 1.0)):
        block.value = value
        block.keyframe_insert("value", frame=frame)
    bpy.context.scene.frame_set(1)
    toggle()
    assert jaw_at(keys, 6) != pytest.approx(0.5, abs=0.05), "the Action does not show through"
    toggle()
    bpy.context.view_layer.update()
    assert block.value == pytest.approx(0.5, abs=0.05), "where it is in this frame, not in the one in which the preview began"


def test_files_and_undo_steps_have_the_values_that_were_there(keys: Any, tmp_path: Path) -> None:
    before, name = values(keys), keys.name
    bpy.ops.ed.undo_push(message="before")
    toggle()
    shown = jaw_at(keys, FRAMES)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"), copy=True)
    assert keys.key_blocks["jawOpen"].value == pytest.approx(shown), "it goes on"
    with bpy.data.libraries.load(str(tmp_path / "scene.blend"), link=True) as (_held, wanted):
        wanted.meshes = [mesh.name for mesh in bpy.data.meshes if mesh.shape_keys == keys]
    (saved,) = wanted.meshes
    assert values(saved.shape_keys) == before
    assert kept_pose.KEPT not in saved.shape_keys
    bpy.data.objects.new("something", None)
    bpy.ops.ed.undo_push(message="with the preview on")
    toggle()
    bpy.data.objects.new("something else", None)
    bpy.ops.ed.undo_push(message="after it")
    for step in (bpy.ops.ed.undo, bpy.ops.ed.undo, bpy.ops.ed.redo):
        step()
        keys = bpy.data.shape_keys[name, None]
        assert values(keys) == before
        assert kept_pose.KEPT not in keys
    toggle()
    jaw_at(keys, FRAMES)
    bpy.ops.ed.undo()
    assert not live_preview.is_on()
    assert values(bpy.data.shape_keys[name, None]) == before


def test_shape_keys_that_are_linked_stay_as_they_are(keys: Any, closed_form: Any, standing_track, tmp_path: Path) -> None:
    """As Retarget leaves them. That somebody else's in this file are called the same means nothing."""
    scene, armature = bpy.context.scene, closed_form.armature
    objects = {armature, *(obj for obj in scene.objects if obj.type == "MESH")}
    before, names = values(keys), (armature.name, keys.name)
    bpy.data.libraries.write(str(tmp_path / "library.blend"), objects)
    for obj in objects:
        bpy.data.objects.remove(obj)
    bpy.data.orphans_purge(do_recursive=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (held, wanted):
        wanted.collections, wanted.objects = held.collections, held.objects
    linked = bpy.data.objects[names[0]]
    mesh = next(obj for obj in wanted.objects if obj.data.id_type == "MESH" and obj.data.shape_keys)
    for obj in wanted.objects:
        scene.collection.objects.link(obj)
    mesh = mesh.override_create(remap_local_usages=True)
    closed_form.armature = linked.override_create(remap_local_usages=True)
    mesh.parent = closed_form.armature
    other = bpy.data.objects.new("other", bpy.data.meshes.new("other"))
    for name in ("Basis", "jawOpen"):
        other.shape_key_add(name=name).value = 0.0
    assert other.data.shape_keys.name == names[1]
    standing_track(plan_of(bpy.context).files.track)
    talking_track(plan_of(bpy.context).files.track)
    toggle()
    scene.frame_set(FRAMES)
    assert live_preview.is_on()
    assert values(mesh.data.shape_keys) == before
    assert other.data.shape_keys.key_blocks["jawOpen"].value == 0
    toggle()
