# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole datasets, rendered by Blender."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from ningyo.errors import Cancelled, UserError
from ningyo.jobs.lock import FileLock
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.dataset.captions import caption
from ningyo.synth_data.dataset.folder import Dataset, follows
from ningyo.synth_data.dataset.labels import PARTS, flow_of, normal_of
from ningyo.synth_data.dataset.png import decode_png
from ningyo.synth_data.dataset.verify import verify
from ningyo.synth_data.pose.skeleton import draw_skeleton
from ningyo.synth_data.render.batch import render_dataset
from ningyo.synth_data.render.cameras import View, look_at
from ningyo.synth_data.render.cast import Cast
from ningyo.synth_data.render.faces import EXPRESSIONS
from ningyo.synth_data.render.job import Background, Cameras, CharacterJob, ClipJob, Look, Poses, RenderJob
from ningyo.synth_data.render.job_file import load_job
from ningyo.synth_data.render.poses import PoseSource
from ningyo.synth_data.render.sample import SampleMaker
from ningyo.synth_data.render.scene import open_stage
from ningyo.synth_data.render.surface import seen_through
from ningyo.synth_data.retarget.motion import Motion

SIZE = 48
RENDER = """
import sys
from ningyo.synth_data.render.batch import render_dataset
from ningyo.synth_data.render.job import RenderJob
render_dataset(RenderJob.from_flags(sys.argv[1], [sys.argv[2]], size=int(sys.argv[4]), count=int(sys.argv[5])), sys.argv[3])
"""


def job_of(actor, count: int = 8, **changes) -> RenderJob:
    return dataclasses.replace(RenderJob.from_flags(str(actor[0]), [actor[1]], size=SIZE, count=count), **changes)


def collections() -> dict[str, list[str]]:
    lists = {p.identifier: getattr(bpy.data, p.identifier) for p in bpy.data.bl_rna.properties if p.type == "COLLECTION"}
    return {name: [item.name for item in items] for name, items in lists.items()}


@pytest.fixture(scope="module")
def rendered(actor, tmp_path_factory) -> Path:
    """A dataset of eight samples that nothing interrupted."""
    out = tmp_path_factory.mktemp("rendered") / "data"
    render_dataset(job_of(actor), out)
    return out


def test_a_dataset_is_whole_and_as_asked(rendered, actor):
    dataset = Dataset.open(rendered)
    assert verify(dataset) == []
    assert [sample.number for sample in dataset.samples] == list(range(8))
    assert dataset.size == (SIZE, SIZE)
    assert dataset.splits == {"train": ["swing"], "test": ["swing.tail"]}
    assert {sample.split for sample in dataset.samples} == {"train", "test"}
    assert any(sample.variation for sample in dataset.samples)
    assert dataset.header["clips"]["swing.tail"] == {"frames": 2, "fps": 25.0, "start": 10, "motion": "swing.npz"}
    text = (rendered / "dataset.json").read_text()
    assert str(rendered.parent) not in text
    assert str(actor[0].parent) not in text
    assert dataset.rig_path("blocks").is_file()


def test_picture_skeleton_and_joints_belong_together(rendered):
    dataset = Dataset.open(rendered)
    for sample in dataset.samples:
        image = decode_png(dataset.file(sample, "image").read_bytes())
        skeleton = decode_png(dataset.file(sample, "skeleton").read_bytes())
        assert image.shape == (SIZE, SIZE, 4)
        alpha = image[..., 3]
        assert 0.02 < (alpha > 128).mean() < 0.5
        assert (image[alpha == 0] == 0).all()
        pose = dataset.pose(sample)
        drawn = draw_skeleton(pose.skeleton_points(), (SIZE, SIZE))
        assert np.abs(skeleton.astype(int) - drawn).max() <= 1  # the file holds rounded joints
        # Joints lie within the body, so the picture is opaque there: this fails at an error of a limb's half width, 2 px.
        joints = np.r_[1:15]
        inside = joints[pose.visibility[joints] > 0]
        x, y = np.floor(pose.points_2d[inside]).astype(int).T
        assert (alpha[y, x] > 200).mean() > 0.9
        with open(dataset.file(sample, "pose")) as file:
            assert set(json.load(file)) == {"version", "people", "ningyo"}


def test_joints_are_where_markers_in_the_picture_are(actor):
    """A small sphere that Blender itself keeps at a bone's head is seen where our joint is projected to."""
    with open_stage(str(actor[0]), actor[0].parent / ".marker.part") as stage:
        source = PoseSource(stage.rig, Motion.load(actor[1]))
        for mesh in stage.character.meshes:
            mesh.visible_camera = False
        stage.set_outline(0)
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.03, segments=24, ring_count=16)
        marker = bpy.context.object
        for collection in list(marker.users_collection):
            collection.objects.unlink(marker)
        stage.scene.collection.objects.link(marker)
        marker.location = (0, 0, 0)
        follow = marker.constraints.new("COPY_LOCATION")
        follow.target = stage.character.armature
        random = np.random.default_rng(0)
        errors = []
        for frame in (0, 4, 8, 11):
            pose = source.frame(frame)
            heads, rotations = pose.evaluate(stage.rig)
            for role in ("left_hand", "right_foot", "head"):
                follow.subtarget = stage.rig.names[stage.rig.index_of_role[role]]
                K = np.array([[900.0, 0, 256 + random.uniform(-60, 60)], [0, 900, 256 + random.uniform(-60, 60)], [0, 0, 1]])
                view = View(K, look_at(heads.mean(axis=0), random.uniform(-180, 180), random.uniform(-30, 40), 6.0), 512, 0, 0, 6)
                stage.set_pose(pose, rotations)
                stage.aim(view)
                alpha = stage.render()[..., 3].astype(float)
                y, x = np.mgrid[:512, :512] + 0.5
                centroid = np.array([(alpha * x).sum(), (alpha * y).sum()]) / alpha.sum()
                seen = view.world_to_camera[:, :3] @ heads[stage.rig.index_of_role[role]] + view.world_to_camera[:, 3]
                errors.append(np.linalg.norm(centroid - (K @ seen / seen[2])[:2]))
    assert np.isfinite(errors).all()
    assert max(errors) < 0.25  # px


def test_the_border_changes_no_pixel(actor):
    with open_stage(str(actor[0]), actor[0].parent / ".border.part") as stage:
        source = PoseSource(stage.rig, Motion.load(actor[1]))
        for frame, yaw in ((0, 0), (7, 130)):
            pose = source.frame(frame)
            heads, rotations = pose.evaluate(stage.rig)
            K = np.array([[200.0, 0, 50], [0, 200, 44], [0, 0, 1]])
            view = View(K, look_at(heads.mean(axis=0), yaw, 10, 4.5), 96, yaw, 10, 4.5)
            stage.set_pose(pose, rotations)
            stage.aim(view)
            bordered = stage.render(seen_through(view, stage.surface()))
            assert stage.scene.render.use_border
            whole = stage.render()
            assert not stage.scene.render.use_border
            assert np.array_equal(bordered, whole)
            assert (bordered[..., 3] > 0).any()


def test_killed_and_run_again_the_bytes_are_the_same(actor, tmp_path, digest):
    """SIGKILL in the middle; then the same job again, and beside it one that nothing interrupted."""
    count, killed, whole = 40, tmp_path / "killed", tmp_path / "whole"
    arguments = [sys.executable, "-c", RENDER, str(actor[0]), str(actor[1]), str(killed), str(SIZE), str(count)]
    worker = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(killed.rglob("*.image.png"))) < 20:
        assert worker.poll() is None, "the worker ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker.kill()
    worker.wait()
    left = Dataset.open(killed)
    assert 16 <= len(left.samples) < count
    (killed / "blocks/swing/.000020.image.png.part").write_bytes(b"half")  # as if it had died while writing
    with open(killed / "index.jsonl", "a") as index:
        index.write('{"id":"0000')
    job = job_of(actor, count)
    warnings: list[str] = []
    render_dataset(job, killed, report=Reporter(lambda event: warnings.append(event["text"]) if event["type"] == "warning" else None))
    assert warnings == ["1 cut or damaged lines of the index are dropped; their samples are rendered again."]
    render_dataset(job, whole)
    assert digest(killed) == digest(whole)


def test_damaged_and_missing_samples_are_made_anew(rendered, actor, tmp_path, digest):
    copy = tmp_path / "copy"
    shutil.copytree(rendered, copy)
    files = sorted(copy.rglob("*.png"))
    files[0].write_bytes(files[0].read_bytes()[:50])
    files[5].unlink()
    lines = (copy / "index.jsonl").read_text().splitlines(keepends=True)
    (copy / "index.jsonl").write_text("".join(lines[:2] + lines[3:]))
    done: list[float] = []
    render_dataset(job_of(actor), copy, report=Reporter(lambda event: done.append(event["done"]) if event["type"] == "progress" else None))
    assert done[0] < 8
    assert digest(copy) == digest(rendered)


def test_everything_that_is_wrong_is_found_and_repaired(rendered, tmp_path, digest):
    copy = tmp_path / "copy"
    shutil.copytree(rendered, copy)
    images = sorted(copy.rglob("*.image.png"))
    images[0].write_bytes(images[0].read_bytes()[:50])
    images[1].write_bytes(images[2].read_bytes())
    next(copy.rglob("*.skeleton.png")).unlink()
    for name, words in (
        ("blocks/rig.json", "rig"),
        ("blocks/character.json", "blocks/character.json was altered"),
        ("clips/swing.npz", "clips/swing.npz was altered"),
        ("splits.json", "splits.json was altered"),
        ("dataset.json", "dataset.json was altered"),
    ):
        file = copy / name
        if words == "rig":
            file.unlink()
        elif file.suffix == ".json":
            file.write_text(file.read_text().replace(" ", "  ", 1))
        else:
            file.write_bytes(file.read_bytes() + b"x")
        texts = [problem.text for problem in verify(Dataset.open(copy))]
        assert any(words in text for text in texts), texts
    assert len(verify(Dataset.open(copy))) == 8
    lines = (copy / "index.jsonl").read_text().splitlines(keepends=True)
    (copy / "index.jsonl").write_text("".join(lines[:3]) + "rubbish\n" + "".join(lines[4:]))
    done: list[float] = []
    report = Reporter(lambda event: done.append(event["done"]) if event["type"] == "progress" else None)
    render_dataset(load_job(copy / "job.json"), copy, mend=True, report=report)
    assert done[0] >= 3  # what was whole is kept
    assert verify(Dataset.open(copy)) == []
    assert digest(copy) == digest(rendered)
    (copy / "dataset.json").write_text("{")
    render_dataset(load_job(copy / "job.json"), copy, mend=True)
    assert digest(copy) == digest(rendered)


def test_a_finished_dataset_is_left_alone(rendered, actor):
    before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*.image.png")}
    render_dataset(job_of(actor), rendered)
    assert {path: path.stat().st_mtime_ns for path in rendered.rglob("*.image.png")} == before


def test_cancelled_after_a_sample_and_resumed(rendered, actor, tmp_path, digest):
    asked: list[int] = []
    report = Reporter(lambda event: asked.append(event["done"]) if event["type"] == "progress" else None, lambda: len(asked) > 3)
    with pytest.raises(Cancelled):
        render_dataset(job_of(actor), tmp_path / "data", report=report)
    assert len(Dataset.open(tmp_path / "data").samples) == 3
    render_dataset(job_of(actor), tmp_path / "data")
    assert digest(tmp_path / "data") == digest(rendered)


def test_blender_is_left_as_it_was(actor, tmp_path):
    bpy.ops.wm.read_factory_settings(use_empty=False)
    scene = bpy.context.scene
    before, settings = collections(), (scene.render.engine, scene.render.filepath, scene.frame_current, scene.render.resolution_x)
    render_dataset(job_of(actor, 2), tmp_path / "data")
    assert collections() == before
    assert bpy.context.scene == scene
    assert (scene.render.engine, scene.render.filepath, scene.frame_current, scene.render.resolution_x) == settings


def test_several_characters_share_the_clips(actor, tmp_path):
    second = tmp_path / "other.blend"
    shutil.copy(actor[0], second)
    job = RenderJob(
        (CharacterJob(str(actor[0])), CharacterJob(str(second))),
        (ClipJob(actor[1], "a", 0, 6), ClipJob(actor[1], "b", 6, 12, "test", ("other",))),
        SIZE,
        7,
        cameras=Cameras(yaws=(0.0,)),
        poses=Poses(variations=0),
    )
    dataset = render_dataset(job, tmp_path / "data")
    assert verify(dataset) == []
    assert [sample.character for sample in dataset.samples] == ["blocks"] * 4 + ["other"] * 3
    assert {sample.clip for sample in dataset.samples if sample.character == "blocks"} == {"a"}
    assert {(sample.clip, sample.split) for sample in dataset.samples} == {("a", "train"), ("b", "test")}


def test_consecutive_frames_are_pairs_to_train_on(actor, tmp_path, digest):
    """Everything that is drawn at random is shared within a run and differs between runs; and each sample can be made alone."""
    consecutive = pytest.importorskip("ningyo.training.data").consecutive
    job = dataclasses.replace(
        job_of(actor, 16, clips=(ClipJob(actor[1], "swing", 0, 10, "train", speed=(0.6, 0.9), mirrored=0.5),)),
        cameras=Cameras((0.0, 90.0), height=(0.5, 2.0), lens=(35.0, 85.0), framings=("body", "upper"), consecutive=3),
        poses=Poses(variations=0.25, expressions=0.5),
        look=Look((-60.0, 60.0), (20.0, 60.0), (0.5, 2.0), (2, 3)),
        background=Background(("FF0000", "00FF00", "0000FF", "FFFF00", "00FFFF")),
    )
    dataset = render_dataset(job, tmp_path / "data", workers=1)
    samples = [sample for sample in dataset.samples if not sample.variation]
    assert [sample.number for sample in samples] == list(range(12))
    assert sorted(consecutive(dataset.samples)) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert [i for i in range(1, 16) if follows(dataset.samples[i], dataset.samples[i - 1])] == [1, 2, 4, 5, 7, 8, 10, 11]
    corners = [tuple(decode_png(dataset.file(sample, "image").read_bytes())[0, 0]) for sample in samples]
    shared = [(sample.camera, sample.details["framing"], sample.details["look"]) for sample in samples]
    for run in range(0, 12, 3):
        assert len(set(corners[run : run + 3])) == 1
        assert shared[run] == shared[run + 1] == shared[run + 2]
    assert len(set(corners)) > 1
    assert len({json.dumps(shared[run]) for run in range(0, 12, 3)}) == 4

    before = digest(tmp_path / "data")
    dataset.file(samples[4], "image").unlink()
    dataset.file(samples[11], "pose").write_text("{}")
    render_dataset(load_job(tmp_path / "data/job.json"), tmp_path / "data", mend=True)
    assert digest(tmp_path / "data") == before


def test_faces_do_not_jump_within_a_run(make_rig, make_motion, tmp_path):
    rig = make_rig()
    make_motion(rig).save(tmp_path / "m.npz")
    job = dataclasses.replace(
        RenderJob.from_flags("builtin:1", [tmp_path / "m.npz"], count=12, consecutive=3), poses=Poses(variations=0, expressions=1.0)
    )
    cast = Cast(dataclasses.replace(job, clips=(dataclasses.replace(job.clips[0], split="train"),)), {"m": 12})
    stage: Any = SimpleNamespace(rig=rig, expressions=EXPRESSIONS)
    maker = SampleMaker(stage, cast.job, lambda _: Motion.load(tmp_path / "m.npz"), cast.clip_jobs(), tmp_path)
    faces = [json.dumps(maker.placed(cast.shot(number))[0].expression) for number in range(12)]
    assert [len(set(faces[run : run + 3])) for run in range(0, 12, 3)] == [1, 1, 1, 1]
    assert len(set(faces)) == 4


def test_what_cannot_be_rendered_is_said_in_a_sentence(rendered, actor, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("x")
    other = job_of(actor, 9)
    for job, out, words in (
        (job_of(actor), tmp_path / "file", "is a file"),
        (job_of(actor), tmp_path / "full", r"other things \(letter.txt\)"),
        (other, rendered, "another job .*the count"),
        (dataclasses.replace(job_of(actor), seed=4), rendered, "the seed"),
        (RenderJob.from_flags(str(tmp_path / "none.glb"), [actor[1]]), tmp_path / "new", "no file"),
        (RenderJob.from_flags(str(actor[0]), [tmp_path / "none.npz"]), tmp_path / "new", "cannot be read"),
        (RenderJob((CharacterJob(str(actor[0])),), (ClipJob(actor[1], end=99),)), tmp_path / "new", "goes beyond the 12 frames"),
    ):
        with pytest.raises(UserError, match=words):
            render_dataset(job, out)
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "full/letter.txt").exists()


def test_another_versions_dataset_is_kept_when_finished_and_not_mixed_when_not(rendered, actor, tmp_path, digest):
    copy = tmp_path / "copy"
    shutil.copytree(rendered, copy)
    header = json.loads((copy / "dataset.json").read_text())
    header["provenance"]["made_with"]["code"] = "an older one"
    (copy / "dataset.json").write_text(json.dumps(header))
    (copy / "checksums.json").unlink()
    before = digest(copy)
    assert len(render_dataset(job_of(actor), copy).samples) == 8
    (copy / "checksums.json").unlink()
    assert digest(copy) == before
    next(copy.rglob("*.image.png")).unlink()
    with pytest.raises(UserError, match="another version"):
        render_dataset(job_of(actor), copy)


def test_two_renders_in_one_folder_are_refused(rendered, actor):
    lock = FileLock(rendered / ".lock")
    assert lock.acquire()
    try:
        with pytest.raises(UserError, match="Another render"):
            render_dataset(job_of(actor), rendered)
    finally:
        lock.release()


def test_processes_make_the_same_bytes_even_when_one_is_killed(rendered, actor, tmp_path, digest):
    alone, together = tmp_path / "alone", tmp_path / "together"
    job = job_of(actor, 24)
    render_dataset(job, alone, workers=1)
    killed: list[int] = []

    def kill_one(event) -> None:
        if event["type"] == "progress" and event["done"] == 5 and not killed:
            victim = next(iter(children()))
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    render_dataset(job, together, workers=2, report=Reporter(kill_one))
    assert killed
    assert digest(together) == digest(alone)


def children() -> list[int]:
    """The processes that this one started to render with."""
    found = subprocess.run(["ps", "-ww", "-o", "pid,args", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in found.splitlines() if "--render-worker" in line]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_one_character_lacks_does_not_stop_the_others(actor, tmp_path, workers):
    broken, other = tmp_path / "broken.glb", tmp_path / "other.blend"
    broken.write_bytes(b"not a glTF at all")
    shutil.copy(actor[0], other)
    motion = Motion.load(actor[1])
    strange = dataclasses.replace(motion, bones=("tail", *motion.bones[1:]))
    strange.save(tmp_path / "strange.npz")
    job = RenderJob(
        (CharacterJob(str(actor[0])), CharacterJob(str(broken)), CharacterJob(str(other))),
        (ClipJob(actor[1]), ClipJob(tmp_path / "strange.npz")),
        SIZE,
        12,
    )
    warnings: list[str] = []
    report = Reporter(lambda event: warnings.append(event["text"]) if event["type"] == "warning" else None)
    with pytest.raises(UserError, match=r"samples could not be rendered, of blocks, broken, other .*mend") as error:
        render_dataset(job, tmp_path / "data", workers=workers, report=report)
    assert "\n" not in str(error.value)
    dataset = Dataset.open(tmp_path / "data")
    assert {sample.character for sample in dataset.samples} == {"blocks", "other"}
    assert {sample.clip for sample in dataset.samples} <= {"swing", "swing.tail"}
    assert len([text for text in warnings if text.startswith("broken is left out")]) == 1
    assert len([text for text in warnings if "in strange is left out" in text]) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_character_without_a_face_goes_on_without_expressions(actor, tmp_path, workers):
    job = RenderJob(
        (CharacterJob(str(actor[0]), attributes=(("hair", "green"),)),),
        (ClipJob(actor[1], attributes=(("action", "swinging"),)),),
        SIZE,
        6,
        poses=Poses(expressions=1.0),
    )
    warnings: list[str] = []
    report = Reporter(lambda event: warnings.append(event["text"]) if event["type"] == "warning" else None)
    dataset = render_dataset(job, tmp_path / "data", workers=workers, report=report)
    assert [text for text in warnings if "no face that moves" in text] == warnings[:1]
    assert verify(dataset) == []
    assert all(not dataset.pose(sample).expression for sample in dataset.samples)
    words = caption(dataset, dataset.samples[0], dataset.pose(dataset.samples[0]))
    assert words.startswith("anime character, green hair, swinging, ")


def grown(mask: np.ndarray, steps: int) -> np.ndarray:
    """(H, W) bool, larger by so many px."""
    for _ in range(steps):
        wide = np.pad(mask, 1)
        mask = np.any([wide[y : y + len(mask), x : x + mask.shape[1]] for y in range(3) for x in range(3)], axis=0)
    return mask


def test_every_label_is_written_and_belongs_to_the_picture(actor, tmp_path):
    labels = ("skeleton", "mask", "parts", "depth", "normal", "uv", "flow", "head")
    job = job_of(actor, 6, labels=labels, head_size=32)
    dataset = render_dataset(job, tmp_path / "data")
    assert verify(dataset) == []
    for sample in dataset.samples:
        files = {kind: decode_png(dataset.file(sample, kind).read_bytes()) for kind in labels}
        alpha = decode_png(dataset.file(sample, "image").read_bytes())[..., 3]
        mask = files["mask"][..., 0] == 255
        assert 0.02 < mask.mean() < 0.5
        assert (alpha[mask] > 0).all()
        assert not (alpha[~grown(mask, 3)] > 0).any()  # beyond the surface there is only the outline
        for kind in ("parts", "depth"):
            assert ((files[kind][..., 0] > 0) == mask).all()
        assert files["parts"].max() < len(PARTS)
        normal = normal_of(files["normal"])
        assert (normal[mask][:, 2] > -0.2).all()  # towards the camera
        flow, _ = flow_of(files["flow"])
        assert np.isfinite(flow[mask]).all()
        assert np.isnan(flow[~mask]).all()
        assert not files["uv"].any()  # blocks have no UV map
        assert files["head"].shape == (32, 32, 4)
        x, y, width, height = sample.details["bbox"]
        rows, columns = np.nonzero(mask)
        assert (columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1) == (x, y, width, height)


def test_a_dataset_of_another_job_is_left_as_it_is_or_set_aside_whole(rendered, actor, tmp_path, digest):
    """Also where the motion's file has other content: the dataset keeps a motion of the same name."""
    out = tmp_path / "data"
    shutil.copytree(rendered, out)
    before = digest(out)
    moved = Motion.load(actor[1])
    root = moved.root_position + np.float32(0.1)
    dataclasses.replace(moved, root_position=root).save(tmp_path / actor[1].name)
    job = job_of((actor[0], tmp_path / actor[1].name))
    with pytest.raises(UserError, match=r"another job .*motions' or characters' content.*--set-aside"):
        render_dataset(job, out)
    assert digest(out) == before
    told = []
    dataset = render_dataset(job, out, sets_aside=True, report=Reporter(told.append))
    assert [event["text"] for event in told if event["type"] == "warning" and "is kept as data-1" in event["text"]]
    assert digest(tmp_path / "data-1") == before
    assert verify(dataset) == []
    assert len(dataset.samples) == 8
    assert render_dataset(job, out, sets_aside=True).header == dataset.header
    assert not (tmp_path / "data-2").exists()
