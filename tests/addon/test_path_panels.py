# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""The path's panels: in an empty scene, on the way, and done; the user's presets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import CLASSES, facts, looking, path_panels
from ningyo.addon.plan import STAGES

ACTOR = Path(__file__).parents[2] / "samples" / "actor.mp4"
STEPS = sorted(
    (cls for cls in CLASSES if issubclass(cls, path_panels.Step) and cls.bl_space_type == "VIEW_3D"), key=lambda cls: cls.bl_order
)


def header(drawn: Callable[[Any], list[str]], step: Any) -> list[str]:
    """The words at the right of a step's header."""

    def draw(panel: Any, context: Any) -> None:
        panel.verb, panel.status = step.verb, lambda context: step.status(panel, context)
        step.draw_header(panel, context)
        panel.layout.texts.clear()
        step.draw_header_preset(panel, context)

    return drawn(SimpleNamespace(draw=draw))


def test_the_steps_stand_in_their_order() -> None:
    titles = [step.bl_label for step in STEPS]
    assert titles == ["1. Video", "2. Person", "3. Character", "4. Motion", "5. Dataset", "6. Train", "7. Generate"]
    assert {step.verb for step in STEPS} - {""} == set(STAGES)
    assert {step.bl_parent_id for step in STEPS} == {"NINGYO_PT_view3d"}


@pytest.mark.parametrize("has_worker", [True, False])
def test_every_panel_draws_in_an_empty_scene(addon: Any, drawn, monkeypatch: pytest.MonkeyPatch, has_worker: bool) -> None:
    if not has_worker:
        monkeypatch.delenv("NINGYO_WORKER")
        monkeypatch.setattr("ningyo.addon.worker.find_interpreter", lambda folders: None)
    seen = 0
    for panel in (cls for cls in CLASSES if issubclass(cls, bpy.types.Panel) and "ningyo" in cls.__module__):
        if "draw" in dir(panel) and not panel.__name__.endswith("_presets") and (not hasattr(panel, "poll") or panel.poll(bpy.context)):
            drawn(panel)
            seen += 1
    assert seen > 20


def test_a_newcomer_is_told_what_comes_first(settings: Any, drawn) -> None:
    settings.video = ""
    said = " ".join(drawn(path_panels.NINGYO_PT_step_video))
    assert "Choose a video" in said
    assert header(drawn, path_panels.NINGYO_PT_step_video) == ["To Do"]
    assert "Set up the worker first" in drawn(path_panels.NINGYO_PT_step_person)
    settings.video = "/nowhere/it is.mp4"
    assert "The video is not there" in drawn(path_panels.NINGYO_PT_step_video)
    assert header(drawn, path_panels.NINGYO_PT_step_video) == ["Failed"]
    settings.character = "FILE"
    assert "Choose the character's file" in drawn(path_panels.NINGYO_PT_step_character)
    settings.character = "ARMATURE"
    assert "Choose the character's armature" in drawn(path_panels.NINGYO_PT_step_character)


def test_each_step_says_which_one_it_waits_for(settings_with_worker: Any, drawn) -> None:
    for step, reason in zip(STEPS[3:], ("Capture first", "Retarget first", "Render first", "Capture first"), strict=True):
        texts = drawn(step)
        assert reason in texts, step
        assert header(drawn, step) == [reason]
    assert header(drawn, path_panels.NINGYO_PT_step_person) == ["To Do", "button(ningyo.capture"]
    assert any("Finds everyone" in text for text in drawn(path_panels.NINGYO_PT_step_person))


def test_the_video_is_described_when_it_is_chosen(settings_with_worker: Any, drawn, tmp_path: Path) -> None:
    assert not any(settings_with_worker.video_facts), "an empty file is no video"
    assert "Blender found no video in this file: choose it again" in " ".join(drawn(path_panels.NINGYO_PT_step_video))
    assert header(drawn, path_panels.NINGYO_PT_step_video) == ["Failed"]
    clips = len(bpy.data.movieclips)
    settings_with_worker.video = str(ACTOR)
    width, height, *rest = settings_with_worker.video_facts
    assert min(width, height) > 0
    assert rest == [150, 25]
    assert len(bpy.data.movieclips) == clips
    assert f"{width:.0f}×{height:.0f}, 150 frames, 25 fps" in " ".join(drawn(path_panels.NINGYO_PT_step_video))
    assert header(drawn, path_panels.NINGYO_PT_step_video) == [""]


def test_what_lies_on_disk_is_said_in_half_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SECONDS_BETWEEN_LOOKS", 0.0)
    np = pytest.importorskip("numpy")
    dataset = tmp_path / "dataset"
    assert facts.of_dataset(dataset) == ""
    dataset.mkdir()
    clips = {"dance": {}, "dance.tail": {}}
    (dataset / "dataset.json").write_text(json.dumps({"size": [256, 256], "count": 1200, "clips": clips}))
    assert facts.of_dataset(dataset) == "0 of 1,200 pictures, 1 clip, 256 px"
    (dataset / "index.jsonl").write_text("{}\n" * 1200)
    assert facts.of_dataset(dataset) == "1,200 pictures, 1 clip, 256 px"
    motion = tmp_path / "motion.npz"
    np.savez(motion, header=np.array(json.dumps({"method": "clip", "fps": 25.0})), time=np.arange(500) / 25)
    assert facts.of_motion(motion) == "500 frames, 25 fps, solver"
    motion.write_text("no motion")
    assert facts.of_motion(motion) == ""


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SECONDS_BETWEEN_LOOKS", 0.0)
    file, reads = tmp_path / "file", []

    def read(path: Path) -> facts.Known:
        reads.append(path)
        return (path.read_text(),)

    file.write_text("one")
    assert [facts.known_of(file, read) for _ in range(3)] == [("one",)] * 3
    assert len(reads) == 1
    file.write_text("three")
    assert facts.known_of(file, read) == ("three",)
    file.unlink()
    assert facts.known_of(file, read) == ()


PRESETS = """
import bpy, ningyo
from pathlib import Path
ningyo.register()
settings = bpy.context.scene.ningyo
dataset = settings.dataset
settings.count, settings.minutes, settings.video, settings.output = 123, 7.5, "secret.mp4", "/secret/"
settings.solving.knows_height, settings.solving.height = True, 2.0
texts = []
class Layout:
    def label(self, text="", **_):
        texts.append(text)
    def __getattr__(self, _name):
        return lambda *args, **keywords: self
class Popover(sys.modules["ningyo.addon.presets"].Presets):
    preset_subdir, preset_operator, preset_add_operator, layout = "ningyo/path", "script.execute_preset", "ningyo.path_preset_add", Layout()
Popover().draw(bpy.context)
assert texts == [], texts  # not that paths are missing
assert bpy.ops.ningyo.path_preset_add(name="My Settings") == {"FINISHED"}
dataset.size, dataset.labels.depth, dataset.cameras.framings, dataset.background.kind = 320, True, {"head", "body"}, "COLOURS"
dataset.poses.spread, dataset.look.outline, dataset.output = 0.5, (1.0, 2.0), "/secret/"
dataset.background.colours.add().value = (0.25, 0.5, 0.75)
dataset.background.pictures = "/secret/"
assert bpy.ops.ningyo.dataset_preset_add(name="My Datasets") == {"FINISHED"}
files = [next(Path(folder).glob("*.py")) for what in ("path", "dataset") for folder in bpy.utils.preset_paths(f"ningyo/{what}")]
assert len(files) == 2, files
for file in files:
    assert str(file.resolve()).startswith(sys.argv[1]), file
    assert file.parts[-4:-2] == ("presets", "ningyo"), file
    assert "secret" not in file.read_text("utf-8")
bpy.ops.wm.read_factory_settings(use_empty=True)
settings = bpy.context.scene.ningyo
dataset = settings.dataset
assert settings.count == 800 and not settings.solving.knows_height and dataset.size == 256
for file, menu in zip(files, ("NINGYO_PT_path_presets", "NINGYO_PT_dataset_presets")):
    assert bpy.ops.script.execute_preset(filepath=str(file), menu_idname=menu) == {"FINISHED"}
assert (settings.count, settings.minutes, settings.solving.knows_height, settings.solving.height) == (123, 7.5, True, 2.0)
assert (settings.video, settings.output, dataset.output, dataset.background.pictures) == ("", "", "", "")
assert (dataset.size, dataset.labels.depth, dataset.cameras.framings) == (320, True, {"head", "body"})
assert (dataset.poses.spread, tuple(dataset.look.outline), dataset.background.kind) == (0.5, (1.0, 2.0), "COLOURS")
assert [tuple(colour.value) for colour in dataset.background.colours] == [(0.25, 0.5, 0.75)]
assert bpy.ops.ningyo.path_preset_add(name="My Settings", remove_name=True) == {"FINISHED"}
assert not files[0].exists() and files[1].exists()
ningyo.unregister()
assert not hasattr(bpy.types, "NINGYO_PT_path_presets")
"""


def test_settings_are_kept_and_applied_as_presets(in_another_blender: Callable[..., str], tmp_path: Path) -> None:
    in_another_blender(PRESETS, str(tmp_path.resolve()))


def test_what_a_preset_keeps_exists(addon: Any) -> None:
    """Every setting of the path but what it is about: a new one must be put into presets, or be named here."""
    from ningyo.addon.presets import NINGYO_OT_path_preset_add

    kept = {value.split(".")[1] for value in NINGYO_OT_path_preset_add.preset_values}
    about = {"video", "video_facts", "person", "character", "seed", "rig_file", "armature", "output", "motions", "look", "dataset"}
    assert kept | about == set(bpy.context.scene.ningyo.bl_rna.properties.keys()) - {"rna_type", "name"}
