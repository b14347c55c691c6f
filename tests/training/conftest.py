# SPDX-License-Identifier: GPL-3.0-or-later
"""A small dataset drawn without Blender: a posed rig whose "renders" are painted from its own capsules, so that a generator can
learn it in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ningyo.jobs.folder import sha256_of
from ningyo.synth_data.dataset.folder import Sample, write_index
from ningyo.synth_data.dataset.png import decode_png, encode_png
from ningyo.synth_data.dataset.sample import SamplePose
from ningyo.synth_data.pose.conditioning import RASTERISER_VERSION, draw_packed
from ningyo.synth_data.pose.framing import crop_for, crop_intrinsics
from ningyo.synth_data.pose.skeleton import draw_skeleton
from ningyo.synth_data.pose.transfer import FilmedTarget, Ground
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, forward_kinematics, matrix_to_quaternion
from ningyo.synth_data.retarget.motion import Motion
from ningyo.synth_data.retarget.openpose_points import openpose_points
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.roles import ROLE_OF_BASE_NAME

CENTRE = (
    ("Hips", None, 1.0),
    ("Spine", "Hips", 1.1),
    ("Spine1", "Spine", 1.2),
    ("Spine2", "Spine1", 1.3),
    ("Neck", "Spine2", 1.42),
    ("Head", "Neck", 1.48),
)
SIDED = (
    ("Shoulder", "Spine2", (0.05, 0.0, 1.4)),
    ("Arm", "Shoulder", (0.15, 0.0, 1.4)),
    ("ForeArm", "Arm", (0.42, 0.0, 1.4)),
    ("Hand", "ForeArm", (0.67, 0.0, 1.4)),
    ("UpLeg", "Hips", (0.09, 0.0, 0.95)),
    ("Leg", "UpLeg", (0.09, 0.0, 0.52)),
    ("Foot", "Leg", (0.09, 0.02, 0.09)),
    ("ToeBase", "Foot", (0.09, -0.1, 0.02)),
    ("Toe_End", "ToeBase", (0.09, -0.17, 0.02)),
)


def make_rig() -> Rig:
    """A T-posed figure 1.7 m high, facing −Y, its left at +X, with Mixamo's names and no bone roll."""
    rows: list[tuple[str, str | None, tuple[float, float, float]]] = [(name, parent, (0.0, 0.0, z)) for name, parent, z in CENTRE]
    rows.append(("HeadTop_End", "Head", (0.0, 0.0, 1.7)))
    for side, sign in (("Left", 1), ("Right", -1)):
        centre = {name for name, _, _ in rows}
        rows += [(side + name, parent if parent in centre else side + parent, (sign * x, y, z)) for name, parent, (x, y, z) in SIDED]
        for f, finger in enumerate(("Thumb", "Index", "Middle", "Ring", "Pinky")):
            for joint in range(4):
                parent = f"{side}Hand" if joint == 0 else f"{side}Hand{finger}{joint}"
                spot = (0.70 + 0.02 * joint, -0.05, 1.39) if f == 0 else (0.76 + 0.03 * joint, 0.02 * (f - 2.5), 1.4)
                rows.append((f"{side}Hand{finger}{joint + 1}", parent, (sign * spot[0], spot[1], spot[2])))
    names = [name for name, _, _ in rows]
    data = {
        "schema": "ningyo.rig",
        "version": 1,
        "name": "figure",
        "source": {"name": "figure", "sha256": "0" * 64},
        "prefix": "",
        "armature_matrix": np.eye(4).tolist(),
        "bones": [],
    }
    for name, parent, place in rows:
        matrix = np.eye(4)
        matrix[:3, 3] = place
        index = -1 if parent is None else names.index(parent)
        data["bones"].append({"name": name, "parent": index, "role": ROLE_OF_BASE_NAME.get(name), "matrix": matrix.tolist(), "length": 0.1})
    return Rig.from_json(data, "the tests' figure")


def make_motion(rig: Rig, frames: int, seed: int) -> Motion:
    """A smooth random dance."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / 25
    turn = np.zeros((frames, len(rig.bones), 3))
    reach = {"Arm": 0.9, "ForeArm": 0.7, "UpLeg": 0.5, "Leg": 0.4, "Spine": 0.15, "Spine1": 0.15, "Neck": 0.2, "Head": 0.2}
    for i, name in enumerate(rig.names):
        base = name.removeprefix("Left").removeprefix("Right")
        if base in reach:
            phase, rate = rng.uniform(0, 2 * np.pi, (3, 1)), rng.uniform(0.5, 2.0, (3, 1))
            turn[:, i] = reach[base] * np.sin(rate * t + phase).T
            if base == "Arm":
                turn[:, i, 1] += 0.8 if name.startswith("Left") else -0.8
    turn[:, rig.names.index("Hips"), 2] = rng.uniform(-np.pi, np.pi) + rng.uniform(0.5, 1.5) * t
    angle = np.linalg.norm(turn, axis=-1)
    rotation = matrix_to_quaternion(axis_angle_to_matrix(turn / np.maximum(angle, 1e-9)[..., None], angle))
    return Motion(
        fps=25,
        bones=rig.names,
        time=t,
        rotation=rotation,
        root_position=np.tile([0.0, 0.0, 1.0], (frames, 1)),
        contact=np.zeros((frames, 4)),
        residual=np.zeros(frames),
        confidence=np.ones(frames),
    )


def paint(packed: np.ndarray) -> np.ndarray:
    """A picture (H, W, 4) straight RGBA from packed conditioning: a colour a part, a light from above, hair, an emblem in front,
    outlines.
    """
    part, normal, local = packed[..., 0].astype(int), packed[..., 1:4] / 127.0 - 1, packed[..., 4:7] / 127.0 - 1
    palette = np.random.default_rng(5).integers(60, 240, (16, 3))
    palette[1] = (250, 220, 190)
    colour = palette[part].astype(float)
    colour[(part == 1) & ((local[..., 2] < 0.1) | (local[..., 1] > 0.6))] = (90, 60, 160)
    colour[(part == 2) & (local[..., 2] > 0.7)] = (240, 240, 90)
    colour[(part == 1) & (packed[..., 9] > 170)] = (20, 20, 60)
    colour *= np.where(normal[..., 1] < 0, 1.0, 0.75)[..., None]
    edge = np.zeros(part.shape, bool)
    edge[:, 1:] |= part[:, 1:] != part[:, :-1]
    edge[1:] |= part[1:] != part[:-1]
    colour[edge] = 25
    return np.concatenate([colour, 255 * (part > 0)[..., None]], -1).clip(0, 255).astype(np.uint8)


def make_dataset(path: Path, *, size: int = 64, train: int = 8, test: int = 4, seed: int = 0, stride: int = 4) -> Path:
    """A dataset of one character and two clips, "dance" for training, every `stride`th frame of it, and "walk" held out, whose frames
    follow each other.
    """
    rig = make_rig()
    path.mkdir(parents=True)
    rig.save(path / "figure.rig.json")
    samples: list[Sample] = []
    for split, clip, count, clip_seed in (("train", "dance", train, seed), ("test", "walk", test, seed + 1)):
        motion = make_motion(rig, count * (stride if split == "train" else 1), clip_seed)
        points = openpose_points(rig, *forward_kinematics(rig, motion))
        for i in range(count):
            frame = i * (stride if split == "train" else 1)
            world_to_camera = np.array([[1.0, 0, 0, 0], [0, 0, -1, 1], [0, 1, 0, 4]])
            seen = points[frame] @ world_to_camera[:, :3].T + world_to_camera[:, 3]
            K = np.array([[500.0, 0, 0], [0, 500, 0], [0, 0, 1]])
            K = crop_intrinsics(K, crop_for(seen, K, rig.height), size)
            pose = SamplePose(points[frame], np.full(137, 2, np.uint8), K, world_to_camera, (size, size))
            sample = Sample(len(samples), "figure", clip, frame, {"yaw": 0.0}, split, False, False, {})
            data = {
                "image": encode_png(paint(draw_packed(seen, K, size, rig.height))),
                "skeleton": encode_png(draw_skeleton(pose.skeleton_points(), (size, size))),
                "pose": pose.to_json().encode(),
            }
            for kind, content in data.items():
                file = path / sample.path_of(kind)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                sample.files[kind] = (sample.path_of(kind), sha256_of(file))
            samples.append(sample)
    header = {
        "schema": "ningyo.dataset",
        "version": 1,
        "rasteriser": RASTERISER_VERSION,
        "size": [size, size],
        "count": len(samples),
        "characters": {"figure": {"rig": "figure.rig.json", "sha256": sha256_of(path / "figure.rig.json")}},
        "clips": {"dance": {"frames": train * stride, "fps": 25}, "walk": {"frames": test, "fps": 25}},
        "seed": seed,
    }
    (path / "dataset.json").write_text(json.dumps(header))
    (path / "splits.json").write_text(json.dumps({"train": ["dance"], "test": ["walk"]}))
    write_index(path, samples)
    return path


def make_filmed(path: Path, **options: int) -> Path:
    """`make_dataset`'s figure as if it had been filmed: in front of a wall, without a rig, in pictures without transparency."""
    make_dataset(path, **options)
    height = Rig.load(path / "figure.rig.json").height
    (path / "figure.rig.json").unlink()
    header = json.loads((path / "dataset.json").read_text())
    header["characters"] = {"figure": {"source": "dance.mp4", "sha256": "0" * 64}}
    (path / "dataset.json").write_text(json.dumps(header))
    target = FilmedTarget((160, 120), 150.0, height, Ground(None, 80.0, 60.0, 20.0, 4.0))
    (path / "figure" / "character.json").write_text(json.dumps({"filmed": target.to_json(), "attributes": {}}))
    for file in path.rglob("*.image.png"):
        rgba = decode_png(file.read_bytes()).astype(float)
        wall = np.linspace(40, 200, len(rgba))[:, None, None] + np.array([0, 20, -20])
        alpha = rgba[..., 3:] / 255
        file.write_bytes(encode_png((rgba[..., :3] * alpha + wall * (1 - alpha)).clip(0, 255).astype(np.uint8)))
    return path


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks are fastest on one thread, and there sums are always of the same order."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def figure_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 training and 4 held-out pictures of 64 px. Not to be written to."""
    return make_dataset(tmp_path_factory.mktemp("figures") / "dataset")


@pytest.fixture
def make_filmed_dataset() -> Callable[..., Path]:
    return make_filmed


@pytest.fixture
def make_figure_dataset() -> Callable[..., Path]:
    return make_dataset


@pytest.fixture(scope="session")
def figure_motion() -> Callable[[int], tuple[Rig, Motion]]:
    """The figure and a dance of so many frames that it has not been trained on."""

    def make(frames: int) -> tuple[Rig, Motion]:
        rig = make_rig()
        return rig, make_motion(rig, frames, seed=7)

    return make


@pytest.fixture
def small_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The baselines with few channels: what they do is the same, in milliseconds."""
    from ningyo.training.baselines import dance_now, pix2pix

    for module in (dance_now, pix2pix):
        monkeypatch.setattr(module, "WIDTH", 8)
    monkeypatch.setattr(dance_now, "BLOCKS", 2)
