# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets without Blender: a small one with pictures of noise and poses of random points, and one with every kind of label."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from ningyo.synth_data.dataset.folder import HEADER, INDEX, SPLITS, Dataset, IndexWriter, Sample
from ningyo.synth_data.dataset.png import encode_png
from ningyo.synth_data.dataset.sample import SamplePose, inside, project
from ningyo.synth_data.pose.landmarks import BODY_25, BODY_25_LIMBS
from ningyo.synth_data.pose.skeleton import draw_skeleton

SIZE = 32


def random_pose(seed: int = 0) -> SamplePose:
    random = np.random.default_rng(seed)
    points = random.uniform(-0.5, 0.5, (137, 3))
    points[100] = np.nan
    world_to_camera = np.concatenate([np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), np.array([[0.0], [0], [3]])], axis=1)
    K = np.array([[60.0, 0, 16], [0, 60, 15], [0, 0, 1]])
    visibility = random.integers(0, 3, 137).astype(np.uint8)
    visibility[100] = 0
    return SamplePose(points, visibility, K, world_to_camera, (SIZE, SIZE))


def write_dataset(path: Path, count: int = 6) -> Dataset:
    path.mkdir(parents=True)
    header = {
        "schema": "ningyo.dataset",
        "version": 1,
        "rasteriser": 1,
        "size": [SIZE, SIZE],
        "count": count,
        "characters": {"doll": {"rig": "doll/rig.json", "sha256": "0" * 64}},
        "clips": {"walk": {"frames": 4, "fps": 25}, "walk.tail": {"frames": 2, "fps": 25}},
        "seed": 0,
    }
    (path / HEADER).write_text(json.dumps(header))
    (path / SPLITS).write_text(json.dumps({"train": ["walk"], "test": ["walk.tail"]}))
    random = np.random.default_rng(1)
    with IndexWriter(path) as index:
        for number in range(count):
            clip, split = ("walk", "train") if number < 4 else ("walk.tail", "test")
            sample = Sample(
                number, "doll", clip, number, {"yaw": 10.0 * number, "elevation": 5.0, "distance": 4.0}, split, False, False, {}
            )
            contents = {
                "image": encode_png(random.integers(0, 256, (SIZE, SIZE, 4)).astype(np.uint8)),
                "skeleton": encode_png(np.full((SIZE, SIZE, 3), number, np.uint8)),
                "pose": random_pose(number).to_json().encode(),
            }
            for kind, content in contents.items():
                file = path / sample.path_of(kind)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                sample.files[kind] = (sample.path_of(kind), hashlib.sha256(content).hexdigest())
            index.add(sample)
    (path / "doll/rig.json").write_text("{}\n")
    return Dataset.open(path)


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "data")


@pytest.fixture
def make_pose():
    return random_pose


# A dataset with every kind of label, drawn by hand: a figure of capsules, seen from all around.

WIDTH, HEIGHT, FOCAL = 64, 48, 60.0
KINDS = ("image", "skeleton", "pose", "mask", "parts", "depth", "normal", "uv", "flow", "head", "limbs", "capsules")


def figure_points(raised: float) -> np.ndarray:
    """(137, 3) of a standing figure, metres, facing −Y, its arms `raised` by so many degrees."""
    x, z = np.sin(np.radians(raised)), -np.cos(np.radians(raised))
    places = {"nose": (0, -0.12, 1.5), "neck": (0, 0, 1.35), "mid_hip": (0, 0, 0.85)}
    for side, s in (("left", 1.0), ("right", -1.0)):
        places |= {
            f"{side}_eye": (0.03 * s, -0.1, 1.53),
            f"{side}_ear": (0.08 * s, 0, 1.52),
            f"{side}_shoulder": (0.17 * s, 0, 1.33),
            f"{side}_elbow": (s * (0.17 + 0.25 * x), 0, 1.33 + 0.25 * z),
            f"{side}_wrist": (s * (0.17 + 0.48 * x), -0.03, 1.33 + 0.48 * z),
            f"{side}_hip": (0.1 * s, 0, 0.85),
            f"{side}_knee": (0.1 * s, -0.02, 0.47),
            f"{side}_ankle": (0.1 * s, 0, 0.09),
            f"{side}_heel": (0.1 * s, 0.05, 0.03),
            f"{side}_big_toe": (0.09 * s, -0.15, 0.02),
            f"{side}_small_toe": (0.13 * s, -0.13, 0.02),
        }
    body = np.array([places[name] for name in BODY_25], np.float64)
    turn = np.arange(70) / 70 * 2 * np.pi
    face = np.array([0, -0.11, 1.5]) + 0.05 * np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1)
    face[30] = (0, -0.13, 1.5)
    hands = [
        body[BODY_25.index(f"{side}_wrist")] + 0.005 * np.arange(21)[:, None] * np.array([s * x, 0, z])
        for side, s in (("left", 1), ("right", -1))
    ]
    return np.concatenate([body, face, *hands])


def figure_pose(yaw: float, raised: float = 30.0, distance: float = 2.6) -> SamplePose:
    """The figure seen from `yaw` degrees around it (90 is its left). Its left little toe has no place, heels are hidden."""
    points = figure_points(raised)
    points[BODY_25.index("left_small_toe")] = np.nan
    y = np.radians(yaw)
    back, right = np.array([np.sin(y), -np.cos(y), 0]), np.array([np.cos(y), np.sin(y), 0])
    rotation = np.stack([right, [0, 0, -1], -back])
    world_to_camera = np.concatenate([rotation, -rotation @ (np.array([0, 0, 0.85]) + distance * back)[:, None]], axis=1)
    K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])
    visibility = np.where(inside(project(points, K, world_to_camera), (WIDTH, HEIGHT)), 2, 0).astype(np.uint8)
    heels = [BODY_25.index("left_heel"), BODY_25.index("right_heel")]
    visibility[heels] = np.minimum(visibility[heels], 1)
    return SamplePose(points, visibility, K, world_to_camera, (WIDTH, HEIGHT))


def draw_labels(pose: SamplePose) -> dict[str, bytes]:
    """The content of a file of every kind."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    flat, depths = pose.points_2d, pose.points_camera[:, 2]
    parts, depth = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint16)
    for i, (a, b) in enumerate(BODY_25_LIMBS, 1):
        if not np.isfinite(flat[[a, b]]).all():
            continue
        along = flat[b] - flat[a]
        t = np.clip(((columns - flat[a, 0]) * along[0] + (rows - flat[a, 1]) * along[1]) / max(along @ along, 1e-9), 0, 1)
        near = np.hypot(columns - flat[a, 0] - t * along[0], rows - flat[a, 1] - t * along[1]) < (4 if 1 in (a, b) else 2)
        parts[near], depth[near] = i, round(1000 * (depths[a] + depths[b]) / 2)
    covered = parts > 0
    image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    ids = parts[covered].astype(int)
    image[covered] = np.stack([ids * 9, 255 - ids * 9, 0 * ids + 90, 0 * ids + 255], axis=-1)
    edge = covered & ~np.roll(covered, 1, axis=0)
    image[edge, 3] = 130  # anti-aliased, and just so much the character's
    normal = np.where(covered[..., None], np.array([128, 128, 255]), 0).astype(np.uint8)
    uv = np.stack([columns / WIDTH * 65535, rows / HEIGHT * 65535, 65535 + 0 * rows], axis=-1) * covered[..., None]
    flow = np.where(covered[..., None], np.array([32768 + 128, 32768 - 64, 1]), (32768, 32768, 0))
    limbs, archive = parts[None] == np.arange(1, len(BODY_25_LIMBS) + 1)[:, None, None], io.BytesIO()
    np.savez_compressed(archive, limbs=limbs)
    pictures = {
        "image": image,
        "skeleton": draw_skeleton(pose.skeleton_points(), pose.size),
        "mask": np.where(image[..., 3] >= 128, 255, 0).astype(np.uint8),
        "parts": parts,
        "depth": depth,
        "normal": normal,
        "uv": uv.astype(np.uint16),
        "flow": flow.astype(np.uint16),
        "head": np.ascontiguousarray(image[:24, 20:44]),
        "capsules": np.where(covered[..., None], image[..., :3] // 2, 0).astype(np.uint8),
    }
    return {kind: encode_png(picture) for kind, picture in pictures.items()} | {
        "pose": pose.to_json().encode(),
        "limbs": archive.getvalue(),
    }


def write_drawn_dataset(path: Path, count: int = 8, kinds: tuple[str, ...] = KINDS, **header: object) -> Dataset:
    """A dataset of the drawn figure: two characters, two clips, a quarter of the samples held out."""
    path.mkdir(parents=True)
    whole = {
        "schema": "ningyo.dataset",
        "version": 2,
        "rasteriser": 1,
        "size": [WIDTH, HEIGHT],
        "count": count,
        "characters": {name: {"rig": f"{name}/rig.json", "sha256": "0" * 64} for name in ("doll", "robot")},
        "clips": {"wave": {"frames": 40, "fps": 25}, "walk": {"frames": 10, "fps": 25}},
    }
    (path / HEADER).write_text(json.dumps(whole | header))
    (path / SPLITS).write_text(json.dumps({"train": ["wave"], "test": ["walk"]}))
    lines = []
    for number in range(count):
        character, (clip, split) = ("doll", "robot")[number % 2], ("wave", "train") if number % 4 < 3 else ("walk", "test")
        folder = f"{character}/{clip}"
        (path / folder).mkdir(parents=True, exist_ok=True)
        yaw = 360 * number / count + 10
        contents, files = draw_labels(figure_pose((yaw + 180) % 360 - 180, 150 * number / count)), {}
        for kind in kinds:
            ending = {"pose": "json", "limbs": "npz"}.get(kind, "png")
            name = f"{folder}/{number:06d}.{kind}.{ending}"
            (path / name).write_bytes(contents[kind])
            files[kind] = [name, hashlib.sha256(contents[kind]).hexdigest()]
        camera = {"yaw": yaw, "elevation": 0.0, "distance": 2.6}
        line = {"id": f"{number:06d}", "character": character, "clip": clip, "frame": number, "camera": camera, "split": split}
        lines.append(json.dumps(line | {"variation": number % 3 == 0, "mirrored": False, "files": files}) + "\n")
    (path / INDEX).write_text("".join(lines))
    for name in ("doll", "robot"):
        (path / name).mkdir(exist_ok=True)
        (path / name / "rig.json").write_text("{}\n")
    return Dataset.open(path)


@pytest.fixture
def drawn(tmp_path):
    return write_drawn_dataset(tmp_path / "drawn")


@pytest.fixture
def make_drawn(tmp_path):
    """Makes a drawn dataset: `make_drawn("name", count=…, kinds=…, **header)`."""
    return lambda name="drawn", **options: write_drawn_dataset(tmp_path / name, **options)


@pytest.fixture
def make_figure():
    return figure_pose
