# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""What lies under generated frames, seen in rendered sequencers; and proxies, as Blender makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.errors import UserError
from ningyo.sequencer import background, timeline
from ningyo.sequencer.background import COLOR, FILE, NOTHING, VIDEO, background_of, set_background
from ningyo.sequencer.frames import FrameFolder
from ningyo.sequencer.proxies import set_up_proxies
from ningyo.sequencer.strips import add_strips
from ningyo.synth_data.dataset.png import decode_png, encode_png

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning")
COUNT, FPS = 12, 24


@pytest.fixture
def laid(make_movie, frames_folder) -> tuple[Any, FrameFolder, Any]:
    """A scene with a movie and generated frames over it, which are transparent in their right half."""
    movie = make_movie(COUNT, FPS)
    folder = frames_folder(COUNT, float(FPS), video={"name": "movie.mp4"})
    scene = bpy.context.scene
    scene.render.fps = FPS
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 48, 100
    return scene, FrameFolder.read(folder), add_strips(scene, folder, video=movie, start_frame=1)


def seen(scene: Any, frame: int, path: Path) -> np.ndarray:
    """RGBA of a pixel where the frames show the character, and of one where they are transparent."""
    scene.view_settings.view_transform = "Standard"
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "PNG", "RGBA"
    scene.render.filepath = str(path / "seen.png")
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    picture = decode_png((path / "seen.png").read_bytes())
    return np.array([picture[24, 16], picture[24, 48]]).astype(int)


def channels(scene: Any) -> dict[str, int]:
    return {strip.name: strip.channel for strip in timeline.strips_of(scene.sequence_editor)}


def test_a_colour_a_picture_nothing_and_the_video_again(laid, tmp_path: Path) -> None:
    scene, folder, added = laid
    images, frame = added.images, 6
    figure = [0, 20 + 4 * 5, 0, 255]
    assert background_of(scene, images, folder) == VIDEO
    before = channels(scene)

    colour = set_background(scene, images, folder, COLOR)
    colour.color = (1, 0, 0)
    assert background_of(scene, images, folder) == COLOR
    assert timeline.span(colour) == timeline.span(images)
    assert added.movie.channel < colour.channel < images.channel
    assert added.movie.mute
    assert not added.sound or not added.sound.mute
    pixels = seen(scene, frame, tmp_path)
    assert pixels[0] == pytest.approx(figure, abs=3)
    assert pixels[1] == pytest.approx([255, 0, 0, 255], abs=3)

    wall = tmp_path / "wall.png"
    wall.write_bytes(encode_png(np.full((48, 64, 3), (0, 0, 200), np.uint8)))
    set_background(scene, images, folder, FILE, file=wall)
    assert background_of(scene, images, folder) == FILE
    for at in (1, frame, COUNT):
        assert seen(scene, at, tmp_path)[1] == pytest.approx([0, 0, 200, 255], abs=3)

    assert set_background(scene, images, folder, NOTHING) is None
    assert background_of(scene, images, folder) == NOTHING
    pixels = seen(scene, frame, tmp_path)
    assert pixels[0] == pytest.approx(figure, abs=3)
    assert pixels[1, 3] == 0

    set_background(scene, images, folder, VIDEO)
    assert background_of(scene, images, folder) == VIDEO
    assert seen(scene, frame, tmp_path)[1, 1] == pytest.approx(20 + 4 * 5, abs=4)
    assert channels(scene).keys() == before.keys(), "backgrounds that are not wanted any more are gone"


def test_a_movie_as_a_background_plays_at_its_own_speed(laid, make_movie, tmp_path: Path) -> None:
    scene, folder, added = laid
    other = tmp_path / "other"
    other.mkdir()
    strips = [strip.name for strip in timeline.strips_of(scene.sequence_editor)]
    copy = other / "other.mp4"
    copy.write_bytes((tmp_path / "movie.mp4").read_bytes())
    scene.render.fps = FPS * 2
    movie = set_background(scene, added.images, folder, FILE, file=copy)
    assert timeline.span(movie)[0] == 1
    assert timeline.span(movie)[1] == timeline.span(added.images)[1], "cut where the frames end"
    assert seen(scene, 9, tmp_path)[1, 1] == pytest.approx(20 + 4 * 4, abs=4), "the ninth scene frame is the fifth of the movie"
    assert len(timeline.strips_of(scene.sequence_editor)) == len(strips) + 1


def test_what_lies_above_keeps_its_order(laid) -> None:
    scene, folder, added = laid
    strips = timeline.strips_of(scene.sequence_editor)
    new = bpy.app.version >= (5, 0)
    channel = added.images.channel
    over = {"seq1" if bpy.app.version < (4, 4) else "input1": added.images}
    length = {"length": COUNT} if new else {"frame_end": COUNT + 1}
    strips.new_effect(name="blur", type="GAUSSIAN_BLUR", channel=channel + 1, frame_start=1, **length, **over)
    strips.new_effect(name="far", type="COLOR", channel=channel, frame_start=500, **({"length": 9} if new else {"frame_end": 509}))
    set_background(scene, added.images, folder, COLOR)
    now = channels(scene)
    assert now["Ningyo background"] == channel
    assert (now["Ningyo"], now["blur"], now["far"]) == (channel + 1, channel + 2, channel)


def test_one_background_lies_under_all_people_and_all_pieces(laid, frames_folder) -> None:
    scene, folder, added = laid
    other = frames_folder(COUNT, float(FPS), name="frames-person-2", person=2, video={"name": "movie.mp4"})
    second = add_strips(scene, other, start_frame=1).images
    tail = added.images.split(frame=5, split_method="SOFT")
    colour = set_background(scene, tail, folder, COLOR)
    assert timeline.span(colour) == (1, COUNT + 1)
    assert colour.channel < min(added.images.channel, second.channel)
    assert background_of(scene, second, FrameFolder.read(other)) == COLOR
    set_background(scene, second, FrameFolder.read(other), VIDEO)
    assert background_of(scene, tail, folder) == VIDEO


def test_a_background_is_as_long_as_the_frames_will_be(empty_blender, frames_folder) -> None:
    scene = bpy.context.scene
    scene.render.fps = FPS
    path = frames_folder(COUNT, float(FPS), missing=tuple(range(3, COUNT)))
    added = add_strips(scene, path, start_frame=11)
    colour = set_background(scene, added.images, FrameFolder.read(path), COLOR)
    assert timeline.span(colour) == (11, 11 + COUNT)


def test_what_cannot_be_a_background_is_said_and_changes_nothing(laid, tmp_path: Path) -> None:
    scene, folder, added = laid
    before = channels(scene)
    (tmp_path / "words.txt").write_text("no picture")
    for file, says in ((None, "choose a picture"), (tmp_path / "gone.png", "choose a picture"), (tmp_path / "words.txt", "neither")):
        with pytest.raises(UserError, match=says):
            set_background(scene, added.images, folder, FILE, file=file)
    added.images.channel = background.HIGHEST_CHANNEL
    added.movie.channel = background.HIGHEST_CHANNEL - 1
    with pytest.raises(UserError, match="no channel"):
        set_background(scene, added.images, folder, COLOR)
    assert channels(scene).keys() == before.keys()
    assert not added.movie.mute
    meta = timeline.strips_of(scene.sequence_editor).new_meta(name="meta", channel=1, frame_start=1)
    added.images.move_to_meta(meta)
    (images,) = timeline.strips_of(meta)
    with pytest.raises(UserError, match="meta strip"):
        set_background(scene, images, folder, COLOR)


def test_proxies_of_the_video_lie_beside_the_frames(laid) -> None:
    scene, folder, added = laid
    selected = [strip.name for strip in timeline.strips_of(scene.sequence_editor) if strip.select]
    assert set_up_proxies(scene, added.images, folder, "50") == [added.movie]
    made = [path for path in (folder.path.parent / "proxies" / "video").rglob("*") if path.is_file()]
    assert any("50" in path.name for path in made), made
    assert added.movie.use_proxy
    assert not added.images.use_proxy, "Blender's proxies are not transparent"
    assert selected == [strip.name for strip in timeline.strips_of(scene.sequence_editor) if strip.select]


def test_proxies_of_frames_with_a_background_of_their_own(empty_blender, frames_folder) -> None:
    scene = bpy.context.scene
    path = frames_folder(3, float(FPS), opaque=True)
    added = add_strips(scene, path, start_frame=1)
    set_up_proxies(scene, added.images, FrameFolder.read(path), "25")
    made = [one.name for one in (path.parent / "proxies" / "frames").rglob("*") if one.is_file()]
    assert sorted(name[:6] for name in made) == ["000000", "000001", "000002"]
    transparent = frames_folder(3, float(FPS), name="transparent")
    added = add_strips(scene, transparent, start_frame=100)
    with pytest.raises(UserError, match="nothing to make proxies of"):
        set_up_proxies(scene, added.images, FrameFolder.read(transparent), "25")
