# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""The preview shows the batch's sample and leaves Blender as it was; the scene's own characters and motions are handed on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import dataset_preview
from ningyo.addon.character import scene_armature, shadings
from ningyo.addon.dataset_job import wanted
from ningyo.addon.dataset_properties import LABELS
from ningyo.addon.dataset_sources import write_sources
from ningyo.addon.properties import plan_of
from ningyo.synth_data.characters.importing import load_character, rig_of
from ningyo.synth_data.dataset.folder import safe_name
from ningyo.synth_data.dataset.label_pictures import strip
from ningyo.synth_data.dataset.png import decode_png
from ningyo.synth_data.render.batch import render_dataset
from ningyo.synth_data.retarget.motion import Motion


def everything() -> dict[str, Any]:
    """What a person may have in Blender, and how it is set."""
    context, scene = bpy.context, bpy.context.scene
    layer = context.view_layer
    lists = [p.identifier for p in bpy.data.bl_rna.properties if p.type == "COLLECTION" and p.identifier != "all_ids"]
    return {
        "data": {name: sorted(item.name for item in getattr(bpy.data, name)) for name in lists},
        "scene": scene.name,
        "mode": context.mode,
        "active": layer.objects.active and layer.objects.active.name,
        "selected": sorted(obj.name for obj in layer.objects if obj.select_get()),
        "time": (scene.frame_current, scene.frame_start, scene.frame_end, scene.render.fps),
        "render": (scene.render.engine, scene.render.filepath, scene.render.resolution_x, scene.render.resolution_y),
    }


@pytest.fixture
def dataset(addon: Any, doll: tuple[Path, Path]) -> Any:
    settings = bpy.context.scene.ningyo.dataset
    character, clip = settings.characters.add(), settings.clips.add()
    character.kind, character.file = "FILE", str(doll[0])
    clip.file, clip.mirrored, clip.speed = str(doll[1]), 0.5, (0.5, 1.5)
    settings.size, settings.count, settings.seed = 64, 6, 3
    for name in ("depth", "flow", "head"):
        setattr(settings.labels, name, True)
    return settings


def shown() -> np.ndarray:
    """(H, W, 3) what the image editor would show."""
    image = bpy.data.images[dataset_preview.IMAGE]
    assert not image.is_dirty
    width, height = image.size
    pixels = np.empty(4 * width * height, np.float32)
    image.pixels.foreach_get(pixels)
    return np.rint(255 * pixels.reshape(height, width, 4)[::-1, :, :3]).astype(np.uint8)


def test_it_shows_the_batchs_sample_and_leaves_no_trace(dataset: Any, tmp_path: Path) -> None:
    cube = bpy.data.objects.new("mine", bpy.data.meshes.new("mine"))
    bpy.context.scene.collection.objects.link(cube)
    cube.data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    bpy.context.view_layer.objects.active = cube
    cube.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.context.scene.frame_set(7)
    bpy.context.scene.render.fps = 60
    before = everything()
    whole = render_dataset(wanted(bpy.context.scene, Path()).job, tmp_path / "dataset", workers=1)
    assert everything() == before
    for number, which in ((2, "SAME"), (3, "NEXT"), (5, "SAME"), (0, "NEXT")):
        if which == "SAME":
            dataset.number = number
        assert bpy.ops.ningyo.dataset_preview(which=which) == {"FINISHED"}
        assert dataset.number == number
        sample = whole.samples[number]
        expected, kinds = strip({kind: whole.file(sample, kind).read_bytes() for kind in sample.files}, 64)
        np.testing.assert_array_equal(shown(), expected)
        assert dataset_preview.last is not None
        lines = dataset_preview.last.lines
        assert lines[0].startswith(f"Sample {number} of 6 (0 to 5), ")
        assert lines[-1] == "Shown: picture, skeleton, mask, depth, flow, head close-up"
        assert len(kinds) == 6
        after = everything()
        assert after["data"]["images"] == [dataset_preview.IMAGE]
        after["data"]["images"] = []
        assert after == before
    assert bpy.ops.ningyo.dataset_preview(which="RANDOM") == {"FINISHED"}
    assert 0 <= dataset.number < 6
    dataset.number = 1000
    bpy.ops.ningyo.dataset_preview(which="SAME")
    assert dataset.number == 1000 % 6


def test_what_cannot_be_shown_is_said(dataset: Any, tmp_path: Path) -> None:
    before = everything()
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"not a character")
    dataset.characters[0].file = str(broken)
    with pytest.raises(RuntimeError, match="cannot read"):
        bpy.ops.ningyo.dataset_preview()
    clip = tmp_path / "broken.npz"
    clip.write_bytes(b"not a motion")
    dataset.clips[0].file = str(clip)
    with pytest.raises(RuntimeError, match="not a"):
        bpy.ops.ningyo.dataset_preview()
    assert everything() == before


def test_characters_and_motions_of_the_scene_are_written_once(dataset: Any, doll: tuple[Path, Path], tmp_path: Path) -> None:
    """As the worker gets them: at rest, and as the Motion panel's controls have them; the same again leaves the files alone."""
    character = load_character(str(doll[0]))
    armature = character.armature
    armature.pose.bones[0].rotation_mode = "XYZ"
    armature.pose.bones[0].rotation_euler = (0.4, 0.0, 0.0)
    rig = rig_of(character)
    motion = Motion.load(doll[1])
    solved = tmp_path / "person-0.npz"
    from ningyo.synth_data.retarget.transfer import on_rig

    on_rig(motion, rig).save(solved)
    rig.save(solved.with_suffix(".rig.json"))
    remembered = bpy.context.scene.ningyo.motions.add()
    remembered.armature, remembered.file, remembered.trims, remembered.start, remembered.end = armature, str(solved), True, 0.0, 0.2
    dataset.characters[0].kind, dataset.characters[0].armature = "ARMATURE", armature
    dataset.clips[0].kind, dataset.clips[0].armature = "MOTION", armature
    before = everything()
    sources = tmp_path / "sources"
    job = wanted(bpy.context.scene, sources).job
    assert job is not None
    write_sources(bpy.context, sources)
    assert everything() == before
    assert Path(job.characters[0].rig).is_file()
    assert Motion.load(job.clips[0].motion).frame_count == 5  # a fifth of a second
    assert [path.name for path in sorted(sources.iterdir())] == [Path(job.characters[0].rig).name, job.clips[0].motion.name]
    stamps = {path: path.stat().st_mtime_ns for path in sources.iterdir()}
    write_sources(bpy.context, sources)
    assert {path: path.stat().st_mtime_ns for path in sources.iterdir()} == stamps
    assert bpy.ops.ningyo.dataset_preview() == {"FINISHED"}
    remembered.end = 0.4
    write_sources(bpy.context, sources)
    assert [path for path in stamps if path.stat().st_mtime_ns != stamps[path]] == [job.clips[0].motion]
    dataset.characters[0].kind, dataset.characters[0].file = "FILE", job.characters[0].rig
    bpy.ops.ningyo.dataset_preview()
    seen = shown()
    bpy.context.scene.unit_settings.scale_length = 0.01  # glTF's importer heeds it, the batch's scene has another
    bpy.ops.ningyo.dataset_preview()
    np.testing.assert_array_equal(shown(), seen)
    assert bpy.context.scene.unit_settings.scale_length == pytest.approx(0.01)
    bpy.context.scene.unit_settings.scale_length = 1.0
    dataset.characters[0].kind = "ARMATURE"
    assert bpy.ops.ningyo.dataset_save_job(filepath=str(tmp_path / "job.toml")) == {"FINISHED"}
    assert sorted(path.name for path in (tmp_path / "job-files").iterdir()) == sorted(path.name for path in stamps)


def test_a_built_in_character_of_the_scene_is_made_anew(dataset: Any, tmp_path: Path) -> None:
    settings = bpy.context.scene.ningyo
    settings.seed = 4
    armature = scene_armature(bpy.context, plan_of(bpy.context))
    assert all(shading.show_backface_culling for shading in shadings()), "in Solid view the outline's hull hides the character"
    dataset.characters[0].kind, dataset.characters[0].armature = "ARMATURE", armature
    job = wanted(bpy.context.scene, tmp_path / "sources").job
    assert job is not None
    assert (job.characters[0].rig, job.characters[0].name) == ("builtin:4", safe_name(armature.name))
    write_sources(bpy.context, tmp_path / "sources")
    assert not (tmp_path / "sources").exists()


def test_the_picture_comes_into_an_open_editor(dataset: Any) -> None:
    """One that shows a preview already, or nothing; other pictures only where there is no other editor."""
    areas = bpy.context.window_manager.windows[0].screen.areas[:2]
    before = [area.type for area in areas]
    try:
        areas[0].type = "IMAGE_EDITOR"
        mine = bpy.data.images.new("mine", 8, 8)
        areas[0].spaces.active.image = mine
        areas[1].type = "IMAGE_EDITOR"
        bpy.ops.ningyo.dataset_preview()
        assert [area.spaces.active.image.name for area in areas] == ["mine", dataset_preview.IMAGE]
        areas[1].type = "VIEW_3D"
        bpy.ops.ningyo.dataset_preview()
        assert areas[0].spaces.active.image.name == dataset_preview.IMAGE
    finally:
        for area, kind in zip(areas, before, strict=True):
            area.type = kind


def test_the_picture_alone_is_shown_of_a_job_without_labels(dataset: Any) -> None:
    for name in LABELS:
        setattr(dataset.labels, name, False)
    assert bpy.ops.ningyo.dataset_preview() == {"FINISHED"}
    assert shown().shape == (64, 64, 3)
    assert decode_png((dataset_preview.folder() / "preview.png").read_bytes()).shape == (64, 64, 3)
    assert json.loads(json.dumps(dataclasses.asdict(dataset_preview.last)["lines"]))[-1] == "Shown: picture"
