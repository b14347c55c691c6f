# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""The Dataset panel: what it asks for is what a job file would say, it says what is missing, and its lists and files work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import dataset_panels, dataset_properties
from ningyo.addon.dataset_job import take, wanted
from ningyo.addon.dataset_sources import out_of
from ningyo.synth_data.characters.clips import FILE_TYPES
from ningyo.synth_data.dataset.export import FORMS
from ningyo.synth_data.render.job import FRAMINGS, LABELS, RenderJob
from ningyo.synth_data.render.job_file import load_job

ALL = (
    dataset_panels.NINGYO_PT_dataset,
    dataset_panels.NINGYO_PT_dataset_clip,
    dataset_panels.NINGYO_PT_dataset_labels,
    dataset_panels.NINGYO_PT_dataset_cameras,
    dataset_panels.NINGYO_PT_dataset_poses,
    dataset_panels.NINGYO_PT_dataset_look,
    dataset_panels.NINGYO_PT_dataset_background,
    dataset_panels.NINGYO_PT_dataset_preview,
    dataset_panels.NINGYO_PT_dataset_render,
    dataset_panels.NINGYO_PT_dataset_made,
)


@pytest.fixture
def dataset(addon: Any, doll: tuple[Path, Path]) -> Any:
    """The scene's settings with a character and a clip, all else as it is by default."""
    settings = bpy.context.scene.ningyo.dataset
    character, clip = settings.characters.add(), settings.clips.add()
    character.kind, character.file = "FILE", str(doll[0])
    clip.file = str(doll[1])
    return settings


def asked() -> RenderJob:
    found = wanted(bpy.context.scene, Path("/sources"))
    assert found.problem == ""
    return found.job


def problem() -> str:
    found = wanted(bpy.context.scene, Path("/sources"))
    assert found.job is None
    return found.problem


WHOLE = """
size = 320
count = 77
seed = 5
labels = ["skeleton", "capsules", "depth", "head"]
head_size = 96
[[characters]]
rig = "{doll}"
name = "hero"
[[characters]]
rig = "builtin:7-19"
[[characters]]
rig = "builtin:40"
name = "forty"
[[clips]]
motion = "{clip}"
name = "swing"
start = 2
end = 9
split = "train"
characters = ["hero", "forty"]
speed = [0.8, 1.25]
mirrored = 0.5
[[clips]]
motion = "{clip}"
name = "again"
split = "test"
[cameras]
yaws = [0, 22.5, -90]
yaw_jitter = 12.5
elevation = [-5, 30]
elevation_jitter = 3
lens = [35, 85.5]
distance_jitter = 0.05
framings = ["body", "head"]
framing_jitter = 0.01
consecutive = 3
[poses]
variations = 0.2
mirrored = 0.4
spread = 1.5
sampled = 0.1
expressions = 0.3
[look]
light_yaw = [-60, 60]
light_elevation = [20, 61.3]
outline = [1, 1.6]
tones = [2, 3]
palettes = 4
[background]
colours = ["F4F1EA", "2B3556"]
pictures = "{folder}"
"""


def toml(text: str, doll: tuple[Path, Path], folder: Path) -> Path:
    file = folder / "job.toml"
    file.write_text(text.format(doll=doll[0].as_posix(), clip=doll[1].as_posix(), folder=folder.as_posix()))
    return file


def test_by_default_it_is_the_plainest_job_file(dataset: Any, doll: tuple[Path, Path], tmp_path: Path) -> None:
    text = 'count = 1000\nlabels = ["skeleton", "mask"]\n[[characters]]\nrig = "{doll}"\n[[clips]]\nmotion = "{clip}"\n'
    assert asked() == load_job(toml(text, doll, tmp_path))


def test_every_setting_says_what_it_says_in_a_job_file(dataset: Any, doll: tuple[Path, Path], tmp_path: Path) -> None:
    """Set by hand, and set from the file."""
    job = load_job(toml(WHOLE, doll, tmp_path))
    hero, range_of, forty = dataset.characters[0], dataset.characters.add(), dataset.characters.add()
    hero.name = "hero"
    range_of.seed, range_of.many = 7, 13
    forty.seed, forty.name = 40, "forty"
    swing, again = dataset.clips[0], dataset.clips.add()
    swing.name, swing.trims, swing.start, swing.end, swing.split = "swing", True, 2, 9, "TRAIN"
    swing.characters, swing.speed, swing.mirrored = "hero, forty", (1.25, 0.8), 0.5
    again.file, again.name, again.split = str(doll[1]), "again", "TEST"
    off = dataset.characters.add()
    off.enabled = False
    dataset.size, dataset.count, dataset.seed = 320, 77, 5
    labels = dataset.labels
    labels.mask, labels.capsules, labels.depth, labels.head = False, True, True, True
    dataset.has_head_size, dataset.head_size = True, 96
    cameras = dataset.cameras
    cameras.angles, cameras.yaw_jitter, cameras.rise, cameras.elevation_jitter = "0, 22.5 -90°", 0.2181662, "ELEVATION", 0.05235988
    cameras.reach, cameras.lens, cameras.distance_jitter, cameras.framing_jitter = "LENS", (35, 85.5), 0.05, 0.01
    cameras.framings, cameras.consecutive = {"body", "head"}, 3
    poses = dataset.poses
    poses.variations, poses.mirrored, poses.spread, poses.sampled, poses.expressions = 0.2, 0.4, 1.5, 0.1, 0.3
    look = dataset.look
    look.light_yaw, look.light_elevation, look.outline = (-1.0471976, 1.0471976), (0.34906585, 1.0698868), (1, 1.6)
    look.tones, look.palettes = "2,3", 4
    dataset.background.kind = "BOTH"
    for colour in ("F4F1EA", "2B3556"):
        dataset.background.colours.add().value = [value / 255 for value in bytes.fromhex(colour)]
    dataset.background.pictures = str(tmp_path)
    assert asked() == job
    take(dataset, load_job(toml('[[characters]]\nrig = "builtin:1"\n[[clips]]\nmotion = "{clip}"\n', doll, tmp_path)))
    assert asked() != job
    assert take(dataset, job) == []
    assert asked() == job
    assert [(line.kind, line.seed, line.many) for line in dataset.characters] == [("FILE", 0, 1), ("BUILTIN", 7, 13), ("BUILTIN", 40, 1)]


def test_an_orbit_and_a_height(dataset: Any, doll: tuple[Path, Path], tmp_path: Path) -> None:
    dataset.counts = False
    dataset.cameras.around, dataset.cameras.orbit = "ORBIT", 7
    dataset.cameras.rise, dataset.cameras.height = "HEIGHT", (0.3, 1.7)
    dataset.cameras.reach, dataset.cameras.distance = "DISTANCE", (2.5, 2.5)
    job = asked()
    assert job.count is None
    assert job.cameras.yaws == tuple(i * 360 / 7 for i in range(7))
    assert (job.cameras.height, job.cameras.distance) == ((0.3, 1.7), (2.5, 2.5))
    dataset.cameras.around = "ANGLES"
    assert take(dataset, job) == []
    assert (dataset.cameras.around, dataset.cameras.orbit) == ("ORBIT", 7)
    assert asked() == job


def test_what_the_panel_cannot_hold_is_named(dataset: Any, doll: tuple[Path, Path], tmp_path: Path) -> None:
    text = (
        '[[characters]]\nrig = "builtin:1"\n[[clips]]\nmotion = "{clip}"\n[cameras]\nframings = ["head", "body"]\n[look]\ntones = [3, 2]\n'
    )
    job = load_job(toml(text, doll, tmp_path))
    assert take(dataset, job) == ["cameras", "look"]
    assert bpy.ops.ningyo.dataset_load_job(filepath=str(tmp_path / "job.toml")) == {"FINISHED"}


def test_a_job_too_large_for_the_panel(dataset: Any, doll: tuple[Path, Path], tmp_path: Path) -> None:
    text = 'seed = 5000000000\n[[characters]]\nrig = "builtin:6000000000"\n[[clips]]\nmotion = "{clip}"\n'
    assert take(dataset, load_job(toml(text, doll, tmp_path))) == ["characters", "seed"]


def test_without_numpy_it_says_so(dataset: Any, drawn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("dataset_job", "dataset_work", "dataset_lists"):
        monkeypatch.setattr(f"ningyo.addon.{module}.has_numpy", lambda: False)
    assert "no numpy" in problem()
    assert any("no numpy" in text for panel in ALL for text in drawn(panel))
    assert not any(getattr(bpy.ops.ningyo, f"dataset_{name}").poll() for name in ("preview", "render", "save_job", "load_job", "stats"))


def test_names_are_those_of_the_job(addon: Any) -> None:
    settings = bpy.context.scene.ningyo.dataset
    assert set(dataset_properties.LABELS) == set(LABELS) == {name for name in LABELS if hasattr(settings.labels, name)}
    assert tuple(name for name, *_ in dataset_properties.FRAMINGS) == FRAMINGS
    assert set(settings.bl_rna.properties["form"].enum_items.keys()) == set(FORMS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.characters.clear(), "Add a character"),
        (lambda d: setattr(d.characters[0], "enabled", False), "Enable a character"),
        (lambda d: d.clips.clear(), "Add a clip"),
        (lambda d: setattr(d.clips[0], "enabled", False), "Enable a clip"),
        (lambda d: setattr(d.characters[0], "file", ""), "Choose the character's file"),
        (lambda d: setattr(d.clips[0], "file", "/nowhere/walk.fbx"), "walk.fbx is not there"),
        (lambda d: setattr(d.characters[0], "kind", "ARMATURE"), "Choose the character's armature"),
        (lambda d: setattr(d.clips[0], "kind", "MOTION"), "Choose the armature with the motion"),
        (lambda d: setattr(d.clips.add(), "file", d.clips[0].file), "Two clips are called swing"),
        (lambda d: setattr(d.cameras, "angles", "0, left"), "must be numbers"),
        (lambda d: setattr(d.cameras, "angles", ""), "no camera"),
        (lambda d: setattr(d.cameras, "framings", set()), "Choose a framing"),
        (lambda d: setattr(d.background, "kind", "COLOURS"), "Add a color"),
        (lambda d: setattr(d.background, "kind", "PICTURES"), "Choose a folder"),
        (lambda d: (setattr(d.poses, "variations", 0.6), setattr(d.poses, "sampled", 0.5)), "leave room"),
        (lambda d: (d.clips.clear(), setattr(d.poses, "sampled", 0.5), setattr(d, "counts", False)), "limit the samples"),
        (lambda d: setattr(d.clips[0], "characters", "nobody"), 'for "nobody"'),
    ],
)
def test_what_is_missing_is_said(dataset: Any, drawn: Any, change: Any, words: str) -> None:
    change(dataset)
    found = problem()
    assert words in found
    assert not bpy.ops.ningyo.dataset_preview.poll()
    assert not bpy.ops.ningyo.dataset_render.poll()
    shown = " ".join(
        text for panel in (dataset_panels.NINGYO_PT_dataset_preview, dataset_panels.NINGYO_PT_dataset_render) for text in drawn(panel)
    )
    assert shown.count(found) == 2


def test_the_panels_draw_everything_they_may_hold(dataset: Any, drawn: Any, doll: tuple[Path, Path], tmp_path: Path) -> None:
    for text in ('[[characters]]\nrig = "builtin:1"\n[[clips]]\nmotion = "{clip}"\n', WHOLE):
        take(dataset, load_job(toml(text, doll, tmp_path)))
        for number in range(len(dataset.characters)):
            dataset.character = number
            for panel in ALL:
                drawn(panel)
    dataset.cameras.around, dataset.cameras.rise, dataset.cameras.reach = "ORBIT", "HEIGHT", "DISTANCE"
    drawn(dataset_panels.NINGYO_PT_dataset_cameras)
    lines = drawn(dataset_panels.NINGYO_PT_dataset)
    assert {"hero", "Built-in 7 to 19", "13×", "swing", "2–9, training", "held out"} <= set(lines)
    dataset.characters[0].file = "/nowhere/else.glb"
    assert "hero: else.glb is not there" in drawn(dataset_panels.NINGYO_PT_dataset)


def test_lists_are_filled_sorted_and_emptied(dataset: Any, doll: tuple[Path, Path]) -> None:
    ops = bpy.ops.ningyo
    ops.dataset_add_builtin()
    dataset.characters[1].many = 5
    ops.dataset_add_builtin()
    assert [(line.kind, line.seed) for line in dataset.characters] == [("FILE", 0), ("BUILTIN", 0), ("BUILTIN", 5)]
    assert dataset.character == 2
    files = [{"name": doll[0].name}, {"name": doll[0].name}]
    assert ops.dataset_add_characters(directory=str(doll[0].parent), files=files) == {"FINISHED"}
    assert len(dataset.characters) == 5
    with pytest.raises(RuntimeError, match="is not one of"):
        ops.dataset_add_clips(filepath=str(doll[0]))
    assert ops.dataset_add_clips(filepath=str(doll[1])) == {"FINISHED"}
    assert len(dataset.clips) == 2
    armature = bpy.data.objects.new("rig", bpy.data.armatures.new("rig"))
    bpy.context.scene.collection.objects.link(armature)
    assert ops.dataset_add_armatures() == {"FINISHED"}
    assert dataset.characters[5].armature == armature
    assert not ops.dataset_add_armatures.poll()
    assert not ops.dataset_add_motions.poll()
    dataset.character = 5
    assert ops.dataset_move(which="CHARACTERS", by=-1) == {"FINISHED"}
    assert (dataset.character, dataset.characters[4].kind) == (4, "ARMATURE")
    assert ops.dataset_remove(which="CHARACTERS") == {"FINISHED"}
    assert [line.kind for line in dataset.characters] == ["FILE", "BUILTIN", "BUILTIN", "FILE", "FILE"]
    assert ops.dataset_remove(which="CLIPS") == {"FINISHED"}
    assert ops.dataset_remove(which="CLIPS") == {"FINISHED"}
    with pytest.raises(RuntimeError, match="no line"):
        ops.dataset_remove(which="CLIPS")
    ops.dataset_add_colour()
    ops.dataset_add_colour()
    ops.dataset_remove(which="COLOURS", number=0)
    assert len(dataset.background.colours) == 1


def test_jobs_go_to_files_and_come_back(dataset: Any, doll: tuple[Path, Path], tmp_path: Path) -> None:
    take(dataset, load_job(toml(WHOLE, doll, tmp_path)))
    job = asked()
    assert bpy.ops.ningyo.dataset_save_job(filepath=str(tmp_path / "saved.toml")) == {"FINISHED"}
    assert load_job(tmp_path / "saved.toml") == job
    dataset.characters.clear()
    dataset.clips.clear()
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.ningyo.dataset_load_job(filepath=str(tmp_path / "none.toml"))
    assert bpy.ops.ningyo.dataset_load_job(filepath=str(tmp_path / "saved.toml")) == {"FINISHED"}
    assert asked() == job


def test_the_output_is_among_everything_or_where_it_is_chosen(dataset: Any, tmp_path: Path) -> None:
    scene = bpy.context.scene
    assert out_of(scene) == (tmp_path / "out" / "dataset").resolve()
    dataset.output = f"{tmp_path}/mine/"
    assert out_of(scene) == tmp_path / "mine"
    (tmp_path / "mine").mkdir()
    bpy.ops.ningyo.dataset_new_folder()
    assert out_of(scene) == tmp_path / "mine-2"
    (tmp_path / "mine-2").mkdir()
    bpy.ops.ningyo.dataset_new_folder()
    assert out_of(scene) == tmp_path / "mine-3"


def test_clips_may_be_of_every_kind_that_can_be_read(addon: Any) -> None:
    from ningyo.addon.dataset_lists import CLIP_FILES

    assert set(CLIP_FILES) == set(FILE_TYPES)
