# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Other languages: nothing in a catalogue that the code does not say, nothing filled in that is not there, nothing of weight left out."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import CLASSES, language, words
from ningyo.addon.translations import LANGUAGES

ROOT = Path(__file__).parents[2]
ADDON = sorted((ROOT / "addon").glob("*.py"))
# Folders of what the worker runs, whose stages, units and notes panels show.
WORKERS = ("environment", "generation", "jobs", "synth_data", "training", "verbs")
# What is a name, or comes from Blender and is translated there.
NAMES = {"pix2pix", "pix2pixHD", "ControlNet (imagefolder)", "WebDataset", "dance_now", "OpenPose JSON", "CPU", "CUDA"}
# Names of lists and of what buttons are told, which no panel shows.
UNSEEN = {
    "Chosen",
    "Which",
    "The chosen line of the list of people",
    "The chosen line of the list of characters",
    "The chosen line of the list of clips",
}
EVERY = pytest.mark.parametrize("texts", LANGUAGES.values(), ids=LANGUAGES)


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def constants(node: ast.AST) -> Iterator[str]:
    return (found.value for found in ast.walk(node) if isinstance(found, ast.Constant) and isinstance(found.value, str))


def calls(file: Path, *names: str) -> Iterator[ast.Call]:
    """Of functions and methods of these names."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in names:
            yield node


def workers_words() -> set[str]:
    """Stages, units and notes, where they are written as they are, and what a watcher says of a job."""
    found = set(constants(tree(ROOT / "jobs" / "folder.py")))
    for file in (file for folder in WORKERS for file in (ROOT / folder).rglob("*.py")):
        for call in calls(file, "stage", "progress"):
            found |= {text for argument in (*call.args, *(one.value for one in call.keywords)) for text in constants(argument)}
        for node in (node for node in ast.walk(tree(file)) if isinstance(node, ast.Assign)):
            target = node.targets[0]
            name = getattr(target, "id", getattr(target, "attr", ""))
            if name in ("note", "closer", "_unit") or isinstance(target, ast.Tuple):  # unit and note among others
                found |= set(constants(node.value))
    return found


def said_texts() -> set[str]:
    """The templates and sentences that go through `said`, and the sentences that panels wrap, where they are written in the call."""
    found = set()
    for file in ADDON:
        for call in calls(file, "said"):
            found |= {one.value for one in choices(call.args[0])}
        for call in calls(file, "say"):
            found |= {one.value for one in choices(call.args[2])}
        for call in calls(file, "label"):
            found |= {one.value for key in call.keywords if key.arg == "text" for one in choices(key.value)}
    return {text for text in found if re.search(r"[A-Za-z]{2}", re.sub(r"\{.*?\}", "", text))}


def choices(node: ast.expr) -> list[Any]:
    """A text, or both of `one if … else other`."""
    if isinstance(node, ast.IfExp):
        return [*choices(node.body), *choices(node.orelse)]
    return [node] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def described_classes() -> tuple[set[str], set[str], set[str]]:
    """Names of panels and menus, those of operators, and their descriptions."""
    operators = [cls for cls in CLASSES if issubclass(cls, bpy.types.Operator)]
    others = {cls.bl_label for cls in CLASSES if issubclass(cls, bpy.types.Panel | bpy.types.Menu)}
    return others, {cls.bl_label for cls in operators}, {str(cls.__doc__).strip() for cls in operators}


def properties() -> dict[str, set[str]]:
    """By context: names and descriptions of what can be set, and of what can be chosen."""
    found: dict[str, set[str]] = {}
    for cls in (cls for cls in CLASSES if issubclass(cls, bpy.types.PropertyGroup | bpy.types.AddonPreferences)):
        for prop in (cls.bl_rna.properties[name] for name in cls.__annotations__):
            if prop.is_hidden or prop.name == prop.identifier:
                continue  # no panel shows it
            names, tips = found.setdefault(prop.translation_context, set()), found.setdefault("*", set())
            names.add(prop.name)
            tips.add(prop.description)
            for item in prop.enum_items if prop.type == "ENUM" else ():
                names.add(item.name)
                tips.add(item.description)
    return {context: texts - {""} - NAMES - UNSEEN for context, texts in found.items()}


@EVERY
def test_what_is_translated_is_said_somewhere(addon: Any, texts: dict[str, dict[str, str]]) -> None:
    """A text that the code does not have any more, or says otherwise by now, would stay English unseen."""
    written = {text.strip() for file in ADDON for text in constants(tree(file))} | workers_words()
    # Made of parts: what the influences, the dataset's ranges and a training's picture say of themselves.
    written |= {prop.description for cls in CLASSES if hasattr(cls, "bl_rna") for prop in cls.bl_rna.properties}
    assert {text for known in texts.values() for text in known if text not in written} == set()


@EVERY
def test_translations_keep_what_is_filled_in(texts: dict[str, dict[str, str]]) -> None:
    field = re.compile(r"\{[^}]*\}")
    for known in texts.values():
        for text, translated in known.items():
            assert set(field.findall(text)) == set(field.findall(translated)), text
            assert translated.strip(), text


@EVERY
def test_what_a_person_meets_is_translated(addon: Any, texts: dict[str, dict[str, str]], record_property: Any) -> None:
    panels, buttons, tips = described_classes()
    assert panels - texts["*"].keys() == set()
    assert buttons - texts["Operator"].keys() == set()
    stages = {*words.TITLES.values(), *words.DATASET_TITLES.values(), *words.STATES.values()}
    assert stages - texts["*"].keys() == set()
    assert said_texts() - texts["*"].keys() - texts[language.CONTEXT].keys() == set()
    settings = properties()
    assert {"*", language.CONTEXT} == settings.keys()
    asked = {("Operator", text) for text in buttons} | {("*", text) for text in panels | stages | tips | said_texts()}
    asked |= {(context, text) for context, known in settings.items() for text in known}
    translated = {(context, text) for context, text in asked if text in texts[context]}
    record_property("translated", f"{len(translated)} of {len(asked)}")
    print(f"{len(translated)} of {len(asked)} texts are translated; not: {sorted(text for _, text in asked - translated)}")
    assert len(asked) > 500
    assert len(translated) > 0.9 * len(asked)


def test_a_text_is_filled_in_and_said_in_the_users_language() -> None:
    assert language.said("{done} of {total}", done=1, total=2) == "1 of 2"
    assert language.said("100 % {of nothing") == "100 % {of nothing"
    language.speak({"{done} of {total}": "{total} / {done}"}.get)
    try:
        assert language.said("{done} of {total}", done=1, total=2) == "2 / 1"
    finally:
        language.speak()
    assert language.said("{done} of {total}", done=1, total=2) == "1 of 2"


SPEAKS = """
import sys, traceback, os
from types import SimpleNamespace
sys.path.insert(0, {parent!r})
try:
    import bpy, ningyo
    ningyo.register()
    from ningyo.addon import CLASSES, jobs, path_panels, plan, words
    from ningyo.addon.translations import LANGUAGES
    shown = bpy.app.translations.pgettext_iface
    titles = [cls.bl_label for cls in CLASSES if issubclass(cls, path_panels.Step) and cls.bl_space_type == "VIEW_3D"]
    assert len(titles) == 7
    view = SimpleNamespace(progress={{"done": 120, "total": 500, "unit": "frames", "seconds_left": 40.2}})
    view.fraction, view.stage, view.state = 0.24, "render", "running"
    job = SimpleNamespace(verb="run", note={{}}, view=view, stopping_since=None)
    bpy.context.preferences.view.language = "ja_JP"
    assert [shown(title) for title in titles] == [LANGUAGES["ja_JP"]["*"][title] for title in titles], [shown(title) for title in titles]
    assert shown("Do It All", "Operator") == "すべて実行"
    assert words.progress(view) == "120 / 500 フレーム、残り 40 秒", words.progress(view)
    assert words.headline(job) == "すべて実行: レンダー", words.headline(job)
    assert words.in_short(job) == "すべて実行 (レンダー) 24 %、残り 40 秒", words.in_short(job)
    assert plan.first("capture") == "先にキャプチャ"
    assert path_panels.said("Face") == "顔", "Blender's own is that of a polygon"
    try:
        bpy.ops.ningyo.show_overlay("EXEC_DEFAULT")
    except RuntimeError as error:
        assert "動画を選んでください" in str(error) or "ワーカー" in str(error), error
    else:
        raise AssertionError
    try:
        bpy.ops.ningyo.cancel("EXEC_DEFAULT", job="none")
    except RuntimeError as error:
        assert jobs.reported(error) == "このジョブはもう登録されていません", error
    else:
        raise AssertionError
    bpy.context.preferences.view.language = "en_US"
    assert shown("7. Generate") == "7. Generate"
    assert words.progress(view) == "120 of 500 frames, 40 s left"
    bpy.context.preferences.view.language = "ja_JP"
    ningyo.unregister()
    assert shown("7. Generate") == "7. Generate"
    assert words.progress(view) == "120 of 500 frames, 40 s left"
    print("all was said")
except BaseException:
    traceback.print_exc()
sys.stdout.flush(); sys.stderr.flush(); os._exit(0)
"""


def test_the_panels_speak_the_users_language(tmp_path: Path, isolated: Callable[[str], dict[str, str]]) -> None:
    """In a real Blender, since the module brings no languages along."""
    blender = os.environ.get("BLENDER") or shutil.which("blender")
    if not blender:
        pytest.skip("No Blender was found; say where it is with BLENDER=/path/to/blender")
    script = SPEAKS.format(parent=str(Path(__file__).parents[3]))
    command = [blender, "--background", "--factory-startup", "--python-expr", script]
    done = subprocess.run(command, env=isolated(str(tmp_path)), capture_output=True, text=True, timeout=300, check=False)
    assert "all was said" in done.stdout, done.stdout + done.stderr
