# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget.rig import Rig


def test_saved_and_loaded_is_the_same(make_rig, tmp_path):
    rig = make_rig(rolls=True, object_scale=0.01, object_rotation=True, extra_bones=True)
    rig.save(tmp_path / "rig.json")
    back = Rig.load(tmp_path / "rig.json")
    assert back.names == rig.names
    assert [b.role for b in back.bones] == [b.role for b in rig.bones]
    np.testing.assert_array_equal(back.rest, rig.rest)
    np.testing.assert_array_equal(back.armature_matrix, rig.armature_matrix)
    assert [p.name for p in tmp_path.iterdir()] == ["rig.json"]


@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
def test_measures_are_world_metres_whatever_the_object(make_rig, scale):
    rig = make_rig(rolls=True, object_scale=scale, object_rotation=True)
    plain = make_rig()
    np.testing.assert_allclose(rig.rest_heads, plain.rest_heads, atol=1e-5)
    assert rig.leg_length == pytest.approx(0.83, abs=0.02)
    assert rig.height == pytest.approx(1.79, abs=0.01)
    np.testing.assert_allclose(rig.facing, (0, -1, 0), atol=0.05)
    np.testing.assert_allclose(rig.left, (1, 0, 0), atol=1e-4)
    np.testing.assert_allclose(
        rig.rest_rotations @ np.swapaxes(rig.rest_rotations, 1, 2), np.broadcast_to(np.eye(3), (65, 3, 3)), atol=1e-5
    )


def test_the_floor_is_where_the_character_stands(make_rig):
    assert make_rig().floor == pytest.approx(0)
    assert make_rig(object_location=(3, 2, 1.5)).floor == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(schema="other"), "not a Ningyo rig"),
        (lambda d: d.update(version=2), "newer"),
        (lambda d: d.pop("bones"), "damaged"),
        (lambda d: d["bones"][3].update(parent=9), "damaged"),
        (lambda d: d["bones"][3].update(matrix=[[1]]), "damaged"),
        (lambda d: d["bones"][0].update(role=None), "damaged"),
        (lambda d: d.update(armature_matrix=[[0] * 4] * 4), "damaged"),
    ],
)
def test_unfit_files_are_named_in_one_sentence(make_rig, tmp_path, change, words):
    data = make_rig().to_json()
    change(data)
    path = tmp_path / "rig.json"
    path.write_text(json.dumps(data))
    with pytest.raises(UserError, match=words):
        Rig.load(path)


def test_files_that_are_no_rig_at_all(tmp_path):
    (tmp_path / "text.json").write_bytes(b"\xff\xfe not json")
    for name in ("text.json", "missing.json", "."):
        with pytest.raises(UserError):
            Rig.load(tmp_path / name)
