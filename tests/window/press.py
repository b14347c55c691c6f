# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside Blender's window: goes through a scenario as a person would, and writes down what was seen.

    blender --python press.py -- SCENARIO.py RESULTS

A scenario has a generator `steps(hand)`. It yields a condition, a function that says whether to go on, and how many seconds that may
take; the window stays alive meanwhile. RESULTS/result.json holds what the scenario noted, and why it ended early where it did. Blender is
closed at the end.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

SETTLE = 0.5  # seconds for the window to be drawn
Step = tuple[Callable[[], bool], float]


class Hand:
    """Presses buttons, waits and looks, in the open window."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.noted: dict[str, Any] = {}
        self._shots = 0

    def note(self, **facts: Any) -> None:
        self.noted.update(facts)

    def area(self, kind: str) -> bpy.types.Area:
        """The first area of this kind in the first window; one is made of the largest where there is none."""
        areas = bpy.context.window_manager.windows[0].screen.areas
        found = next((area for area in areas if area.type == kind), None)
        if found is None:
            found = max(areas, key=lambda area: area.width * area.height)
            found.type = kind
        return found

    def open_tab(self, kind: str = "VIEW_3D", tab: str = "Ningyo") -> Iterator[Step]:
        """The sidebar with its tab, wide enough to read."""
        self.area(kind).spaces.active.show_region_ui = True
        yield from self.settle()
        region = next(region for region in self.area(kind).regions if region.type == "UI")
        region.active_panel_category = tab
        yield from self.settle()

    def press(self, operator: str, kind: str = "VIEW_3D", **settings: Any) -> set[str]:
        """A button of the sidebar: refused where the button would be grey, with the reason it shows."""
        module, name = operator.split(".")
        act = getattr(getattr(bpy.ops, module), name)
        window, area = bpy.context.window_manager.windows[0], self.area(kind)
        region = next(region for region in area.regions if region.type == "WINDOW")
        with bpy.context.temp_override(window=window, area=area, region=region):
            if not act.poll():
                raise AssertionError(f"The button {operator} is grey")
            return act("INVOKE_DEFAULT", True, **settings)

    def until(self, condition: Callable[[], bool], seconds: float) -> Iterator[Step]:
        yield condition, seconds

    def settle(self, seconds: float = SETTLE) -> Iterator[Step]:
        """Let the window be drawn."""
        for area in bpy.context.window_manager.windows[0].screen.areas:
            area.tag_redraw()
        end = time.monotonic() + seconds
        yield (lambda: time.monotonic() > end), seconds + 30

    def shot(self, name: str) -> Iterator[Step]:
        """A picture of the window, numbered in order."""
        yield from self.settle()
        self._shots += 1
        picture = str(self.results / f"{self._shots:02}-{name}.png")
        # Blender's own pictures are black with some drivers, so the screen's are taken where ImageMagick can.
        if shutil.which("import") and os.environ.get("DISPLAY"):
            subprocess.run(["import", "-window", "root", picture], check=True)
            return
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.screen.screenshot(filepath=picture)


def addon() -> str:
    """The name of the add-on's package, as it is installed."""
    return next(name for name in dict(bpy.context.preferences.addons) if name.rpartition(".")[2] == "ningyo")


def jobs() -> Any:
    return sys.modules[f"{addon()}.addon.jobs"]


def main(scenario: Path, results: Path) -> None:
    spec = importlib.util.spec_from_file_location(scenario.stem, scenario)
    module = importlib.util.module_from_spec(spec)
    sys.modules["press"] = sys.modules[__name__]
    spec.loader.exec_module(module)
    hand = Hand(results)
    steps = module.steps(hand)
    waits: dict[str, Any] = {"condition": lambda: True, "until": time.monotonic() + 1, "seconds": 1.0}

    def go_on() -> float | None:
        problem = None
        try:
            if not waits["condition"]():
                if time.monotonic() < waits["until"]:
                    return 0.1
                steps.throw(TimeoutError(f"nothing happened in {waits['seconds']:g} seconds"))
            condition, seconds = next(steps)
            waits.update(condition=condition, until=time.monotonic() + seconds, seconds=seconds)
            return 0.1
        except StopIteration:
            pass
        except BaseException:
            problem = traceback.format_exc()
        finished = {"problem": problem, **hand.noted}
        (results / "result.json").write_text(json.dumps(finished, indent=1, default=str), "utf-8")
        bpy.ops.wm.quit_blender()
        return None

    bpy.app.timers.register(go_on, first_interval=1.0, persistent=True)


if __name__ == "__main__":
    words = sys.argv[sys.argv.index("--") + 1 :]
    main(Path(words[0]), Path(words[1]))
