# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets, and the poses that characters are looked at in."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bpy")

from ningyo.errors import UserError
from ningyo.synth_data.characters.contact_sheet import VIEWS, Sheet, contact_sheet, named_pose
from ningyo.synth_data.characters.demo_poses import DEMO_POSES, demo_pose
from ningyo.synth_data.characters.importing import rig_for
from ningyo.synth_data.dataset.png import decode_png
from ningyo.synth_data.retarget.kinematics import pose
from ningyo.verbs import character


@pytest.fixture(scope="module")
def rig():
    return rig_for("builtin")


def heads(rig, name):
    local, root = demo_pose(rig, name)
    np.testing.assert_allclose(local @ np.swapaxes(local, -1, -2), np.broadcast_to(np.eye(3), local.shape), atol=1e-4)
    posed, _ = pose(rig, local[None], root[None])
    return rig.to_world(posed[0])


@pytest.mark.parametrize("name", DEMO_POSES)
def test_a_foot_stands_where_feet_stand_at_rest(rig, name) -> None:
    feet = [rig.index_of_role[f"{side}_{part}"] for side in ("left", "right") for part in ("foot", "toe")]
    posed = heads(rig, name)
    assert (posed[feet, 2] - rig.rest_heads[feet, 2]).min() == pytest.approx(0, abs=1e-6)


def test_poses_are_what_they_are_called(rig) -> None:
    at = rig.index_of_role
    np.testing.assert_allclose(heads(rig, "t"), rig.rest_heads, atol=1e-4)
    stand = heads(rig, "stand")
    assert stand[at["left_hand"]][2] < stand[at["left_thigh"]][2] + 0.1, "arms hang"
    sit = heads(rig, "sit")
    assert sit[at["left_shin"]][2] == pytest.approx(sit[at["left_thigh"]][2], abs=0.08), "thighs are level"
    assert sit[at["hips"]][2] < rig.head("hips")[2] - 0.2
    walk = heads(rig, "walk")
    assert walk[at["left_foot"]][1] < walk[at["right_foot"]][1] - 0.2, "the left foot is ahead, towards −Y"


def test_the_verb_knows_the_poses_and_the_views() -> None:
    assert tuple(DEMO_POSES) == character.POSES
    assert tuple(VIEWS) == character.VIEWS


@pytest.mark.parametrize(("text", "numbers"), [("0-3", [0, 1, 2, 3]), ("5", [5]), ("1,4-5, 9", [1, 4, 5, 9])])
def test_seeds_are_read(text, numbers) -> None:
    assert character.seeds(text) == numbers


@pytest.mark.parametrize("text", ["", "a", "3-1", "1-", "-4", "1,,2"])
def test_what_says_no_seeds_gets_a_sentence(text) -> None:
    with pytest.raises(UserError, match="0-23"):
        character.seeds(text)


def test_a_sheet_has_a_character_in_every_cell(tmp_path) -> None:
    out = tmp_path / "new" / "sheet.png"
    contact_sheet(Sheet(["builtin:0", "builtin:3", "builtin:7"], columns=2, size=64), [named_pose("stand"), named_pose("walk")], out)
    picture = decode_png(out.read_bytes()).astype(int)
    assert picture.shape[0] == 128
    wide = picture.shape[1] // 2
    background = picture[0, 0]
    cells = [picture[y : y + 64, x : x + wide] for y in (0, 64) for x in (0, wide)]
    shares = [float((np.abs(cell - background).max(-1) > 8).mean()) for cell in cells]
    assert min(shares[:3]) > 0.08
    assert shares[3] == 0, "an empty cell is background"
    assert [path.name for path in out.parent.iterdir()] == ["sheet.png"], "nothing else is left"
