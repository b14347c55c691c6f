# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo rig` on a .blend whose bones are named in part."""

from __future__ import annotations

import json

import pytest
from ningyo.__main__ import build_parser
from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.retarget.rig import Rig


@pytest.fixture
def hero(empty_blender, tmp_path):
    """A .blend of the built-in character with its left thigh called otherwise, and lying down, so that structure does not help."""
    from ningyo.synth_data.characters.importing import load_character

    armature = load_character("builtin:1").armature
    armature.data.bones["mixamorig:LeftUpLeg"].name = "Stump"
    armature.rotation_euler = (1.5707963, 0, 0)
    path = tmp_path / "hero.blend"
    empty_blender.ops.wm.save_as_mainfile(filepath=str(path))
    empty_blender.ops.wm.read_factory_settings(use_empty=True)
    return path


def run(*words):
    events = []
    args = build_parser().parse_args(["rig", *map(str, words)])
    return args.run(args, Reporter(events.append)), events


def test_a_map_is_begun_edited_and_used(hero, tmp_path):
    with pytest.raises(UserError, match=r"left_thigh must have bones.*--map"):
        run(hero)
    result, events = run(hero, "--map")
    assert result["missing"] == ["left_thigh"]
    assert any(event["type"] == "warning" and "left_thigh" in event["text"] for event in events)
    lines = [event["text"] for event in events if event["type"] == "summary"]
    assert "hand       mixamorig:LeftHand         mixamorig:RightHand" in lines
    assert "thigh      -                          mixamorig:RightUpLeg" in lines

    path = tmp_path / "hero.bones.json"
    data = json.loads(path.read_text())
    assert (data["schema"], data["version"], data["bones"]["left_thigh"]) == ("ningyo.bone_map", 1, None)
    data["bones"]["left_thigh"] = "Stump"
    path.write_text(json.dumps(data))
    result, _ = run(hero, "--out", tmp_path / "rig.json")
    assert result["recognised"] == "bone map"
    rig = Rig.load(tmp_path / "rig.json")
    assert rig.bones[rig.index_of_role["left_thigh"]].name == "Stump"
    assert run(tmp_path / "rig.json")[0]["bones"] == result["bones"]


def test_what_has_no_file_gets_no_map(empty_blender):
    with pytest.raises(UserError, match="needs no bone map"):
        run("builtin", "--map")
    assert run("builtin")[0]["missing"] == []
