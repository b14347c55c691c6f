# SPDX-License-Identifier: GPL-3.0-or-later
"""How many people are found: `ningyo capture` against one plain call of MediaPipe's PoseLandmarker over the same frames.

    .venv/bin/python benchmarks/people.py [--visible N,N,…] [--overlay FOLDER] SOURCE…

Prints a Markdown table of the videos among the sources, and one of the pictures. Both sides get whole frames and look for bodies alone:

* ningyo: `capture_files(Settings(parts=False))`, everyone, of each picture alone
* plain: Tasks' PoseLandmarker with `num_poses=6` and otherwise its defaults, in video mode (pictures: in image mode)

A person-frame is a person in a frame whose body was seen; those that ningyo interpolated over a gap stand apart as bridged. Somebody whom
ningyo saw for less than a second in all is a fragment. Tall are people of more than a third of the picture's height: their person-frames
are what mistaken identities are counted against, which needs eyes: `--overlay` writes what was found, drawn over the source.

Of everyone whom the plain call finds it is said whether ningyo has them, too: whether one of its bodies in that frame is the same
(`bodies.same_body`). Who is missing in a picture is listed below the table with their place, as the plain call may be wrong as well.
`--visible` says how many people a person sees in each picture, in the pictures' order.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ningyo.errors import UserError
from ningyo.synth_data.capture.bodies import Body, same_body
from ningyo.synth_data.capture.capture import Settings, capture_files
from ningyo.synth_data.capture.landmarker import Landmarker, points, quiet_libraries
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.video.read import probe, read_frames

MOST_POSES = 6
FRAGMENT = 1.0  # seconds
TALL = 1 / 3  # of the picture's height

Bodies = list[list[Body]]  # frame by frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path, metavar="SOURCE", help="videos and pictures")
    parser.add_argument("--visible", type=numbers, metavar="N,N,…", help="people that a person sees in each picture")
    parser.add_argument("--overlay", type=Path, metavar="FOLDER", help="write NAME.mp4 of each source with what was found")
    args = parser.parse_args()
    videos, pictures = (sorted(s for s in args.sources if (probe(s).frame_count == 1) == alone) for alone in (False, True))
    if args.visible and len(args.visible) != len(pictures):
        parser.error(f"--visible has {len(args.visible)} numbers, and there are {len(pictures)} pictures")
    if videos:
        compare_videos(videos, args.overlay)
    if pictures:
        compare_pictures(pictures, args.visible, args.overlay)


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def compare_videos(videos: Sequence[Path], overlay: Path | None) -> None:
    head(
        "video", "frames", "person-frames", "plain", "ratio", "bridged", "of the plain ones found", "ids", "fragments", "tall person-frames"
    )
    for video in videos:
        plain = plainly(video, True)
        track = captured(video, overlay)
        ours = seen(track)
        count, theirs = (sum(map(len, found)) for found in (ours, plain))
        had = theirs - sum(len(missing(*frame)) for frame in zip(plain, ours, strict=True))
        frames, tall = np.zeros(0, int), 0
        if track is not None:
            frames = (track.body_seen & ~track.bridged).sum(axis=1)
            tall = sum(np.ptp(body.image[:, 1]) > TALL * track.size[1] for bodies in ours for body in bodies)
        bridged = 0 if track is None else int(track.bridged.sum())
        fragments = int((frames < FRAGMENT * probe(video).fps).sum())
        row(video.name, len(ours), count, theirs, ratio(count, theirs), bridged, ratio(had, theirs), len(frames), fragments, tall)


def compare_pictures(pictures: Sequence[Path], visible: Sequence[int] | None, overlay: Path | None) -> None:
    head("picture", "visible", "ningyo", "plain", "of the plain ones found")
    totals, notes = np.zeros(3, int), []
    for picture in pictures:
        (plain,) = plainly(picture, False)
        ours = (seen(captured(picture, overlay)) or [[]])[0]
        lacking = missing(plain, ours)
        row(picture.name, visible[pictures.index(picture)] if visible else "", len(ours), len(plain), len(plain) - len(lacking))
        totals += len(ours), len(plain), len(plain) - len(lacking)
        notes += [f"{picture.name}: ningyo has nobody at {place(body)}." for body in lacking]
    row("together", sum(visible) if visible else "", *totals)
    print("", *notes, sep="\n")


def captured(source: Path, overlay: Path | None) -> PoseTrack | None:
    """Everyone in the source, which can be read; None if there is nobody."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = None if overlay is None else overlay / f"{source.stem}.mp4"
        try:
            settings = Settings(parts=False, fast=True)
            return PoseTrack.load(capture_files([source], Path(folder) / "track.npz", settings=settings, overlay=drawn)[0])
        except UserError:
            return None


def seen(track: PoseTrack | None) -> Bodies:
    """The bodies of every frame that were seen, without bridged ones."""
    if track is None:
        return []
    there = track.body_seen & ~track.bridged
    image, world, visibility = track.body_image, track.body_world, track.body_visibility
    return [
        [Body(image[p, f], world[p, f], visibility[p, f], visibility[p, f]) for p in np.flatnonzero(there[:, f])]
        for f in range(track.frames)
    ]


def plainly(source: Path, video: bool) -> Bodies:
    """What one plain call finds in every frame."""
    with quiet_libraries():
        landmarker = Landmarker("pose", video, num_poses=MOST_POSES)
        found: Bodies = []
        for frame in read_frames(source):
            height, width = frame.rgb.shape[:2]
            result = landmarker(frame.rgb, frame.time)
            found.append([])
            for image, world in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True):
                visibility, presence = np.array([(point.visibility, point.presence) for point in image]).T
                found[-1].append(Body(points(image) * (width, height, width), points(world), visibility, presence))
        landmarker.close()
    return found


def missing(plain: Sequence[Body], ours: Sequence[Body]) -> list[Body]:
    """Those of the plain call's bodies that are none of ours."""
    return [body for body in plain if not any(same_body(body, other) for other in ours)]


def place(body: Body) -> str:
    """Where a body is: its joints' box, px."""
    (left, top), (right, bottom) = body.image[:, :2].min(axis=0), body.image[:, :2].max(axis=0)
    return f"x {left:.0f}…{right:.0f}, y {top:.0f}…{bottom:.0f}"


def ratio(part: float, whole: float) -> str:
    return f"{part / whole:.2f}" if whole else "–"


def head(*cells: str) -> None:
    print()
    row(*cells)
    print("|---" * len(cells) + "|", flush=True)


def row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
