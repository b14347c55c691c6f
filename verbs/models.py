# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo models`: where MediaPipe's models come from, and their download."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.folder import sha256_of
from ..jobs.progress import Reporter

HELP = "Where capture's models come from; `download` fetches them if MediaPipe came without."
EXAMPLE = "ningyo models download"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "download"),
        default="list",
        help="list (the default): each model's source, size, SHA-256 and file; download: fetch 36 MB and keep the models in Ningyo's cache",
    )
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="list the models in this folder")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..synth_data.capture.download import download
    from ..synth_data.capture.models import KINDS, find

    if args.action == "download":
        if args.models is not None:
            raise UserError("`ningyo models download` fills Ningyo's cache; leave out --models.")
        report.stage("models")
        report.artefact("models", download(report=report))
        return {}
    found = {}
    for kind in KINDS:
        source = find(kind, args.models)
        report.emit("summary", text=f"{kind}: from {source.origin}")
        files = [{"path": str(file), "bytes": file.stat().st_size, "sha256": sha256_of(file)} for file in source.files]
        for file in files:
            report.emit("summary", text=f"  {file['bytes'] / 1e6:5.1f} MB  {file['sha256']}  {file['path']}")
        found[kind] = {"origin": source.origin, "files": files}
    return {"models": found}
