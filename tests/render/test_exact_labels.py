# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels against Blender's own answers: its samples at pixels' centres, its rays, its projection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from bpy_extras.object_utils import world_to_camera_view  # noqa: E402
from mathutils import Vector  # noqa: E402
from mathutils.geometry import barycentric_transform  # noqa: E402
from ningyo.synth_data.dataset.labels import encode_label, flow_of, flow_pixels  # noqa: E402
from ningyo.synth_data.dataset.png import decode_png  # noqa: E402
from ningyo.synth_data.render.cameras import Aim, view_of  # noqa: E402
from ningyo.synth_data.render.labels import Labels  # noqa: E402
from ningyo.synth_data.render.poses import PoseSource  # noqa: E402
from ningyo.synth_data.render.scene import Stage, open_stage  # noqa: E402
from ningyo.synth_data.render.selfcheck import check_labels, engine_labels  # noqa: E402
from ningyo.synth_data.render.surface import seen_through  # noqa: E402
from ningyo.synth_data.render.visibility import OcclusionRule  # noqa: E402
from ningyo.synth_data.retarget.openpose_points import point_model  # noqa: E402

SIZE = 160


@pytest.fixture
def stage(tmp_path):
    with open_stage("builtin:3", tmp_path / ".exact.part") as stage:
        yield stage


def shots(stage: Stage, make_motion, count: int):
    """Poses with their successors, seen from all around."""
    source = PoseSource(stage.rig, make_motion(stage.rig, frames=2 * count))
    model = point_model(stage.rig)
    for k in range(count):
        now, after = source.frame(2 * k), source.frame(2 * k + 1)
        views = []
        for pose in (now, after):
            heads, rotations = pose.evaluate(stage.rig)
            points = model.points(heads[None], rotations[None])[0]
            aim = Aim(75.0 * k - 20, 8.0, 3.5, framing=("body", "upper", "head")[k % 3])
            views.append((pose, rotations, points, view_of(points, pose.root, stage.rig.height, SIZE, aim, model.head_size)))
        yield views


def placed(stage: Stage, pose, rotations, view):
    stage.set_pose(pose, rotations)
    stage.aim(view)
    return seen_through(view, stage.surface())


def test_ids_and_depth_are_what_cycles_samples(stage, make_motion):
    for (pose, rotations, _, view), _ in shots(stage, make_motion, 4):
        seen = placed(stage, pose, rotations, view)
        before = stage.render(seen)
        check = check_labels(stage, seen, seen.rasterised())
        assert check.foreground > 1000
        assert check.passed, check
        assert np.array_equal(stage.render(seen), before)  # looking left no trace


def test_a_wrong_label_is_found(stage, make_motion):
    (pose, rotations, _, view), _ = next(shots(stage, make_motion, 1))
    seen = placed(stage, pose, rotations, view)
    zbuffer = seen.rasterised()
    parts, _ = engine_labels(stage)
    assert (parts > 0).sum() == pytest.approx(len(zbuffer.pixel), abs=4)
    zbuffer.depth[:20] += 0.01
    assert not check_labels(stage, seen, zbuffer).passed
    zbuffer.depth[:20] -= 0.01
    assert check_labels(stage, seen, zbuffer).passed


def test_flow_is_where_the_surface_point_goes(stage, make_motion):
    """Blender's ray finds the point; Blender's projection says where it is in the next frame."""
    random = np.random.default_rng(0)
    errors, moved = [], []
    for now, after in shots(stage, make_motion, 3):
        next_seen = placed(stage, after[0], after[1], after[3])
        next_places = vertices(stage)
        next_camera = np.array(stage.scene.camera.matrix_world), stage.scene.camera.data.lens
        shifts = stage.scene.camera.data.shift_x, stage.scene.camera.data.shift_y
        seen = placed(stage, now[0], now[1], now[3])
        places = vertices(stage)
        zbuffer = seen.rasterised()
        flow, seen_next = Labels(seen, zbuffer, after=next_seen).flow()
        file = encode_label(zbuffer.dense(flow_pixels(flow, seen_next)))
        stored, _ = flow_of(decode_png(file))
        camera = stage.scene.camera
        origin = camera.matrix_world.translation.copy()
        hits = []
        for entry in random.choice(len(zbuffer.pixel), 150, replace=False):
            y, x = divmod(int(zbuffer.pixel[entry]), SIZE)
            direction = pixel_ray(now[3], x + 0.5, y + 0.5)
            hit, place, _, face, item, _ = stage.scene.ray_cast(stage.depsgraph, origin, Vector(direction))
            if hit:
                hits.append((x, y, place, face, item.name))
        camera.matrix_world = matrix(next_camera[0])
        camera.data.lens, camera.data.shift_x, camera.data.shift_y = next_camera[1], *shifts
        stage.scene.view_layers[0].update()
        for x, y, place, face, name in hits:
            corners = faces(stage, name)[face]
            target = carried(place, corners, places[name], next_places[name])
            u, v, _ = world_to_camera_view(stage.scene, camera, target)
            expected = np.array([u * SIZE - x - 0.5, (1 - v) * SIZE - y - 0.5])
            errors.append(np.abs(stored[y, x] - expected).max())
            moved.append(np.linalg.norm(expected))
    assert len(errors) > 400
    assert np.median(moved) > 0.3
    assert np.max(errors) < 0.05


def vertices(stage: Stage) -> dict[str, np.ndarray]:
    """World places of the posed meshes' vertices."""
    found = {}
    for item in stage.character.meshes:
        posed = item.evaluated_get(stage.depsgraph)
        found[item.name] = np.array([posed.matrix_world @ vertex.co for vertex in posed.data.vertices])
    return found


def faces(stage: Stage, name: str) -> list[list[int]]:
    item = next(item for item in stage.character.meshes if item.name == name)
    return [list(face.vertices) for face in item.evaluated_get(stage.depsgraph).data.polygons]


def carried(place: Vector, corners: list[int], before: np.ndarray, after: np.ndarray) -> Vector:
    """Where a point of a face goes as its triangle does: of the face's triangles, the one that holds it."""
    best, least = place, np.inf
    for k in range(1, len(corners) - 1):
        triangle = [corners[0], corners[k], corners[k + 1]]
        a, b, c = (Vector(before[i]) for i in triangle)
        normal = (b - a).cross(c - a)
        if normal.length < 1e-12:
            continue
        normal.normalize()
        away = abs((place - a).dot(normal))
        inside = min((q - p).cross(place - p).dot(normal) for p, q in ((a, b), (b, c), (c, a)))
        if away - min(inside, 0) < least:
            least = away - min(inside, 0)
            best = barycentric_transform(place, a, b, c, *(Vector(after[i]) for i in triangle))
    return best


def matrix(values: np.ndarray):
    from mathutils import Matrix

    return Matrix(values.tolist())


def pixel_ray(view, x: float, y: float) -> np.ndarray:
    ray = np.linalg.inv(view.K) @ [x, y, 1]
    world = view.world_to_camera[:, :3].T @ ray
    return world / np.linalg.norm(world)


def test_hidden_joints_are_those_that_blenders_rays_do_not_reach(stage, make_motion):
    """The rule that is applied to the z-buffer, applied to rays through the joints themselves."""
    model = point_model(stage.rig)
    rule = OcclusionRule(stage.rig, model)
    same = total = 0
    for (pose, rotations, points, view), _ in shots(stage, make_motion, 8):
        seen = placed(stage, pose, rotations, view)
        ours = rule.visibility(points, rotations, seen, seen.rasterised())
        by_rays = rule.judged(points, rotations, seen, *ray_hits(stage, seen, points))
        inside = ours > 0
        same += (ours == by_rays)[inside].sum()
        total += inside.sum()
    assert total > 500
    assert same / total > 0.96


def ray_hits(stage: Stage, seen, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How deep Blender's rays to points (137, 3) get, metres along the view, inf where they meet nothing; and whose surface they meet."""
    origin = stage.scene.camera.matrix_world.translation
    forward = seen.view.world_to_camera[2]
    depth, bone = np.full(len(points), np.inf), np.zeros(len(points), np.int64)
    items = [item.name for item in stage.character.meshes]
    for i, point in enumerate(points):
        if not np.isfinite(point).all():
            continue
        hit, place, _, face, item, _ = stage.scene.ray_cast(stage.depsgraph, origin, Vector(point) - origin)
        if hit:
            depth[i] = forward[:3] @ np.array(place) + forward[3]
            bone[i] = stage.meshes.bones_of_faces(items.index(item.name))[face]
    return depth, bone


def test_the_scratch_file_is_gone(tmp_path):
    with open_stage("builtin:3", tmp_path / ".gone.part") as stage:
        stage.scene.render.resolution_x = stage.scene.render.resolution_y = 16
        stage.render()
    assert list(Path(tmp_path).iterdir()) == []
