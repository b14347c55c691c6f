# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dataset lacks for training, said in sentences. Each threshold is a judgement, so each sentence says the figure it judges."""

from __future__ import annotations

from .stats import Figures

_RARE = 0.02  # of the samples: less is as good as none
_FEW_DEGREES = 10.0  # of elevation: cameras within so much stand all at one height
_SMALL = 0.35  # of the picture's height: a smaller body has hands and a face of a few pixels
_CUT = 0.2  # of the samples with joints outside of the picture
_HIDDEN = 0.05  # of a joint's samples in which it is visible
_LOPSIDED = 10  # times as many samples of one character, or clip, as of another
_TEST_MOST, _TEST_LEAST = 0.5, 0.02
_REACHES = {  # angle → by which the 95th percentile should be passed, and what is missing otherwise
    "left arm raised": (90, "the left arm is hardly ever raised above the shoulder"),
    "right arm raised": (90, "the right arm is hardly ever raised above the shoulder"),
    "left elbow bent": (70, "the left elbow hardly ever bends"),
    "right elbow bent": (70, "the right elbow hardly ever bends"),
    "left knee bent": (40, "the left knee hardly ever bends"),
    "right knee bent": (40, "the right knee hardly ever bends"),
    "trunk leaning": (15, "the trunk hardly ever leans"),
}


def findings(figures: Figures) -> list[str]:
    """Sentences about the `figures` of a dataset, the gravest first; none for one that lacks nothing."""
    return [*_damage(figures), *_splits(figures), *_views(figures), *_framing(figures), *_joints(figures), *_poses(figures)]


def _damage(figures: Figures) -> list[str]:
    found = []
    if figures["samples"] < figures["planned"]:
        found.append(f"unfinished: {figures['samples']} of {figures['planned']} samples; run the same `ningyo render` again")
    broken = sum(of_kind["missing"] for of_kind in figures["files"].values()) + figures["unreadable_poses"] + figures["bad_index_lines"]
    if broken:
        found.append(f"{broken} files or lines of the index are missing or damaged; `ningyo dataset verify` lists them")
    for kind, of_kind in figures["files"].items():
        without = figures["samples"] - of_kind["count"] - of_kind["missing"]
        if without:
            found.append(f"{without} of {figures['samples']} samples have no {kind}")
    return found


def _splits(figures: Figures) -> list[str]:
    leaks = figures["clips_in_several_splits"]
    found = [f"splits leak: the same clip, {clip}, is in more than one, and neighbouring frames are nearly equal" for clip in leaks]
    held_out = figures["samples"] - figures["by_split"].get("train", 0)
    share = held_out / figures["samples"]
    if not held_out:
        found.append("nothing is held out: there is no sample to test with")
    elif share < _TEST_LEAST or share > _TEST_MOST:
        found.append(f"{_percent(share)} of the samples are held out; 5 to 25 % are usual")
    for key, what in (("by_character", "characters"), ("by_clip", "clips")):
        counts = figures[key]
        least, most = min(counts, key=counts.get), max(counts, key=counts.get)
        if counts[most] > _LOPSIDED * counts[least]:
            found.append(f"{what} are uneven: {counts[most]} samples of {most}, {counts[least]} of {least}")
    return found


def _views(figures: Figures) -> list[str]:
    found = []
    for side, share in figures["seen_from"].items():
        if share < _RARE:
            how_many = "no" if share == 0 else f"hardly any ({_percent(share)})"
            found.append(f"{how_many} samples from {'' if side == 'behind' else 'the '}{side}")
    elevation = figures["elevation"]
    if elevation and elevation["high"] - elevation["low"] < _FEW_DEGREES:
        found.append(f"all cameras look from about one height ({elevation['middle']:.0f}° above level)")
    return found


def _framing(figures: Figures) -> list[str]:
    found = []
    height = figures["height_in_picture"]
    if height and height["middle"] < _SMALL:
        found.append(f"bodies are small: half of them are lower than {_percent(height['middle'])} of the picture")
    if figures["cut_by_the_edge"] > _CUT:
        found.append(f"the picture's edge cuts off a joint in {_percent(figures['cut_by_the_edge'])} of what should show whole bodies")
    return found


def _joints(figures: Figures) -> list[str]:
    found = []
    for name, shares in figures["joints"].items():
        spoken = name.replace("_", " ")
        if shares["unknown"] == 1:
            found.append(f"{spoken}: the characters' rigs have no such point")
        elif shares["visible"] == 0:
            found.append(f"{spoken}: never visible")
        elif shares["visible"] < _HIDDEN:
            found.append(f"{spoken}: visible in {_percent(shares['visible'])} only")
    return found


def _poses(figures: Figures) -> list[str]:
    found = []
    for name, (limit, words) in _REACHES.items():
        of_angle = figures["angles"][name]
        if of_angle and of_angle["high"] < limit:
            found.append(f"{words}: 19 of 20 times by less than {of_angle['high']:.0f}°")
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"
