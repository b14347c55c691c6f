# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels say in other languages: the words of the path, of jobs and of their buttons. What is missing here stays English."""

from __future__ import annotations

from typing import Any

import bpy

from . import language

# By the context of Blender's own catalogues: "*" is the usual one, "Operator" that of buttons' names.
JAPANESE = {
    "*": {
        "1. Video": "1. 動画",
        "2. Person": "2. 人物",
        "3. Character": "3. キャラクター",
        "4. Motion": "4. モーション",
        "5. Dataset": "5. データセット",
        "6. Train": "6. 学習",
        "7. Generate": "7. 生成",
        "Generate": "生成",
        "Batch Dataset": "一括データセット",
        "People": "人物一覧",
        "Jobs": "ジョブ",
        "Video": "動画",
        "Person": "人物",
        "Character": "キャラクター",
        "From": "種類",
        "Built-in": "内蔵",
        "In This Scene": "このシーン",
        "Pictures": "画像数",
        "Minutes": "分",
        "Fast": "高速",
        "Solver": "ソルバー",
        "Closed Form": "簡易",
        "To Do": "未実行",
        "Queued": "待機中",
        "Running": "実行中",
        "Stopped": "停止",
        "Failed": "失敗",
        "Out of Date": "要更新",
        "Capture": "キャプチャ",
        "Retarget": "リターゲット",
        "Retarget for Rendering": "レンダー用リターゲット",
        "Render": "レンダー",
        "Train": "学習",
        "Do It All": "すべて実行",
        "Demo": "デモ",
        "Overlay": "オーバーレイ",
        "starting…": "開始中…",
        "running": "実行中",
        "stopping…": "停止中…",
        "done": "完了",
        "failed": "失敗",
        "stopped": "停止",
        "died": "異常終了",
        "Waiting for Capture": "キャプチャを待っています",
        "Waiting for Retarget": "リターゲットを待っています",
        "Waiting for Render": "レンダーを待っています",
        "Waiting for Train": "学習を待っています",
        "Waiting for Do It All": "「すべて実行」を待っています",
        "Choose a video": "動画を選んでください",
        "The video is not there": "動画が見つかりません",
        "Choose the character's file": "キャラクターのファイルを選んでください",
        "The character's file is not there": "キャラクターのファイルが見つかりません",
        "Choose the character's armature": "キャラクターのアーマチュアを選んでください",
        "Set up the worker first": "先にワーカーを設定してください",
        "Set up the worker first, or choose the closed form": "先にワーカーを設定するか、「簡易」を選んでください",
        "Capture first": "先にキャプチャ",
        "Retarget first": "先にリターゲット",
        "Render first": "先にレンダー",
        "Train first": "先に学習",
        "The strip needs frames: Generate first": "ストリップにはフレームが必要です。先に生成してください",
        "The frames are in the sequencer": "フレームはシーケンサーにあります",
        "Finds everyone in the video: body, hands and face": "動画の全員の体、手、顔を検出します",
        "Puts the person's motion on the character, and prepares it for the dataset": "動きをキャラクターに移し、データセットに備えます",
        "Renders the character in the person's poses, to learn from": "人物のポーズでキャラクターをレンダーし、学習用の画像にします",
        "Trains the network that draws the character": "キャラクターを描くネットワークを学習します",
        "Draws the character in every frame, as a strip in the sequencer": "全フレームを描き、シーケンサーのストリップにします",
        "{name}, {count} bones": "{name}、ボーン {count} 本",
        "and {count} more": "他 {count} 件",
        "{} left": "残り {}",
    },
    "Operator": {
        "Capture": "キャプチャ",
        "Retarget": "リターゲット",
        "Render": "レンダー",
        "Train": "学習",
        "Generate": "生成",
        "Do It All": "すべて実行",
        "Demo": "デモ",
        "Add Strips": "ストリップを追加",
        "Clear Finished": "完了分を消去",
        "Stop": "停止",
        "Go On": "続行",
        "Log": "ログ",
        "Open Folder": "フォルダーを開く",
        "Show Overlay": "オーバーレイを表示",
        "Preferences": "プリファレンス",
    },
}
CATALOGUE: Any = {"ja_JP": {(context, text): said for context, texts in JAPANESE.items() for text, said in texts.items()}}


def register() -> None:
    bpy.app.translations.register(__name__, CATALOGUE)
    translate: Any = bpy.app.translations.pgettext_iface  # whose stub returns nothing
    language.speak(translate)


def unregister() -> None:
    language.speak()
    bpy.app.translations.unregister(__name__)
