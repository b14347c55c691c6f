# SPDX-License-Identifier: GPL-3.0-or-later
"""What all exports have in common: they go on, they repeat, and they keep away from what is not theirs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from ningyo.errors import Cancelled, UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.dataset.export import FORMS, export
from ningyo.synth_data.dataset.folder import Dataset
from ningyo.synth_data.dataset.png import encode_png


def contents(folder: Path) -> dict[str, bytes]:
    """All files of an export but its own book-keeping."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".ningyo"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class StopAfter:
    """Asks to stop when `samples` are done."""

    def __init__(self, samples: int) -> None:
        self.left = samples

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


@pytest.mark.parametrize("form", list(FORMS))
def test_a_stopped_export_goes_on_and_ends_with_the_same_bytes(form, drawn, tmp_path):
    assert export(drawn, form, tmp_path / "whole") == 8
    done: list[int] = []
    with pytest.raises(Cancelled):
        export(drawn, form, tmp_path / "stopped", report=Reporter(is_cancelled=StopAfter(3)))
    export(drawn, form, tmp_path / "stopped", report=Reporter(sink=lambda event: done.append(event.get("done"))))
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert done[-1] == 8


@pytest.mark.parametrize("form", list(FORMS))
def test_a_repeated_export_writes_only_what_is_gone(form, drawn, tmp_path):
    out = tmp_path / "out"
    export(drawn, form, out)
    before = contents(out)
    gone = next(path for path in sorted(before) if path.endswith((".png", ".tar")))
    times = {path: (out / path).stat().st_mtime_ns for path in before if path.endswith((".png", ".tar")) and path != gone}
    (out / gone).unlink()
    export(drawn, form, out)
    assert contents(out) == before
    same_unit = Path(gone).stem
    assert all((out / path).stat().st_mtime_ns == time for path, time in times.items() if same_unit not in path)


def test_a_sample_that_was_rendered_anew_is_exported_anew(drawn, tmp_path):
    export(drawn, "pix2pix", tmp_path / "out")
    before = contents(tmp_path / "out")
    sample = drawn.samples[2]
    image = drawn.file(sample, "image")
    old = sample.files["image"][1]
    image.write_bytes(encode_png(np.full((48, 64, 4), 77, np.uint8)))
    index = drawn.path / "index.jsonl"
    index.write_text(index.read_text().replace(old, hashlib.sha256(image.read_bytes()).hexdigest()))
    export(Dataset.open(drawn.path), "pix2pix", tmp_path / "out")
    after = contents(tmp_path / "out")
    assert {path for path in after if after[path] != before[path]} == {"train/000002.png"}


def test_a_dataset_that_has_grown_is_exported_further(drawn, tmp_path):
    index = drawn.path / "index.jsonl"
    lines = index.read_text().splitlines(keepends=True)
    index.write_text("".join(lines[:5]))
    for form in ("coco", "webdataset"):
        export(Dataset.open(drawn.path), form, tmp_path / form)
    index.write_text("".join(lines))
    for form in ("coco", "webdataset"):
        export(Dataset.open(drawn.path), form, tmp_path / form)
        export(drawn, form, tmp_path / f"whole-{form}")
        assert contents(tmp_path / form) == contents(tmp_path / f"whole-{form}")


def test_a_ledger_that_a_crash_cut_off_is_mended(drawn, tmp_path):
    export(drawn, "coco", tmp_path / "out")
    before = contents(tmp_path / "out")
    ledger = tmp_path / "out/.ningyo-export.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-40])
    export(drawn, "coco", tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_other_peoples_folders_are_refused(drawn, make_drawn, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/holiday.png").write_bytes(b"x")
    export(drawn, "openpose", tmp_path / "taken")
    other = make_drawn("other", count=4, seed=7)
    cases = (
        (drawn, "coco", "file", "is a file"),
        (drawn, "coco", "mine", "holds something else already"),
        (drawn, "coco", "taken", "export of this dataset as openpose"),
        (other, "openpose", "taken", "export of another dataset"),
        (drawn, "coco", "drawn", "is the dataset itself"),
        (drawn, "coco", "drawn/export", "is in the dataset itself"),
        (drawn, "gif", "new", 'no export to "gif"; choose coco, .* or webdataset'),
    )
    for dataset, form, out, words in cases:
        with pytest.raises(UserError, match=words):
            export(dataset, form, tmp_path / out)
    assert (tmp_path / "mine/holiday.png").read_bytes() == b"x"
    assert not (tmp_path / "new").exists()


def test_missing_kinds_and_damaged_files_are_said_in_a_sentence(drawn, make_drawn, tmp_path):
    bare = make_drawn("bare", kinds=("pose", "depth"))
    with pytest.raises(UserError, match=r"^The samples of .*bare have no image, which coco needs; render them with it\.$"):
        export(bare, "coco", tmp_path / "out")
    export(bare, "webdataset", tmp_path / "out")  # the refused one left nothing that would be in the way
    image = drawn.file(drawn.samples[3], "image")
    data = image.read_bytes()
    image.write_bytes(data[:-9] + b"x" * 9)
    for form in FORMS:
        with pytest.raises(UserError, match=r"000003\.image\.png is damaged; `ningyo dataset verify`"):
            export(drawn, form, tmp_path / form)
    image.unlink()
    with pytest.raises(UserError, match=r"000003\.image\.png is missing"):
        export(drawn, "coco", tmp_path / "coco")
    image.write_bytes(data)
    assert export(drawn, "coco", tmp_path / "coco") == 8


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"pix2pix", "pix2pixhd"}))  # those need no joints where there are skeletons
def test_a_pose_that_was_altered_is_not_handed_on(form, drawn, tmp_path):
    pose = drawn.file(drawn.samples[1], "pose")
    pose.write_text(pose.read_text().replace('"visibility":[2', '"visibility":[1'))
    with pytest.raises(UserError, match=r"000001\.pose\.json is damaged"):
        export(drawn, form, tmp_path / "out")


def test_nothing_to_export(drawn, tmp_path):
    (drawn.path / "index.jsonl").write_text("")
    with pytest.raises(UserError, match="no samples yet"):
        export(Dataset.open(drawn.path), "coco", tmp_path / "out")


def test_two_exports_do_not_meet_in_a_folder(drawn, tmp_path):
    class Meet:
        def __call__(self) -> bool:
            with pytest.raises(UserError, match="Another export is at work"):
                export(drawn, "openpose", tmp_path / "out")
            return True

    with pytest.raises(Cancelled):
        export(drawn, "openpose", tmp_path / "out", report=Reporter(is_cancelled=Meet()))


def test_a_dataset_may_have_moved(drawn, tmp_path):
    export(drawn, "coco", tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/train").iterdir()}
    moved = drawn.path.rename(tmp_path / "elsewhere")
    export(Dataset.open(moved), "coco", tmp_path / "out")
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "out/train").iterdir()}
    assert json.loads((tmp_path / "out/.ningyo-export.jsonl").read_text().splitlines()[0])["form"] == "coco"
