# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the main person is found: `ningyo capture` against MediaPipe's own ways, over the same frames.

    .venv/bin/python benchmarks/holistic.py VIDEO…

Prints a Markdown table for each video: the share of its frames in which body, left hand, right hand and face were detected, mean values of
visibility, and frames a second. The ways:

* ningyo: `capture_files` with its defaults, the main person (bridged frames do not count as detected)
* Tasks: PoseLandmarker, HandLandmarker (two hands) and FaceLandmarker in video mode on the whole frame, as they come; a hand is that of the
  nearer wrist
* Holistic: `mp.solutions.holistic` with refined faces, as it comes (MediaPipe 0.10.21 and before have it)

`body visibility` is the mean over all frames and the 33 points of the visibility that the pose network gives, 0 in frames without a body.
For hands and faces MediaPipe's ways give no visibility, so a detected one counts 1: its mean is the share. Ningyo gives them a score (the
network's certainty times its agreement with the body), whose mean over the frames where they were detected stands in brackets.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ningyo.synth_data.capture.capture import capture_files
from ningyo.synth_data.capture.landmarker import quiet_libraries
from ningyo.synth_data.capture.models import bundle, load_mediapipe
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.video.read import read_frames
from numpy.typing import NDArray

COLUMNS = ("", "body", "body visibility", "left hand", "right hand", "face", "frames/s")


class Found(NamedTuple):
    """Frame by frame: the mean visibility of the body's points (0: no body), and what was detected."""

    visibility: NDArray[Any]  # (F,)
    detected: NDArray[Any]  # (F, 4) bool: body, left hand, right hand, face
    score: NDArray[Any] | None = None  # (F, 3): left hand, right hand, face


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    ways: dict[str, Callable[[Path], Found]] = {"ningyo": ours, "Tasks": tasks}
    if hasattr(load_mediapipe(), "solutions"):
        ways["Holistic"] = holistic
    for video in parser.parse_args().videos:
        print(f"\n{video.name}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
        for name, way in ways.items():
            start = time.perf_counter()
            with quiet_libraries():
                found = way(video)
            cells = row(found)
            print(f"| {name} | {' | '.join(cells)} | {len(found.visibility) / (time.perf_counter() - start):.1f} |", flush=True)


def row(found: Found) -> list[str]:
    body, *parts = (f"{share:.3f}" for share in found.detected.mean(axis=0))
    if found.score is not None:
        for number, (score, seen) in enumerate(zip(found.score.T, found.detected[:, 1:].T, strict=True)):
            parts[number] += f" ({score[seen].mean():.2f})" if seen.any() else ""
    return [body, f"{found.visibility.mean():.3f}", *parts]


def ours(video: Path) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        track = PoseTrack.load(capture_files([video], Path(folder) / "track.npz")[0])
    body = np.isfinite(track.body_image[0]).any(axis=(1, 2)) & ~track.bridged[0]
    visibility = np.where(body, track.body_visibility[0].mean(axis=1), 0)
    score = np.column_stack([track.hand_score[0], track.face_score[0]])
    return Found(visibility, np.column_stack([body, score > 0]), score)


def tasks(video: Path) -> Found:
    mediapipe = load_mediapipe()
    vision, options = mediapipe.tasks.vision, mediapipe.tasks.BaseOptions

    def landmarker(kind: str, **more: Any) -> Any:
        name = f"{kind.capitalize()}Landmarker"
        settings = getattr(vision, f"{name}Options")(
            base_options=options(model_asset_buffer=bundle(kind)), running_mode=vision.RunningMode.VIDEO, **more
        )
        return getattr(vision, name).create_from_options(settings)

    pose, hands, face = landmarker("pose"), landmarker("hand", num_hands=2), landmarker("face")
    visibility, detected = [], []
    for frame in read_frames(video):
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=frame.rgb)
        clock = round(frame.time * 1000)
        bodies = pose.detect_for_video(image, clock).pose_landmarks
        found = [bool(bodies), False, False, bool(face.detect_for_video(image, clock).face_landmarks)]
        for hand in hands.detect_for_video(image, clock).hand_landmarks:
            if bodies:
                apart = [np.hypot(hand[0].x - bodies[0][wrist].x, hand[0].y - bodies[0][wrist].y) for wrist in (15, 16)]
                found[1 + int(np.argmin(apart))] = True
        visibility.append(np.mean([point.visibility for point in bodies[0]]) if bodies else 0.0)
        detected.append(found)
    for each in (pose, hands, face):
        each.close()
    return Found(np.array(visibility), np.array(detected))


def holistic(video: Path) -> Found:
    visibility, detected = [], []
    with load_mediapipe().solutions.holistic.Holistic(refine_face_landmarks=True) as graph:
        for frame in read_frames(video):
            result = graph.process(frame.rgb)
            parts = (result.pose_landmarks, result.left_hand_landmarks, result.right_hand_landmarks, result.face_landmarks)
            detected.append([part is not None for part in parts])
            visibility.append(np.mean([point.visibility for point in parts[0].landmark]) if parts[0] else 0.0)
    return Found(np.array(visibility), np.array(detected))


if __name__ == "__main__":
    main()
