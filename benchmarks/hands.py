# SPDX-License-Identifier: GPL-3.0-or-later
"""Head, wrists, fingers and expressions against exact ground truth.

    .venv/bin/python benchmarks/hands.py [--only FIGURE-VIEW …] [--solver] [--out FOLDER]

A figure (`anime`: the built-in character of seed 1; `actor`: the sample clip's lifelike figure) stands and gestures: it turns, nods and
tilts its head, raises, bends and turns its hands, makes fists and points, blinks, opens its mouth, smiles and lifts its brows. It is filmed
at 512² whole (`whole`) or from the thighs up (`upper`), then captured and retargeted as a user would. Such gestures of both figures were
looked at while the retargeting was made: they are not held out.

The columns: shares of the frames in which the face and the hands were seen; mean angles to the true rotations, degrees, in the camera's
axes: of the head in frontal views (turned by less than 35°) and in all, of forearms and hands; mean differences of the bends of the four
fingers' knuckles, middle and last joints, and of the thumb's three joints' rotations. Then, of frontal frames, how expressions correlate
with the true ones, and their mean where the true one is above 0.9 / below 0.1.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from ningyo.synth_data.capture.capture import capture
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget import closed_form, solver
from ningyo.synth_data.retarget.kinematics import (
    axis_angle_to_matrix,
    forward_kinematics,
    local_from_turns,
    matrix_to_axis_angle,
    pose,
    rotation_vector_to_matrix,
    unit,
)
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.roles import FINGERS
from numpy.typing import NDArray
from truth.file import Truth

Array = NDArray[np.float64]
FIGURES, VIEWS = ("anime", "actor"), {"whole": (1.75, 0.50), "upper": (2.6, 0.72)}  # focal length over the picture; height looked at
SIZE, FPS, SECONDS, FRONTAL = 512, 25.0, 12.0, 35.0
EXPRESSIONS = ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp")
SIDES = ("left", "right")
MIRROR = np.diag([-1.0, 1.0, 1.0])


def about(axis: str, degrees: NDArray[Any]) -> Array:
    """Rotations (F, 3, 3) about a world axis."""
    vector = np.zeros((len(degrees), 3))
    vector[:, "xyz".index(axis)] = np.radians(degrees)
    return rotation_vector_to_matrix(vector)


def keyed(time: Array, *keys: tuple[float, float]) -> Array:
    """(F,) values that pass smoothly from key to key (time, value)."""
    times, values = (np.array(column) for column in zip(*keys, strict=True))
    at = np.clip(np.searchsorted(times, time, "right") - 1, 0, len(times) - 2)
    share = np.clip((time - times[at]) / (times[at + 1] - times[at]), 0, 1)
    return values[at] + (values[at + 1] - values[at]) * share * share * (3 - 2 * share)


def gestures(rig: Rig, time: Array) -> tuple[dict[str, Array], Array]:
    """Turns (F, 3, 3) by role of a rig in T-pose that faces −Y, and the expressions (F, E)."""
    clock = 2 * np.pi * time
    turns = {"hips": about("z", 6 * np.sin(clock / 6))}
    chest = turns["hips"] @ about("z", 8 * np.sin(clock / 6 + 0.5)) @ about("x", 3 * np.sin(clock / 4))
    turns |= dict.fromkeys(("spine", "spine1", "spine2", "left_shoulder", "right_shoulder"), chest)
    yaw = keyed(time, (0, 0), (1, 0), (2, 35), (3, -35), (4, 0), (7, 0), (8, 25), (9, -45), (10, 45), (11, 0))
    nod = keyed(time, (0, 0), (4, 0), (4.7, 22), (5.5, -22), (6.2, 0), (8, 0), (9, 12), (10, -15), (11, 0))
    tilt = keyed(time, (0, 0), (6, 0), (6.7, 20), (7.4, -20), (8, 0), (10, 12), (11, -10), (12, 0))
    head = about("z", yaw) @ about("x", nod) @ about("y", tilt)
    turns["neck"] = chest @ rotation_vector_to_matrix(0.4 * matrix_to_axis_angle(head))
    turns["head"] = chest @ head
    for side in SIDES:
        turns |= _arm(rig, time, chest, side)
    blink = np.max([np.clip(1.3 - np.abs(time - at) / 0.1, 0, 1) for at in (1.0, 3.1, 5.0, 7.2, 9.5, 11.3)], axis=0)
    wink = np.clip(1.5 - np.abs(time - 6.5) / 0.2, 0, 1)
    jaw = keyed(time, (0, 0), (4, 0), (4.6, 1), (5.2, 0), (8, 0), (8.3, 0.6), (8.6, 0.1), (8.9, 0.6), (9.4, 0))
    smile = keyed(time, (0, 0), (2, 0), (2.5, 1), (3.5, 1), (4, 0), (10, 0), (10.5, 1), (11.5, 0))
    brows = keyed(time, (0, 0), (1, 0), (1.5, 1), (2.2, 0), (7, 0), (7.5, 1), (8, 0))
    return turns, np.stack([np.maximum(blink, wink), blink, jaw, smile, smile, brows], -1)


def _arm(rig: Rig, time: Array, chest: Array, side: str) -> dict[str, Array]:
    """Arm, hand and fingers of one side; written for the left, and mirrored for the right."""

    def own(turn: Array) -> Array:
        return turn if side == "left" else MIRROR @ turn @ MIRROR

    drop = keyed(time, (0, 75), (0.6, 75), (1.4, 55), (5.5, 55), (6.5, 78), (8, 78), (9, 60))
    twist = keyed(time, (0, -20), (0.6, -20), (1.4, -85), (5.5, -85), (6.5, -10), (8, -10), (9, -35), (12, -40))
    elbow = keyed(time, (0, 15), (0.6, 15), (1.4, 135), (5.5, 130), (6.5, 20), (8, 20), (9, 105), (12, 100))
    upper = chest @ own(about("y", drop) @ about("x", twist))
    forearm = upper @ own(about("z", -elbow))
    turned = keyed(time, (0, 10), (1.4, 0), (2.6, 0), (3.4, 50), (4.2, -50), (5, 0), (8, 20), (9, 60), (10, -20), (11, 30), (12, 0))
    flexed = keyed(time, (0, 5), (1.6, 0), (2.2, 35), (2.8, -35), (3.2, 0), (9, 0), (9.8, 30), (10.6, -30), (12, 0))
    sideways = keyed(time, (0, 0), (4.6, 0), (5, 15), (5.4, -15), (5.8, 0))
    hand = forearm @ own(about("x", turned) @ about("z", sideways) @ about("y", flexed))
    turns = {f"{side}_upper_arm": upper, f"{side}_forearm": forearm, f"{side}_hand": hand}
    late = time + (0.0 if side == "left" else 0.7)
    fist = keyed(
        late, (0, 0.15), (1.5, 0.05), (2.2, 0.9), (3, 0.05), (3.8, 0.5), (4.6, 0.05), (5.4, 1), (6.2, 0.25), (8, 0.25), (9, 0.9),
        (10, 0.05), (11, 0.8), (12.7, 0.1),
    )  # fmt: skip
    point = keyed(time, (0, 0), (3, 0), (3.6, 1), (4.4, 1), (4.8, 0), (9.6, 0), (10.2, 1), (11, 1), (11.6, 0))
    spread = keyed(time, (0, 0), (1.5, 1), (2.4, 0), (3, 1), (4.6, 0), (5, 1), (6, 0))
    for finger in FINGERS:
        roles = [f"{side}_{finger}{joint}" for joint in (1, 2, 3)]
        if finger == "thumb":
            along = unit(rig.head(roles[2]) - rig.head(roles[1])) * ((1 if side == "left" else -1), 1, 1)
            axis, part = unit(np.cross(along, unit(np.array([0.3, 0.75, -0.6])))), hand
            bends = [axis_angle_to_matrix(np.broadcast_to(axis, (len(time), 3)), np.radians(most) * fist) for most in (18, 35, 45)]
        else:
            straight = 0.9 if finger == "index" else 0.0
            curl = fist * (1 - straight * point) + (1 - straight) * point * 0.9 * (1 - fist)
            part = hand @ own(about("z", spread * {"index": -9, "middle": 0, "ring": 7, "pinky": 14}[finger]))
            bends = [about("y", most * curl) for most in (75, 90, 55)]
        for role, bend in zip(roles, bends, strict=True):
            part = part @ own(bend)
            turns[role] = part
    return turns


@dataclass(frozen=True, eq=False)
class Clip:
    truth: Truth
    expressions: Array  # (F, E)


def make(figure: str, view: str, folder: Path) -> Clip:
    """Render video.mp4, and write truth.npz and expressions.npy beside it; made already, they are only read. Empties Blender."""
    if (folder / "expressions.npy").is_file():
        return Clip(Truth.load(folder), np.load(folder / "expressions.npy"))
    from ningyo.synth_data.characters.importing import rig_for
    from truth.actor import save_figure

    spec = "builtin:1" if figure == "anime" else str(folder.parent / "actor.blend")
    if figure == "actor":
        save_figure(Path(spec))
    rig = rig_for(spec)
    time = np.arange(round(SECONDS * FPS)) / FPS
    turns, expressions = gestures(rig, time)
    local, all_turns = local_from_turns(rig, turns)
    root = rig.head("hips") + np.stack([0.06 * np.sin(time), 0.03 * np.sin(1.7 * time), 0 * time], -1)
    joints = rig.to_world(pose(rig, local, root)[0])
    focal, height = VIEWS[view]
    eye = np.array([0.0, -2.2 * rig.height, (height + 0.15) * rig.height])
    forward = unit(np.array([0.0, 0.0, height * rig.height]) - eye)
    axes: Array = np.stack([np.array([1.0, 0.0, 0.0]), np.cross(forward, (1.0, 0.0, 0.0)), forward])
    behind: Array = axes @ eye
    camera = Camera(focal * SIZE, SIZE, SIZE, np.concatenate([axes, -behind[:, None]], 1))
    truth = Truth(rig, spec, "gestures", FPS, 0.0, time, joints, all_turns, root, np.ones((len(time), 4), bool), camera)
    folder.mkdir(parents=True, exist_ok=True)
    film(truth, local, expressions, folder / "video.mp4")
    truth.save(folder / "truth.npz")
    np.save(folder / "expressions.npy", expressions)
    return Clip(truth, expressions)


def film(truth: Truth, local: Array, expressions: Array, path: Path) -> None:
    import bpy
    from ningyo.synth_data.characters.actor_clip import ACTOR
    from ningyo.synth_data.characters.builtin.build import add_expressions, geometry
    from ningyo.synth_data.render.poses import Pose
    from ningyo.synth_data.video.write import MovieWriter
    from truth.make import Studio, _quiet

    bpy.ops.wm.read_factory_settings(use_empty=True)
    with _quiet(), tempfile.TemporaryDirectory() as scratch, MovieWriter(path, truth.fps, (SIZE, SIZE)) as movie:
        studio = Studio(truth.rig_spec, Path(scratch) / "frame.part")
        studio.film_with(truth.camera)
        faces: Any = [mesh for mesh in studio.character.meshes if "face" in mesh.name]
        if not faces[0].data.shape_keys:
            add_expressions(faces[0], geometry(ACTOR, 1).expressions)
        for i in range(len(truth.time)):
            for name, value in zip(EXPRESSIONS, expressions[i], strict=True):
                faces[0].data.shape_keys.key_blocks[name].value = float(value)
            here = Pose(local[i], truth.root[i])
            studio.set_pose(here, here.evaluate(truth.rig)[1])
            movie.write(np.ascontiguousarray(studio.render()[..., :3]))


def between(a: Array, b: Array) -> Array:
    """Angles in degrees between rotations."""
    return np.degrees(np.linalg.norm(matrix_to_axis_angle(np.swapaxes(a, -1, -2) @ b), axis=-1))


def table(clip: Clip, track: PoseTrack, motion: Motion) -> tuple[list[str], list[str]]:
    """The row of angles, and one of expressions."""
    truth, rig = clip.truth, clip.truth.rig
    assert motion.camera is not None
    at = np.round(motion.time * truth.fps).astype(int)
    rotations = forward_kinematics(rig, motion)[1]
    turn = motion.camera.world_to_camera[:, :3].T @ truth.camera.world_to_camera[:, :3]  # the true world in the estimate's
    found = {role: rotations[:, i] @ rig.rest_rotations[i].T for role, i in rig.index_of_role.items()}
    true = {role: turn @ truth.turns[at, i] for role, i in rig.index_of_role.items()}
    facing = truth.turns[at, rig.index_of_role["head"], :, 1]
    frontal = np.degrees(np.arctan2(np.abs(facing[:, 0]), facing[:, 1])) < FRONTAL
    seen = [np.mean(track.face_score[0] > 0), *(np.mean(track.hand_score[0] > 0, axis=0))]
    head = between(found["head"], true["head"])
    row = [f"{100 * share:.0f}" for share in seen] + [f"{head[frontal].mean():.1f}", f"{head.mean():.1f}"]
    for part in ("forearm", "hand"):
        row.append(f"{np.mean([between(found[f'{side}_{part}'], true[f'{side}_{part}']) for side in SIDES]):.1f}")
    errors: dict[str, list[Array]] = {"knuckle": [], "middle": [], "last": [], "thumb": []}
    for side in SIDES:
        wrist = rig.head(f"{side}_hand")
        across = unit(rig.head(f"{side}_pinky1") - rig.head(f"{side}_index1"))
        along = unit(rig.head(f"{side}_middle1") - wrist)
        axis = unit(across - (across @ along) * along)
        for finger in FINGERS:
            for joint, name in ((1, "knuckle"), (2, "middle"), (3, "last")):
                bone, above = f"{side}_{finger}{joint}", f"{side}_hand" if joint == 1 else f"{side}_{finger}{joint - 1}"
                own, right = (np.swapaxes(turns[above], 1, 2) @ turns[bone] for turns in (found, true))
                if finger == "thumb":
                    errors["thumb"].append(between(own, right))
                else:
                    errors[name].append(np.degrees(np.abs((matrix_to_axis_angle(own) - matrix_to_axis_angle(right)) @ axis)))
    row += [f"{np.mean(values):.1f}" for values in errors.values()]
    said = []
    for k, name in enumerate(EXPRESSIONS):
        if name not in motion.expressions:
            said.append("unseen")
            continue
        own, right = motion.expression[frontal, motion.expressions.index(name)], clip.expressions[at[frontal], k]
        said.append(f"{np.corrcoef(own, right)[0, 1]:.2f} {own[right > 0.9].mean():.2f}/{own[right < 0.1].mean():.2f}")
    return row, said


def main() -> None:
    parser = argparse.ArgumentParser(description="Head, wrists, fingers and expressions against exact ground truth.")
    shots = [f"{figure}-{view}" for figure in FIGURES for view in VIEWS]
    parser.add_argument("--only", nargs="+", choices=shots, default=shots, metavar="FIGURE-VIEW")
    parser.add_argument("--solver", action="store_true", help="also the whole-clip solver")
    parser.add_argument("--out", type=Path, default=Path("out/gestures"))
    args = parser.parse_args()
    angles, expressions = [], []
    for shot in args.only:
        figure, view = shot.split("-")
        clip = make(figure, view, args.out / shot)
        path = args.out / shot / "track.npz"
        track = PoseTrack.load(path) if path.is_file() else capture([args.out / shot / "video.mp4"], path)
        for name, way in (("closed form", closed_form.retarget), ("solver", solver.retarget))[: 1 + args.solver]:
            row, said = table(clip, track, way(track, clip.truth.rig))
            angles.append([f"{shot} {name}", *row])
            expressions.append([f"{shot} {name}", *said])
    heads = ["face %", "left %", "right %", "frontal", "head", "forearm", "hand", "knuckle", "middle", "last", "thumb"]
    for title, rows in ((heads, angles), (list(EXPRESSIONS), expressions)):
        print("| clip | " + " | ".join(title) + " |\n|---" + "|--:" * len(title) + "|")
        print("\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n")
    sys.stdout.flush()
    os._exit(0)  # bpy as a module can hang while Python shuts down


if __name__ == "__main__":
    main()
