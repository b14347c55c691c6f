# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs whose bones do not inherit or are constrained: the pictures' joints are where the rig's numbers say."""

from __future__ import annotations

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters.importing import load_character  # noqa: E402
from ningyo.synth_data.render.poses import Pose  # noqa: E402
from ningyo.synth_data.render.scene import open_stage  # noqa: E402
from ningyo.synth_data.retarget.kinematics import rotation_vector_to_matrix  # noqa: E402


def test_flags_and_constraints_do_not_move_the_joints(empty_blender, tmp_path):
    armature = load_character("builtin:1").armature
    armature.data.bones["mixamorig:LeftForeArm"].use_inherit_rotation = False
    armature.data.bones["mixamorig:Hips"].use_local_location = False
    constraint = armature.pose.bones["mixamorig:RightLeg"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget = armature, "mixamorig:Head"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "odd.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with open_stage(str(tmp_path / "odd.blend"), tmp_path / "x.part") as stage:
        random = np.random.default_rng(0)
        pose = Pose(rotation_vector_to_matrix(random.uniform(-0.6, 0.6, (len(stage.rig.bones), 3))), np.array([0.3, 0.1, 1.0]))
        heads, rotations = pose.evaluate(stage.rig)
        stage.set_pose(pose, rotations)
        posed = stage.character.armature.evaluated_get(stage.scene.view_layers[0].depsgraph)
        seen = [posed.matrix_world @ posed.pose.bones[name].head for name in stage.rig.names]
        np.testing.assert_allclose(np.array(seen), heads, atol=1e-4)
