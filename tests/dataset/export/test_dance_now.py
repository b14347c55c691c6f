# SPDX-License-Identifier: GPL-3.0-or-later
"""dance_now's folders: what its loader does with a label must fall onto the picture and the head."""

from __future__ import annotations

import json

import numpy as np
from ningyo.synth_data.dataset.export import export
from ningyo.synth_data.dataset.export.dance_now import head_of, keypoints, square
from ningyo.synth_data.dataset.pictures import picture
from ningyo.synth_data.dataset.png import decode_png
from ningyo.synth_data.pose.landmarks import BODY_25


def labels(folder, name):
    person = json.loads((folder / f"{name}_keypoints.json").read_text())["people"][0]
    keys = ("pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")
    return np.concatenate([np.reshape(person[key], (-1, 3)) for key in keys])


def test_a_folder_a_character_with_names_that_belong_together(drawn, tmp_path):
    export(drawn, "dance_now", tmp_path / "out")
    folders = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").glob("*/*"))
    assert folders == [
        f"{character}/{folder}"
        for character, splits in (("doll", ("train",)), ("robot", ("test", "train")))
        for folder in (f"{split}_{kind}" for split in splits for kind in ("headimg", "img", "label"))
    ]
    for label in (tmp_path / "out").glob("*/*_label/*"):
        # The loader takes "_keypoints.json" away and looks for a picture of that name.
        assert (label.parent.parent / label.parent.name.replace("label", "img") / f"{label.name[:-15]}.png").is_file()


def test_points_lie_on_the_picture_of_512_px(drawn, tmp_path):
    """The picture is cut to its middle square and enlarged by 512 / 48; joints go with it."""
    export(drawn, "dance_now", tmp_path / "out")
    image = decode_png((tmp_path / "out/doll/train_img/img_000000.png").read_bytes())
    assert image.shape == (512, 512, 3)
    points = labels(tmp_path / "out/doll/train_label", "img_000000")
    pose = drawn.pose(drawn.samples[0])
    seen = pose.visibility > 0
    np.testing.assert_allclose(points[seen, :2], (pose.points_2d[seen] - (8, 0)) * 512 / 48, atol=0.01)
    middle = points[[BODY_25.index("neck"), BODY_25.index("mid_hip")], :2].mean(axis=0).astype(int)
    assert (image[middle[1], middle[0]] != 255).any()  # the trunk is where the label says


def test_what_is_not_seen_draws_no_line_to_the_corner(make_figure):
    pose = make_figure(0.0, distance=0.9)  # so near that feet and head are outside
    points = keypoints(pose)
    assert np.isfinite(points).all()
    assert (points[:, :2] >= 0).all()
    assert (points[:, :2] <= 511).all()
    outside = pose.visibility == 0
    assert (points[outside, 2] == 0).all()
    assert outside[BODY_25.index("left_ankle")]
    assert points[BODY_25.index("left_ankle"), 1] == 511
    # A toe that the rig does not have stands on the toe beside it.
    assert np.array_equal(points[BODY_25.index("left_small_toe"), :2], points[BODY_25.index("left_big_toe"), :2])


def test_heads_are_cut_around_the_nose_and_left_out_at_the_edge(drawn, make_figure, tmp_path):
    warnings = []
    from ningyo.jobs.progress import Reporter

    export(drawn, "dance_now", tmp_path / "out", report=Reporter(sink=lambda event: warnings.append(event.get("text"))))
    assert not any(warnings)
    image = decode_png((tmp_path / "out/doll/train_img/img_000000.png").read_bytes())
    head = decode_png((tmp_path / "out/doll/train_headimg/img_000000.png").read_bytes())
    x, y = labels(tmp_path / "out/doll/train_label", "img_000000")[25 + 30, :2].astype(int)
    assert np.array_equal(head, image[y - 32 : y + 32, x - 32 : x + 32])
    assert np.array_equal(square(picture(drawn, drawn.samples[0])), image)
    near = keypoints(make_figure(0.0, distance=0.9))
    assert head_of(image, near) is None
