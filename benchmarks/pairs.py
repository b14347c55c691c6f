# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendered pairs: how fast, how exact, how steady.

    .venv/bin/python benchmarks/pairs.py speed  [--rig RIG] [--motion CLIP] [--size PX …] [--samples N] [--rounds N]
    .venv/bin/python benchmarks/pairs.py labels [--rig RIG] [--size PX …] [--samples N]
    .venv/bin/python benchmarks/pairs.py joints [--rig RIG] [--samples N]
    .venv/bin/python benchmarks/pairs.py flow   [--rig RIG]
    .venv/bin/python benchmarks/pairs.py memory [--rig RIG] [--samples N]
    .venv/bin/python benchmarks/pairs.py kill   [--rig RIG] [--samples N] [--kills N]

Each prints one JSON object. RIG is a character's file or builtin:SEED (default: builtin:0); CLIP a clip or a motion (default: every bone
sways about its place in the T-pose, so that arms are outstretched and half of a picture is around the figure).

* speed: complete samples a second of `render_dataset` (picture, mask, parts, depth, normals, UV, flow, joints with occlusion; hashes and
  index), against a bare loop that poses, aims and calls `bpy.ops.render.render(write_still=True)` for the full-frame RGBA alone: the same
  scene, the same poses and cameras, the same number of Cycles' samples. Both in turns, each in the layout of processes and threads that is
  best for it; rates are those of the steady state, without starting and loading.
* labels: pixels whose part or depth is not the one that Cycles samples at the pixel's centre, over random poses, cameras and framings.
* joints: projected joints against the centroids of small glowing markers that hang on the bones in Blender, over random poses and cameras.
* flow: on a turning, flat-lit character, how much nearer the next frame comes to this one when it is warped back by the flow, on the pixels
  that are seen in both.
* memory: of a process that renders, after 500 samples and at the end.
* kill: a dataset that is killed at random moments (SIGKILL, the whole group) and resumed each time, against an uninterrupted one: are all
  files the same?
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
ALL = ("mask", "parts", "depth", "normal", "uv", "flow")
WARM_UP = 6
WORK = "_work"  # what the bare loop's processes are started with


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "labels", "joints", "flow", "memory", "kill", WORK))
    parser.add_argument("--rig", default="builtin:0")
    parser.add_argument("--motion", type=Path)
    parser.add_argument("--size", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--samples", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--share", type=int, nargs=3, metavar=("THREADS", "K", "OF"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    # Blender prints on the C level's stdout; ours is kept for the result.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if args.what == WORK:
        bare_loop(args, out)
    else:
        result = {"speed": speed, "labels": labels, "joints": joints, "flow": flow, "memory": memory, "kill": kill}[args.what](args)
        print(json.dumps({"rig": Path(args.rig).name, "blender": blender(), **result}, indent=1), file=out)
    out.flush()
    os._exit(0)  # Blender's module before 5.0 can hang while the interpreter shuts down


def blender() -> str:
    from ningyo.synth_data.render.batch import blender_version

    return blender_version()


def swaying(rig: Any, frames: int, reach: float = 0.25) -> Any:
    """A motion of the rig's bones, each turning to and fro about an axis of its own."""
    from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, matrix_to_quaternion, unit
    from ningyo.synth_data.retarget.motion import Motion

    rng = np.random.default_rng(0)
    count = len(rig.bones)
    swing = reach * np.sin(np.arange(frames)[:, None] * 0.21 + rng.uniform(0, 6, count))
    large = [rig.index_of_role[f"{side}_{limb}"] for side in ("left", "right") for limb in ("upper_arm", "thigh", "forearm", "shin")]
    swing[:, large] *= 3
    axes = unit(rng.normal(size=(count, 3)))
    local = axis_angle_to_matrix(np.broadcast_to(axes, (frames, count, 3)), swing)
    nothing = np.zeros(frames)
    root = np.tile(rig.head("hips"), (frames, 1))
    return Motion(
        25.0, rig.names, np.arange(frames) / 25, matrix_to_quaternion(local), root, np.zeros((frames, 4)), nothing, nothing,
        rig.name, rig.source_sha256, rig=rig,
    )  # fmt: skip


def job_of(rig: str, motion: Path, size: int, count: int, **more: Any) -> Any:
    from ningyo.synth_data.render.job import CharacterJob, ClipJob, Poses, RenderJob

    clip = ClipJob(motion, split="train")
    job = RenderJob((CharacterJob(str(Path(rig).absolute()) if Path(rig).is_file() else rig),), (clip,), size, count, labels=ALL, **more)
    return dataclasses.replace(job, poses=Poses(variations=0))


def prepared(rig: str, folder: Path, frames: int) -> Path:
    from ningyo.synth_data.characters.importing import rig_for

    path = folder / "sway.npz"
    swaying(rig_for(rig), frames).save(path)
    return path


# Speed


def speed(args: argparse.Namespace) -> dict[str, Any]:
    from ningyo.jobs.machine import cores

    samples, many = args.samples or 60, cores()
    result: dict[str, Any] = {"cores": many, "samples": samples}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        motion = args.motion.absolute() if args.motion else prepared(args.rig, folder, samples + 1)
        for size in args.size:
            rates: dict[str, list[float]] = {}
            for number in range(args.rounds):
                for workers in dict.fromkeys((1, many)):
                    dataset = folder / f"{size}-{number}-{workers}"
                    ours = ningyo_rate(args.rig, motion, size, samples, workers, dataset)
                    rates.setdefault(f"ningyo_{workers}x{many // workers}", []).append(ours)
                    bare = bare_rate(args.rig, motion, size, samples, workers, many // workers, dataset)
                    rates.setdefault(f"bare_{workers}x{many // workers}", []).append(bare)
            best = {
                side: max((name for name in rates if name.startswith(side)), key=lambda n: median(rates[n])) for side in ("ningyo", "bare")
            }
            ratio = median(a / b for a, b in zip(rates[best["ningyo"]], rates[best["bare"]], strict=True))
            per_second = {name: round(median(values), 2) for name, values in rates.items()}
            result[str(size)] = {"samples_per_second": per_second, "best": list(best.values()), "ratio": round(ratio, 3)}
    return result


def ningyo_rate(rig: str, motion: Path, size: int, samples: int, workers: int, out: Path) -> float:
    """Complete samples a second; `workers` 1 is this process on all cores, more are processes of one thread."""
    from ningyo.jobs.progress import Reporter
    from ningyo.synth_data.render.batch import render_dataset

    times: list[float] = []
    report = Reporter(lambda event: times.append(time.perf_counter()) if event["type"] == "progress" else None)
    render_dataset(job_of(rig, motion, size, samples), out, workers=workers, report=report)
    warm_up = WARM_UP * workers
    return (len(times) - 1 - warm_up) / (times[-1] - times[warm_up])


def bare_rate(rig: str, motion: Path, size: int, samples: int, processes: int, threads: int, folder: Path) -> float:
    """Pictures a second of so many processes with so many threads each, which begin together; `folder` is a dataset of the same job."""
    command = [sys.executable, __file__, WORK, "--rig", rig, "--motion", str(motion), "--size", str(size), "--samples", str(samples)]
    command += ["--folder", str(folder)]
    started = [
        subprocess.Popen(
            [*command, "--share", str(threads), str(k), str(processes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for k in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    rates = [json.loads(process.stdout.readline()) for process in started if process.stdout is not None]
    for process in started:
        process.wait()
    return sum(rates)


def bare_loop(args: argparse.Namespace, out: Any) -> None:
    """One of the bare loop's processes: poses, aims, renders and lets Blender write its picture."""
    import bpy
    from ningyo.synth_data.render.cast import Cast, load_motions
    from ningyo.synth_data.render.sample import SampleMaker
    from ningyo.synth_data.render.scene import open_stage

    threads, k, of = args.share
    job = job_of(args.rig, args.motion, args.size[0], args.samples)
    motions = load_motions(job, args.folder)
    cast = Cast(job, {name: motion.frame_count for name, motion in motions.items()})
    scratch = args.folder / f".bare-{k}.part"
    with open_stage(job.characters[0].rig, scratch, threads=threads) as stage:
        maker = SampleMaker(stage, job, motions.__getitem__, cast.clip_jobs(), args.folder)
        todo = [maker.placed(cast.shot(number)) for number in range(k, args.samples, of)]
        stage.set_outline(job.look.outline[0] * todo[0][1].pixel())
        settings = stage.scene.render.image_settings
        settings.file_format, settings.color_mode, settings.color_depth, settings.compression = "PNG", "RGBA", "8", 15
        stage.scene.render.filepath = str(scratch)

        def picture(index: int) -> None:
            posed, view = todo[index]
            stage.set_pose(posed.pose, posed.rotations)
            stage.aim(view)
            bpy.ops.render.render(write_still=True, scene=stage.scene.name)

        for index in range(WARM_UP):
            picture(index)
        print("ready", file=out)
        sys.stdin.readline()
        start = time.perf_counter()
        for index in range(WARM_UP, len(todo)):
            picture(index)
        print((len(todo) - WARM_UP) / (time.perf_counter() - start), file=out)


# Exactness


def random_shots(stage: Any, size: int, count: int, seed: int = 0) -> Any:
    """Random poses seen by random cameras: (pose, rotations, points, view)."""
    from ningyo.synth_data.render.cameras import Orbit, aim_of, view_of
    from ningyo.synth_data.render.job import Cameras
    from ningyo.synth_data.render.sampled import sampled_pose
    from ningyo.synth_data.retarget.openpose_points import point_model

    rng, model, rig = np.random.default_rng(seed), point_model(stage.rig), stage.rig
    cameras = Cameras(elevation=(-30, 50), lens=(24, 120), framings=("body", "body", "upper", "head"))
    for _ in range(count):
        pose = sampled_pose(rig, rng)
        heads, rotations = pose.evaluate(rig)
        points = model.points(heads[None], rotations[None])[0]
        aim = aim_of(Orbit(0, 5, 4), float(rng.uniform(-180, 180)), rig.height, model.head_size, cameras, rng)
        yield pose, rotations, points, view_of(points, pose.root, rig.height, size, aim, model.head_size)


def labels(args: argparse.Namespace) -> dict[str, Any]:
    from ningyo.synth_data.render.scene import open_stage
    from ningyo.synth_data.render.selfcheck import check_labels
    from ningyo.synth_data.render.surface import seen_through

    result = {}
    with tempfile.TemporaryDirectory() as folder, open_stage(args.rig, Path(folder) / ".labels.part") as stage:
        for size in args.size:
            checks = []
            for pose, rotations, _, view in random_shots(stage, size, args.samples or 60):
                stage.set_pose(pose, rotations)
                stage.aim(view)
                seen = seen_through(view, stage.surface())
                checks.append(check_labels(stage, seen, seen.rasterised()))
            foreground = sum(check.foreground for check in checks)
            result[str(size)] = {
                "pictures": len(checks),
                "foreground_pixels": foreground,
                "wrong_parts": sum(check.parts for check in checks),
                "wrong_depths": sum(check.depth for check in checks),
                "most_in_a_picture": max(max(check.parts, check.depth) for check in checks),
                "beyond_the_limit": sum(not check.passed for check in checks),
            }
    return result


def joints(args: argparse.Namespace) -> dict[str, Any]:
    import bpy
    from ningyo.synth_data.render.scene import open_stage

    size, errors = 512, []
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder, open_stage(args.rig, Path(folder) / ".joints.part") as stage:
        for mesh in stage.character.meshes:
            mesh.visible_camera = False
        stage.set_outline(0)
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.008, segments=24, ring_count=16)
        marker: Any = bpy.context.object
        for collection in list(marker.users_collection):
            collection.objects.unlink(marker)
        stage.scene.collection.objects.link(marker)
        marker.location = (0, 0, 0)
        follow = marker.constraints.new("COPY_LOCATION")
        follow.target = stage.character.armature
        roles = [role for role in stage.rig.index_of_role if not role.endswith(("_end", "4"))]
        y, x = np.mgrid[:size, :size] + 0.5
        for pose, rotations, _, view in random_shots(stage, size, args.samples or 200):
            heads, _ = pose.evaluate(stage.rig)
            places = heads @ view.world_to_camera[:, :3].T + view.world_to_camera[:, 3]
            pixels = (places[:, :2] / places[:, 2:]) @ view.K[:2, :2].T + view.K[:2, 2]
            seen = (np.abs(pixels - size / 2) < size / 2 - 20).all(1) & (places[:, 2] > 0.02)
            inside = [role for role in roles if seen[stage.rig.index_of_role[role]]]
            bone = stage.rig.index_of_role[inside[int(rng.integers(len(inside)))]]
            follow.subtarget = stage.rig.names[bone]
            radius = 4 * places[bone, 2] / view.K[0, 0]
            marker.scale = [radius / 0.008] * 3
            stage.set_pose(pose, rotations)
            stage.aim(view)
            alpha = stage.render()[..., 3].astype(float)
            centroid = np.array([(alpha * x).sum(), (alpha * y).sum()]) / alpha.sum()
            # Of a ball beside the axis the outline's middle is not the picture of its middle, but a little further out.
            middle = places[bone, :2] * places[bone, 2] / (places[bone, 2] ** 2 - radius**2)
            errors.append(float(np.linalg.norm(centroid - (view.K[:2, :2] @ middle + view.K[:2, 2]))))
    return {"poses": len(errors), "median_px": round(median(errors), 4), "most_px": round(max(errors), 4)}


def flow(args: argparse.Namespace) -> dict[str, Any]:
    import bpy
    from ningyo.synth_data.render.cameras import Aim, view_of
    from ningyo.synth_data.render.labels import Labels
    from ningyo.synth_data.render.poses import Pose
    from ningyo.synth_data.render.scene import open_stage
    from ningyo.synth_data.render.surface import seen_through
    from ningyo.synth_data.retarget.kinematics import rotation_vector_to_matrix
    from ningyo.synth_data.retarget.openpose_points import point_model

    size, step, before, after = 512, 4.0, [], []
    with tempfile.TemporaryDirectory() as folder, open_stage(args.rig, Path(folder) / ".flow.part") as stage:
        rig, model = stage.rig, point_model(stage.rig)
        stage.scene.view_layers[0].material_override = checkered(bpy)
        stage.set_outline(0.0)
        hips = rig.rest_rotations[rig.index_of_role["hips"]]

        def at(degrees: float) -> Any:
            local = np.tile(np.eye(3), (len(rig.bones), 1, 1))
            local[rig.index_of_role["hips"]] = hips.T @ rotation_vector_to_matrix(np.radians(degrees) * rig.up) @ hips
            pose = Pose(local, rig.head("hips"))
            heads, rotations = pose.evaluate(rig)
            points = model.points(heads[None], rotations[None])[0]
            view = view_of(points, pose.root, rig.height, size, Aim(0, 5, 4), model.head_size)
            stage.set_pose(pose, rotations)
            stage.aim(view)
            seen = seen_through(view, stage.surface())
            return seen, stage.render(seen).astype(float)

        for degrees in range(0, 360, 30):
            after_seen, after_picture = at(degrees + step)
            seen, picture = at(degrees)
            zbuffer = seen.rasterised()
            moved, visible = Labels(seen, zbuffer, after=after_seen).flow()
            y, x = np.divmod(zbuffer.pixel[visible], size)
            warped = bilinear(after_picture, x + moved[visible, 0], y + moved[visible, 1])
            before.append(np.abs(after_picture[y, x, :3] - picture[y, x, :3]).mean())
            after.append(np.abs(warped[:, :3] - picture[y, x, :3]).mean())
    return {
        "degrees_a_frame": step,
        "difference_of_255": round(float(np.mean(before)), 2),
        "after_warping": round(float(np.mean(after)), 2),
        "worst_ratio": round(float(np.max(np.array(after) / np.array(before))), 3),
    }


def checkered(bpy: Any) -> Any:
    """A material that glows in a pattern fixed to the surface: soft stripes of the rest position, or of the UV map where there is one."""
    material = bpy.data.materials.new("Ningyo flat")
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    uv, wave = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeTexNoise")
    wave.inputs["Scale"].default_value = 9.0
    emission, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(uv.outputs["UV"], wave.inputs["Vector"])
    tree.links.new(wave.outputs["Color"], emission.inputs["Color"])
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    material.cycles.emission_sampling = "NONE"
    return material


def bilinear(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, C) of a picture (H, W, C) at pixels' indices x, y (N,)."""
    x, y = (np.clip(v, 0, picture.shape[0] - 1.001) for v in (x, y))
    i, j = x.astype(int), y.astype(int)
    u, v = (x - i)[:, None], (y - j)[:, None]
    top = picture[j, i] * (1 - u) + picture[j, i + 1] * u
    return top * (1 - v) + (picture[j + 1, i] * (1 - u) + picture[j + 1, i + 1] * u) * v


# Steadiness


def memory(args: argparse.Namespace) -> dict[str, Any]:
    from ningyo.jobs.progress import Reporter
    from ningyo.synth_data.render.batch import render_dataset

    samples = args.samples or 5000
    used: dict[int, float] = {}

    def look(event: dict[str, Any]) -> None:
        if event["type"] == "progress" and event["done"] and event["done"] % 250 == 0:
            used[int(event["done"])] = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    with tempfile.TemporaryDirectory() as name:
        motion = prepared(args.rig, Path(name), 400)
        job = dataclasses.replace(job_of(args.rig, motion, 64, samples), labels=(*ALL, "skeleton", "head"), head_size=32)
        render_dataset(job, Path(name) / "data", workers=1, report=Reporter(look))
    after_500, at_end = used[500], used[max(used)]
    return {
        "samples": max(used),
        "megabytes_after_500": round(after_500),
        "at_the_end": round(at_end),
        "most": round(max(used.values())),
        "ratio": round(at_end / after_500, 3),
    }


def kill(args: argparse.Namespace) -> dict[str, Any]:
    from ningyo.synth_data.dataset.folder import Dataset
    from ningyo.synth_data.dataset.verify import verify
    from ningyo.synth_data.render.batch import render_dataset

    samples, rng = args.samples or 2000, random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        motion = prepared(args.rig, folder, 300)
        job = dataclasses.replace(job_of(args.rig, motion, 64, samples), labels=(*ALL, "skeleton"))
        started = time.perf_counter()
        render_dataset(job, folder / "whole", workers=2)
        seconds = time.perf_counter() - started
        again = ["render", str(folder / "whole" / "job.json"), "--out", str(folder / "killed"), "--workers", "2"]
        command = [sys.executable, "-m", "ningyo", *again]
        done_at = []
        for number in range(args.kills):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            wanted = samples * (number + rng.uniform(0.2, 1)) / (args.kills + 1)
            while process.poll() is None and lines(folder / "killed" / "index.jsonl") < wanted:
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.3))
            assert process.poll() is None, "it ended before it could be killed"
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            done_at.append(lines(folder / "killed" / "index.jsonl"))
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        whole, resumed = digest(folder / "whole"), digest(folder / "killed")
        faults = verify(Dataset.open(folder / "killed"))
    same = whole == resumed
    return {
        "samples": samples,
        "files": len(whole),
        "killed_after": done_at,
        "byte_identical": same,
        "faults": len(faults),
        "seconds_whole": round(seconds),
    }


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def digest(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.rglob("*")) if f.is_file()}


if __name__ == "__main__":
    main()
