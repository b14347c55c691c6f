# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples in words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ningyo.synth_data.dataset.captions import caption, describe, view_words
from ningyo.synth_data.dataset.sample import SamplePose


def test_attributes_become_a_description():
    attributes = {
        "hair": "long brown",
        "hair_style": "twin tails",
        "eye_colour": "green eyes",
        "outfit": "a school uniform",
        "accessory": "round glasses",
        "age": "young woman",
        "nothing": " ",
    }
    assert describe({"attributes": attributes}, "builtin-1") == (
        "long brown hair, twin tails, green eyes, wearing a school uniform, wearing round glasses, young woman"
    )


@pytest.mark.parametrize("entry", [{}, {"attributes": {}}, {"attributes": None}, {"rig": "x"}])
def test_without_attributes_the_name_has_to_do(entry):
    assert describe(entry, "Y_Bot-2") == "Y Bot 2"


def test_in_another_set_of_colours_the_words_are_others():
    entry = {"attributes": {"hair": "red hair"}, "palettes": [{"attributes": {"hair": "red hair"}}, {"attributes": {"hair": "blue hair"}}]}
    assert [describe(entry, "x", palette) for palette in (0, 1, 2)] == ["red hair", "blue hair", "red hair"]


def test_colours_and_styles_of_hair():
    assert describe({"attributes": {"hair_colour": "blue", "eyes": "brown", "skin": "dark"}}, "x") == "blue hair, brown eyes, dark skin"


def test_clip_and_view(drawn, make_drawn):
    assert caption(drawn, drawn.samples[0], drawn.pose(drawn.samples[0])) == "anime character, doll, wave, from the front, full body"
    described = make_drawn(
        "described",
        count=4,
        clips={"wave": {"attributes": {"action": "waving both arms"}}},
    )
    (described.path / "doll/character.json").write_text(json.dumps({"attributes": {"hair": "red"}}))
    words = caption(described, described.samples[0], described.pose(described.samples[0]))
    assert words == "anime character, red hair, waving both arms, from the front, full body"
    tail = described.samples[0].__class__.from_line(described.samples[0].to_line().replace('"wave"', '"slow-walk.tail"'))
    assert "slow walk, from" in caption(described, tail, described.pose(tail))


SIDES = {0: "from the front", 80: "from the left side", -100: "from the right side", 175: "from behind", -175: "from behind"}


@pytest.mark.parametrize(("yaw", "words"), SIDES.items())
def test_sides(make_figure, yaw, words):
    assert view_words(make_figure(float(yaw))) == [words, "full body"]


def test_heights_and_close_ups(make_figure):
    pose = make_figure(0.0, distance=0.9)
    raised = pose.world_to_camera.copy()
    angle = np.radians(40)  # the camera goes up and looks down
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    hips = np.array([0, 0, 0.85])
    rotation = tilt @ raised[:, :3]
    raised = np.concatenate([rotation, (np.array([0, 0, 2.6]) - rotation @ hips)[:, None]], axis=1)
    above = SamplePose(pose.points_3d, pose.visibility, pose.K, raised, pose.size)
    assert view_words(above)[:2] == ["from the front", "from above"]
    assert view_words(pose)[-1] != "full body"
    unknown = SamplePose(np.full((137, 3), np.nan), np.zeros(137, np.uint8), pose.K, raised, pose.size)
    assert view_words(unknown) == ["head out of the picture"]
