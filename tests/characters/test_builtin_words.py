# SPDX-License-Identifier: GPL-3.0-or-later
"""Built-in characters in words."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("bpy")

from ningyo.synth_data.characters.builtin.design import design
from ningyo.synth_data.characters.builtin.looks import HairChoice
from ningyo.synth_data.characters.builtin.words import attributes, colour_name, hair_colour_name
from ningyo.synth_data.dataset.captions import describe


@pytest.mark.parametrize(
    ("srgb", "name"),
    [
        ("FFFFFF", "white"), ("2C3E6B", "navy"), ("E0433F", "red"), ("F29BB2", "pink"), ("7FB6E6", "light blue"), ("3FA0C8", "blue"),
        ("6B4232", "brown"), ("F2CF74", "yellow"), ("3F8F6B", "green"), ("4F9E8F", "teal"), ("8C5BA8", "purple"), ("F0E3CC", "cream"),
        ("E8772E", "orange"), ("808080", "grey"), ("1A1A1F", "black"), ("7A1F2A", "dark red"), ("C9B8E8", "lavender"),
    ],
)  # fmt: skip
def test_colours_have_plain_names(srgb, name) -> None:
    assert colour_name(srgb) == name


def test_of_hair_one_says_blonde() -> None:
    assert hair_colour_name("F2CF74") == "blonde"
    assert hair_colour_name("C9CEDF") == "silver"
    assert hair_colour_name("F29BB2") == "pink"


def test_seed_0_in_words() -> None:
    words = attributes(design(0))
    assert words["hair"] == "long pink hair in twin tails, straight bangs"
    assert words["eyes"] == "blue eyes"
    assert words["outfit"] == "a white sailor uniform with a navy collar and a pleated navy skirt"
    assert "accessories" not in words
    dressed = dataclasses.replace(design(0), headwear=("round glasses", "earrings"))
    assert attributes(dressed)["accessories"] == "round glasses and earrings"
    red = dataclasses.replace(design(0), colours=dataclasses.replace(design(0).colours, hair="B8323C"), cut=HairChoice("bob", "blunt"))
    assert attributes(red)["hair"] == "red hair in a bob, blunt bangs"


def test_captions_take_the_words_as_they_are() -> None:
    text = describe({"attributes": attributes(design(0))}, "builtin-0")
    assert "hair hair" not in text
    assert "eyes eyes" not in text
    assert text.startswith("girl, long pink hair in twin tails")
    assert "wearing a white sailor uniform" in text


def test_every_seed_has_words_and_they_tell_palettes_apart() -> None:
    seen = set()
    for seed in range(600):
        words = attributes(design(seed))
        assert {"person", "hair", "eyes", "skin", "outfit"} <= set(words)
        assert all(text and "{" not in text and "  " not in text for text in words.values())
        seen.add(tuple(words.values()))
    assert len(seen) > 590
    own, other = attributes(design(3)), attributes(design(3, 1))
    assert (own["hair"], own["outfit"]) != (other["hair"], other["outfit"])
    assert (own["skin"], own["person"]) == (other["skin"], other["person"])
