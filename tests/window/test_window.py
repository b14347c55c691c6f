# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on in a real Blender's window, from a fresh profile to strips in the sequencer. Without a Blender, it is skipped in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Act = Callable[..., Any]


def test_the_zip_is_installed_and_every_panel_is_drawn(act: Act) -> None:
    seen = act("install").noted
    assert seen["package"] == "bl_ext.user_default.ningyo"
    assert "torch" not in seen["heavy"]
    steps = {f"NINGYO_PT_step_{step}" for step in ("video", "person", "character", "dataset", "train", "generate")}
    assert steps | {"NINGYO_PT_view3d", "NINGYO_PT_motion", "NINGYO_PT_dataset", "NINGYO_PT_sequencer"} <= set(seen["drawn"])


def test_backgrounds_and_undo_while_blender_renders_ahead(act: Act) -> None:
    strips = act("undo").noted["strips"]
    assert [kind for _, kind, _, _ in strips] == ["IMAGE", "MOVIE", "SOUND"]
    assert not any(mute for *_, mute in strips)


@pytest.mark.usefixtures("numpy_in_blender")
def test_every_step_on_the_sample_with_a_worker_killed_midway(act: Act) -> None:
    seen = act("whole_way").noted
    assert seen["killed"] == "lost"
    assert seen["killed_words"]
    assert seen["strips"] == ["IMAGE", "MOVIE", "SOUND"]
    assert seen["frames"] == [seen["pictures"]]
    assert seen["pictures"] > 100
    assert seen["empty"] == []


@pytest.mark.usefixtures("numpy_in_blender")
def test_the_saved_file_in_a_new_blender(act: Act, place: Path) -> None:
    (blend,) = place.glob("*.blend")
    seen = act("reopened", blend).noted
    assert ["generate", "done"] in seen["jobs"]
    assert ["train", "lost"] in seen["jobs"]
    assert ["train", "done"] in seen["jobs"]
    assert seen["strips"] == ["IMAGE", "MOVIE", "SOUND"]
    assert seen["action"]
    assert not seen["watching"]
    assert seen["left"] == []
    assert not seen["property_left"]


def test_the_editor_beside_the_live_preview_closes_by_itself(act: Act, place: Path) -> None:
    (blend,) = place.glob("*.blend")
    seen = act("live_preview", blend).noted
    before, with_video = seen["before"], sorted([*seen["before"], "IMAGE_EDITOR"])
    assert "IMAGE_EDITOR" not in before
    assert all(areas == with_video for areas in seen["on"])
    assert seen["left"].pop("in use") == with_video
    assert seen["shows"] == "mine"
    assert set(seen["left"]) == {
        "pressed again", "undone", "retargeted", "in another workspace", "loaded False", "loaded True",
    }  # fmt: skip
    own = seen["left"].pop("loaded True")  # the layout is the file's then
    assert "IMAGE_EDITOR" not in own
    assert all(areas == before for areas in seen["left"].values()), seen["left"]
