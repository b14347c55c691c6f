# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips of glTF and BVH files that are written here, read as motions."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.retarget.bvh import euler_zxy, write_bvh
from ningyo.synth_data.retarget.bvh_read import read_bvh
from ningyo.synth_data.retarget.clip import even_times, motion_of
from ningyo.synth_data.retarget.edit import posed
from ningyo.synth_data.retarget.gltf import Z_UP, read_gltf
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, matrix_to_quaternion, quaternion_to_matrix, unit
from ningyo.synth_data.retarget.motion import Motion
from ningyo.synth_data.retarget.root import soles
from ningyo.synth_data.retarget.transfer import transfer

FRAMES, FPS = 30, 24.0


def walking(rig, *, frames=FRAMES, angle=0.5, stand=0):
    """Every bone with a role turns; the hips travel. The first frames `stand` at rest."""
    random = np.random.default_rng(1)
    moving = np.array([bone.role is not None for bone in rig.bones])
    axes = unit(random.normal(size=(len(rig.bones), 3)))
    swing = angle * np.sin(np.linspace(0, 5, frames)[:, None] + random.uniform(0, 6, len(rig.bones))) * moving
    swing[:stand] = 0
    local = axis_angle_to_matrix(np.broadcast_to(axes, (frames, *axes.shape)), swing)
    root = rig.head("hips") + np.stack([0.2 * np.sin(np.linspace(0, 3, frames)), np.linspace(0, -0.5, frames), np.zeros(frames)], -1)
    zeros = np.zeros(frames)
    return Motion(
        fps=FPS, bones=rig.names, time=np.arange(frames) / FPS, rotation=matrix_to_quaternion(local), root_position=root,
        contact=np.zeros((frames, 4)), residual=zeros, confidence=zeros + 1, rig=rig,
    )  # fmt: skip


def places(motion, like=None):
    """World places (F, R, 3) of the joints with a role, in the order of `like`'s."""
    heads, _ = posed(motion.rig, motion)
    roles = [role for role in (like or motion).rig.index_of_role if role in motion.rig.index_of_role]
    return heads[:, [motion.rig.index_of_role[role] for role in roles]]


def worlds_of(motion, axes):
    """World matrices (F, B, 4, 4) and rest (B, 4, 4) of nodes at the bones' heads that have the same `axes` (3, 3) in the rest pose."""
    rig = motion.rig
    heads, turns = posed(rig, motion)
    worlds, rest = np.tile(np.eye(4), (*heads.shape[:2], 1, 1)), np.tile(np.eye(4), (heads.shape[1], 1, 1))
    worlds[..., :3, :3], worlds[..., :3, 3] = turns @ axes, heads
    rest[..., :3, :3], rest[..., :3, 3] = axes, rig.rest_heads
    return worlds, rest


class Glb:
    """A glTF file in the making: nodes like Mixamo's under an armature scaled by 0.01, turned upright."""

    def __init__(self, motion, *, unit_length=0.01, rest_frame=None, names=None):
        self.binary, self.views, self.accessors = b"", [], []
        rig = motion.rig
        worlds, rest = (Z_UP_INVERSE @ each for each in worlds_of(motion, Z_UP))
        self.rest = rest
        local = np.empty_like(worlds)
        lying = rest if rest_frame is None else worlds[rest_frame]
        still = np.empty_like(rest)
        top = np.diag([unit_length] * 3 + [1.0])
        for b, parent in enumerate(rig.parents.tolist()):
            above, above_rest = (top, top) if parent < 0 else (worlds[:, parent] @ top, lying[parent] @ top)
            local[:, b], still[b] = np.linalg.inv(above) @ worlds[:, b] @ top, np.linalg.inv(above_rest) @ lying[b] @ top
        self.local = local
        children = {b: [c for c, p in enumerate(rig.parents) if p == b] for b in range(-1, len(rig.bones))}
        nodes = [
            {"name": (names or rig.names)[b], "translation": still[b, :3, 3].tolist(), "rotation": xyzw(still[b]).tolist()}
            | ({"children": children[b]} if children[b] else {})
            for b in range(len(rig.bones))
        ]
        nodes.append({"name": "Armature", "scale": [unit_length] * 3, "children": children[-1]})
        self.json = {
            "asset": {"version": "2.0"}, "nodes": nodes, "scenes": [{"nodes": [len(nodes) - 1]}], "animations": [], "buffers": [],
            "accessors": self.accessors, "bufferViews": self.views,
        }  # fmt: skip
        self.motion = motion

    def add(self, values, kind="<f4", type_=None, **more):
        values = np.asarray(values, kind)
        width = 1 if values.ndim == 1 else values.shape[1]
        self.views.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": values.nbytes})
        self.binary += values.tobytes() + b"\0" * (-values.nbytes % 4)
        codes = {"<f4": 5126, "<i2": 5122, "<u2": 5123}
        names = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
        self.accessors.append(
            {"bufferView": len(self.views) - 1, "componentType": codes[kind], "count": len(values), "type": type_ or names[width], **more}
        )
        return len(self.accessors) - 1

    def animate(self, times=None, interpolation="LINEAR", bones=None):
        times = self.motion.time if times is None else times
        keys = self.add(times)
        animation = {"channels": [], "samplers": []}
        hips = self.motion.rig.index_of_role["hips"]
        for b in bones if bones is not None else range(len(self.motion.rig.bones)):
            for path, values in [("rotation", xyzw(self.local[:, b]))] + [("translation", self.local[:, b, :3, 3])] * (b == hips):
                values = values[: len(times)]
                if interpolation == "CUBICSPLINE":
                    values = np.stack([0 * values, values, 0 * values], 1).reshape(-1, values.shape[1])
                animation["samplers"].append({"input": keys, "output": self.add(values), "interpolation": interpolation})
                animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": {"node": b, "path": path}})
        self.json["animations"].append(animation)
        return self

    def bind(self, with_armature=True):
        """A skin, whose inverse bind matrices are relative to the world, or to the armature."""
        size = 0.01 if with_armature else 1.0
        inverse = np.linalg.inv(self.rest @ np.diag([size] * 3 + [1.0]) if with_armature else np.diag([100.0] * 3 + [1.0]) @ self.rest)
        self.json["skins"] = [
            {"joints": list(range(len(self.rest))), "inverseBindMatrices": self.add(inverse.swapaxes(1, 2).reshape(-1, 16))}
        ]
        return self

    def write(self, path, *, embedded=False):
        if path.suffix == ".gltf":
            uri = path.with_suffix(".bin").name
            if embedded:
                uri = "data:application/octet-stream;base64," + base64.b64encode(self.binary).decode()
            else:
                path.with_suffix(".bin").write_bytes(self.binary)
            self.json["buffers"] = [{"byteLength": len(self.binary), "uri": uri}]
            path.write_text(json.dumps(self.json))
            return path
        self.json["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.json).encode()
        text += b" " * (-len(text) % 4)
        binary = self.binary + b"\0" * (-len(self.binary) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
        path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
        return path


Z_UP_INVERSE = np.eye(4)
Z_UP_INVERSE[:3, :3] = Z_UP.T


def xyzw(matrices):
    q = matrix_to_quaternion(unit(np.swapaxes(matrices[..., :3, :3], -1, -2)).swapaxes(-1, -2))
    return q[..., (1, 2, 3, 0)]


def read(path, report=None):
    clip = read_bvh(path) if path.suffix == ".bvh" else read_gltf(path)[0]
    return motion_of(clip, path.name, "0" * 64, **({} if report is None else {"report": report}))


class TestGltf:
    @pytest.mark.parametrize("kind", ["clip.glb", "clip.gltf", "embedded.gltf"])
    def test_a_skeleton_in_any_pose_is_told_by_its_unturned_nodes(self, make_rig, tmp_path, kind):
        """As Mixamo's clips without skin are: the file's own pose is that of a frame, and without rotations it is a T-pose."""
        motion = walking(make_rig())
        path = Glb(motion, rest_frame=7).animate().write(tmp_path / kind, embedded=kind.startswith("embedded"))
        found = read(path)
        assert (found.fps, found.frame_count, found.rig_name) == (FPS, FRAMES, path.stem)
        np.testing.assert_allclose(places(found, motion), places(motion), atol=2e-5)
        apart = found.rig.rest_heads[:, None] - found.rig.rest_heads[None]
        index = [found.rig.names.index(name) for name in motion.rig.names]
        np.testing.assert_allclose(apart[index][:, index], motion.rig.rest_heads[:, None] - motion.rig.rest_heads[None], atol=1e-5)
        np.testing.assert_allclose(places(transfer(found, motion.rig)), places(motion), atol=0.02)  # but for the height of the sole

    @pytest.mark.parametrize("with_armature", [True, False])
    def test_a_skin_tells_the_rest_pose(self, make_rig, tmp_path, with_armature):
        """Whatever the nodes' own pose and axes are; here a rest pose that is no T-pose."""
        motion = walking(make_rig(bend=0.4, seed=3))
        path = Glb(motion, rest_frame=4).animate().bind(with_armature).write(tmp_path / "clip.glb")
        found = read(path)
        index = [found.rig.names.index(name) for name in motion.rig.names]
        np.testing.assert_allclose(found.rig.rest_heads[index], motion.rig.rest_heads, atol=1e-5)
        np.testing.assert_allclose(places(found, motion), places(motion), atol=2e-5)

    @pytest.mark.parametrize("interpolation", ["STEP", "CUBICSPLINE"])
    def test_other_interpolations(self, make_rig, tmp_path, interpolation):
        motion = walking(make_rig())
        found = read(Glb(motion).animate(interpolation=interpolation).write(tmp_path / "clip.glb"))
        np.testing.assert_allclose(places(found, motion), places(motion), atol=2e-5)

    def test_few_keys_are_played_at_a_whole_rate(self, make_rig, tmp_path):
        motion = walking(make_rig(), frames=4)
        found = read(Glb(motion).animate(times=np.array([0.0, 0.5, 1.0, 1.5])).write(tmp_path / "clip.glb"))
        assert (found.fps, found.frame_count) == (30.0, 46)
        np.testing.assert_allclose(places(found, motion)[[0, 15, 30, 45]], places(motion), atol=2e-5)

    def test_of_several_animations_the_longest(self, make_rig, tmp_path):
        motion = walking(make_rig())
        glb = Glb(motion).animate(times=motion.time[:4]).animate().animate(times=motion.time[:2])
        warnings = []
        found = read(glb.write(tmp_path / "clip.glb"), Reporter(lambda event: warnings.append(event["text"])))
        assert found.frame_count == FRAMES
        assert any("holds 3 animations" in text for text in warnings)

    def test_bones_that_lie_still_are_not_moved(self, make_rig, tmp_path):
        rig = make_rig()
        arm = rig.index_of_role["left_upper_arm"]
        found = read(Glb(walking(rig)).animate(bones=[arm]).write(tmp_path / "clip.glb"))
        assert set(found.bones) <= {rig.names[arm]}

    def test_numbers_of_other_kinds(self, make_rig, tmp_path):
        """Rotations as normalised 16-bit numbers, and a sparse accessor."""
        motion = walking(make_rig())
        glb = Glb(motion).animate()
        arm = motion.rig.index_of_role["left_forearm"]
        samplers, channels = glb.json["animations"][0]["samplers"], glb.json["animations"][0]["channels"]
        place = next(i for i, channel in enumerate(channels) if channel["target"] == {"node": arm, "path": "rotation"})
        exact = xyzw(glb.local[:, arm])
        whole = np.round(exact * 32767)
        base = whole.copy()
        base[3:5] = (0, 0, 0, 32767)
        samplers[place]["output"] = glb.add(base, "<i2", normalized=True)
        at, filled = glb.add(np.array([3, 4]), "<u2"), glb.add(whole[3:5], "<i2")
        glb.accessors[samplers[place]["output"]]["sparse"] = {
            "count": 2,
            "indices": {"bufferView": glb.accessors[at]["bufferView"], "componentType": 5123},
            "values": {"bufferView": glb.accessors[filled]["bufferView"]},
        }
        found = read(glb.write(tmp_path / "clip.glb"))
        np.testing.assert_allclose(places(found, motion), places(motion), atol=1e-4)

    def test_vrm_animations_describe_their_bones(self, make_rig, tmp_path):
        from ningyo.synth_data.characters.humanoid import roles_in

        rig = make_rig(without=("thumb", "index", "middle", "ring", "pinky"))
        glb = Glb(walking(rig), names=[f"b{i}" for i in range(len(rig.bones))]).animate()
        vrm = {"hips": "hips", "spine": "spine", "head": "head"} | {
            f"{side}_{role}": f"{side}{name}"
            for side in ("left", "right")
            for role, name in {
                "upper_arm": "UpperArm", "forearm": "LowerArm", "hand": "Hand", "thigh": "UpperLeg", "shin": "LowerLeg", "foot": "Foot",
            }.items()
        }  # fmt: skip
        bones = {name: {"node": rig.index_of_role[role]} for role, name in vrm.items()}
        glb.json["extensions"] = {"VRMC_vrm_animation": {"humanoid": {"humanBones": bones}}}
        path = glb.write(tmp_path / "clip.glb")
        clip, gltf = read_gltf(path)
        found = motion_of(clip, path.name, "0" * 64, humanoid=roles_in(gltf))
        assert found.rig.recognised == "VRM"
        assert found.rig.names[found.rig.index_of_role["left_shin"]] == f"b{rig.index_of_role['left_shin']}"

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda data: data[: len(data) // 2], "not a whole glTF file"),
            (lambda data: b"", "not a whole glTF file"),
            (lambda data: b"hello", "not a whole glTF file"),
            (lambda data: b"[1, 2]", "not a whole glTF file"),
            (lambda data: data.replace(b'"animations": [', b'"animatrons": ['), "holds no animation"),
            (lambda data: data.replace(b'"componentType": 5126', b'"componentType": 9999'), "not a whole glTF file"),
        ],
    )
    def test_unfit_files(self, make_rig, tmp_path, spoil, words):
        path = Glb(walking(make_rig())).animate().write(tmp_path / "clip.glb")
        path.write_bytes(spoil(path.read_bytes()))
        with pytest.raises(UserError, match=words) as raised:
            read(path)
        assert str(path) in str(raised.value)

    def test_who_is_no_humanoid(self, make_rig, tmp_path):
        motion = walking(make_rig())
        names = [f"thing {i}" for i in range(len(motion.rig.bones))]
        names[0] = motion.rig.names[0]
        glb = Glb(motion, names=names)
        glb.json["nodes"][0]["children"] = []
        path = glb.animate().write(tmp_path / "clip.glb")
        with pytest.raises(UserError, match=r"clip\.glb moves no humanoid .*missing: .*spine"):
            read(path)


class TestBvh:
    def test_what_is_written_is_read(self, make_rig, tmp_path):
        motion = walking(make_rig(rolls=True, object_rotation=True))
        write_bvh(motion.rig, motion, tmp_path / "clip.bvh")
        found = read(tmp_path / "clip.bvh")
        assert (found.fps, found.frame_count) == (FPS, FRAMES)
        np.testing.assert_allclose(places(found, motion), places(motion), atol=2e-5)
        back = transfer(found, motion.rig)
        np.testing.assert_allclose(places(back), places(motion), atol=2e-5)

    @pytest.mark.parametrize("size", [0.01, 1.0, 39.37])
    def test_any_unit_of_length_and_z_up(self, make_rig, tmp_path, size):
        motion = walking(make_rig())
        text = bvh_text(motion, np.eye(3), np.eye(3) * (100 * size if size != 39.37 else size))
        (tmp_path / "clip.bvh").write_text(text)
        found = read(tmp_path / "clip.bvh")
        tall = found.rig.height / motion.rig.height
        assert tall == pytest.approx(1 if size != 39.37 else 0.3937, rel=1e-3)
        np.testing.assert_allclose(places(found, motion) / tall, places(motion), atol=1e-3)

    def test_joints_whose_axes_lie_along_their_bones(self, make_rig, tmp_path):
        """Without rotations such a file is no pose of a person; the frame that comes nearest to one is the rest then."""
        motion = walking(make_rig(), stand=3)
        random = np.random.default_rng(3)
        axes = quaternion_to_matrix(unit4(random.normal(size=(len(motion.rig.bones), 4))))
        (tmp_path / "clip.bvh").write_text(bvh_text(motion, axes, np.diag([100.0, 100.0, 100.0])))
        found = read(tmp_path / "clip.bvh")
        np.testing.assert_allclose(places(found, motion), places(motion), atol=1e-3)
        np.testing.assert_allclose(places(transfer(found, motion.rig)), places(motion), atol=0.02)

    def test_a_clip_far_from_any_rest_is_doubted(self, make_rig, tmp_path):
        motion = walking(make_rig(), angle=2.2)
        axes = quaternion_to_matrix(unit4(np.random.default_rng(3).normal(size=(len(motion.rig.bones), 4))))
        (tmp_path / "clip.bvh").write_text(bvh_text(motion, axes, np.eye(3)))
        warnings = []
        read(tmp_path / "clip.bvh", Reporter(lambda event: warnings.append(event["text"])))
        assert any("does not hold its rest pose" in text for text in warnings)

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda text: "", "not a whole BVH file"),
            (lambda text: text[: text.index("MOTION")], "not a whole BVH file"),
            (lambda text: text[:-400], "not a whole BVH file"),
            (lambda text: text.replace("Xposition", "Xposs"), "'Xposs' is no channel"),
            (lambda text: text.replace("OFFSET", "OFFSET one", 1), "not a whole BVH file"),
            (lambda text: text.replace("Frame Time: 0.04", "Frame Time: -0.04"), "not a whole BVH file"),
            (lambda text: text[: text.index("Frames:")] + "Frames: 0\nFrame Time: 0.04\n", "holds no frames"),
            (lambda text: text.replace("JOINT", "JOINTS"), "no part of a hierarchy"),
        ],
    )
    def test_unfit_files(self, make_rig, tmp_path, spoil, words):
        motion = walking(make_rig())
        path = tmp_path / "clip.bvh"
        write_bvh(motion.rig, motion, path)
        path.write_text(spoil(path.read_text()))
        with pytest.raises(UserError, match=words) as raised:
            read(path)
        assert str(path) in str(raised.value)


def unit4(q):
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def bvh_text(motion, axes, size):
    """A BVH with Z up, of joints with any `axes` (B, 3, 3) in the rig's rest pose; the end sites of real files are left out."""
    rig = motion.rig
    _, turns = posed(rig, motion)
    axes = np.broadcast_to(axes, (len(rig.bones), 3, 3))
    world = turns @ axes
    order, ends = [], [0]
    while ends:
        order.append(ends.pop())
        ends += [child for child in reversed(range(len(rig.bones))) if rig.parents[child] == order[-1]]
    relative = np.stack(
        [world[:, b] if rig.parents[b] < 0 else np.swapaxes(world[:, rig.parents[b]], 1, 2) @ world[:, b] for b in order], 1
    )
    rows = np.concatenate([motion.root_position @ size.T, np.degrees(euler_zxy(relative)).reshape(len(turns), -1)], 1)

    def joint(bone, depth):
        parent = rig.parents[bone]
        offset = np.zeros(3) if parent < 0 else size @ axes[parent].T @ (rig.rest_heads[bone] - rig.rest_heads[parent])
        place = "6 Xposition Yposition Zposition" if parent < 0 else "3"
        inner = "".join(joint(child, depth + 1) for child in range(len(rig.bones)) if rig.parents[child] == bone)
        return (
            f"{'ROOT' if parent < 0 else 'JOINT'} {rig.names[bone]}\n{{\nOFFSET {' '.join(map(repr, offset.tolist()))}\n"
            f"CHANNELS {place} Zrotation Xrotation Yrotation\n{inner}}}\n"
        )

    lines = "\n".join(" ".join(f"{value:.8f}" for value in row) for row in rows)
    return f"HIERARCHY\n{joint(0, 0)}MOTION\nFrames: {len(rows)}\nFrame Time: {1 / motion.fps:.8f}\n{lines}\n"


def test_rates_are_told_by_most_keys():
    times, fps = even_times(np.array([0.0, 1 / 30, 2 / 30, 0.05, 3 / 30, 4 / 30]))
    assert fps == 30
    assert len(times) == 5
    assert even_times(np.arange(5) * 1001 / 24000)[1] == pytest.approx(24000 / 1001)
    assert even_times(np.array([2.0]))[1] == 30


def test_feet_that_stand_are_in_contact_and_those_that_glide_are_not(make_rig, tmp_path):
    motion = walking(make_rig(), angle=0.0)
    standing = np.broadcast_to(motion.rig.head("hips"), (FRAMES, 3))
    for root, down in ((standing, 1.0), (standing + np.arange(FRAMES)[:, None] * (0.0, 0.05, 0.0), 0.0)):
        moved = Motion(**{**vars_of(motion), "root_position": root})
        found = read(Glb(moved).animate().write(tmp_path / "clip.glb"))
        np.testing.assert_array_equal(found.contact, down)
        low = soles(found.rig, *posed(found.rig, found))[..., 2]
        np.testing.assert_allclose(low, found.rig.floor, atol=1e-4)


def vars_of(motion):
    return {
        name: getattr(motion, name)
        for name in ("fps", "bones", "time", "rotation", "root_position", "contact", "residual", "confidence", "rig")
    }
