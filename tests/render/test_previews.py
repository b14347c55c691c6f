# SPDX-License-Identifier: GPL-3.0-or-later
"""Single samples: the same as the batch's, of long motions nearly so, and nothing left in Blender."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.dataset.folder import KINDS
from ningyo.synth_data.dataset.label_pictures import strip
from ningyo.synth_data.render.batch import render_dataset
from ningyo.synth_data.render.job import LABELS, Background, Cameras, CharacterJob, ClipJob, Look, Poses, RenderJob
from ningyo.synth_data.render.poses import PoseSource
from ningyo.synth_data.render.preview import Previews
from ningyo.synth_data.retarget.feet import hold_feet
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.rig import Bone, Rig

FRAMES, RATE = 360, 8.0


def job_of(actor: tuple[Path, Path], **more) -> RenderJob:
    character, motion = actor
    return RenderJob((CharacterJob(str(character)),), (ClipJob(motion, speed=(0.5, 2.0), mirrored=0.5),), 64, 6, 4, LABELS, **more)


def present(bpy) -> dict[str, set]:
    lists = [p.identifier for p in bpy.data.bl_rna.properties if p.type == "COLLECTION"]
    return {name: {item.name for item in getattr(bpy.data, name)} for name in lists}


def test_a_single_sample_is_that_of_the_batch(actor: tuple[Path, Path], make_rig, tmp_path: Path, empty_blender) -> None:
    clip = tmp_path / "clip.npz"
    dataclasses.replace(Motion.load(actor[1]), rig=make_rig(seed=3, proportions=0.2)).save(clip)  # to be put on another rig
    job = job_of(
        (actor[0], clip), cameras=Cameras((0.0, 120.0), framings=("body", "upper")), poses=Poses(sampled=0.2, expressions=0.5),
        look=Look((-60.0, 60.0), (10.0, 50.0), (1.0, 2.0), (2, 3)), background=Background(("F4F1EA", "2B3556")),
    )  # fmt: skip
    dataset = render_dataset(job, tmp_path / "dataset", workers=1)
    before = present(empty_blender)
    previews = Previews(tmp_path / "picture.part")
    assert previews.count(job) == 6
    for number in (0, 3, 5):
        made, contents = previews.sample(job, number)
        sample = dataset.samples[number]
        assert dataclasses.replace(sample, files={}) == dataclasses.replace(made, files={})
        assert set(contents) == set(sample.files)
        assert set(contents) == set(KINDS)
        for kind, content in contents.items():
            assert content == (dataset.path / sample.files[kind][0]).read_bytes(), (number, kind)
        picture, kinds = strip(contents, 64)
        assert [kind for kind in KINDS if kind != "pose"] == kinds
        assert picture.shape == (3 * 64 + 2 * 4, 4 * 64 + 3 * 4, 3)
    assert present(empty_blender) == before
    assert not (tmp_path / "picture.part").exists()
    with pytest.raises(IndexError):
        previews.sample(job, 6)


def test_a_clip_that_changes_is_read_again(actor: tuple[Path, Path], tmp_path: Path, empty_blender) -> None:
    clip = tmp_path / "clip.npz"
    job = dataclasses.replace(job_of((actor[0], clip)), count=None)
    previews = Previews(tmp_path / "picture.part")
    with pytest.raises(UserError, match="cannot be read"):
        previews.count(job)
    motion = Motion.load(actor[1])
    motion.save(clip)
    many = previews.count(job)
    part(motion, 0, 6).save(clip)
    assert previews.count(job) < many


def part(motion: Motion, start: int, end: int) -> Motion:
    names = ("time", "rotation", "root_position", "contact", "residual", "confidence", "expression")
    return dataclasses.replace(motion, **{name: getattr(motion, name)[start:end] for name in names})


@pytest.mark.parametrize("mirrored", [False, True])
def test_around_a_frame_a_long_motion_is_as_it_is_as_a_whole(make_rig, make_motion, mirrored: bool) -> None:
    """Feet that are held on another rig, hair that swings, and the place of the camera."""
    theirs = make_rig()
    view = Camera(500.0, 640, 480, np.array([[1.0, 0, 0, 0], [0, 0, -1, 1.2], [0, 1, 0, 4.0]]))
    motion = make_motion(theirs, FRAMES, view)
    contact = np.zeros((FRAMES, 4), np.float32)
    contact[np.arange(FRAMES) % 20 < 8, :2] = 1
    contact[np.arange(FRAMES) % 20 > 11, 2:] = 1
    seconds = np.arange(FRAMES) / RATE
    motion = hold_feet(theirs, dataclasses.replace(motion, rig=theirs, contact=contact, time=seconds, fps=RATE))
    rig = make_rig(seed=3, proportions=0.2)
    rig = rig if mirrored else with_hair(rig)
    whole = PoseSource(rig, motion, mirrored=mirrored)
    for frame in (0, 180.25, FRAMES - 1):
        cut = PoseSource(rig, motion, mirrored=mirrored, around=frame)
        assert len(cut.root) < 60
        assert cut.fitted.frame_count < FRAMES - 30
        for near in (frame, frame + 2):
            ours, all_of_it = (source.frame(near).evaluate(rig) for source in (cut, whole))
            beside = (ours[0] - all_of_it[0])[0] * (mirrored, 0, 0)  # what mirrors a motion that long stands elsewhere
            np.testing.assert_allclose(ours[0] - beside, all_of_it[0], atol=1e-5)
            np.testing.assert_allclose(ours[1], all_of_it[1], atol=1e-4)
        assert cut.depth == pytest.approx(whole.depth, rel=1e-3)


def with_hair(rig: Rig) -> Rig:
    """Three more bones in a chain down the back of the head."""
    bones = list(rig.bones)
    parent, matrix = rig.index_of_role["head"], rig.bones[rig.index_of_role["head"]].matrix.copy()
    matrix[:3, 3] += (0.0, 0.1, 0.1)
    for number in (1, 2, 3):
        bones.append(Bone(f"hair_back_{number}", parent, None, matrix.copy(), 0.12))
        parent = len(bones) - 1
        matrix[:3, 3] += (0.0, 0.02, -0.12)
    return dataclasses.replace(rig, bones=tuple(bones))
