# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501 (texts are as long as they are)
"""Japanese, with the words of Blender's own Japanese interface. By the context that Blender looks a text up in."""

WORDS = {
    "*": {
        # Panels
        "Ningyo": "Ningyo",
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
        "Look": "ルック",
        "Camera": "カメラ",
        "More People": "他の人物",
        "Controls": "コントロール",
        "Influence": "影響",
        "Doubtful Frames": "疑わしいフレーム",
        "Chosen Clip": "選択中のクリップ",
        "Labels": "ラベル",
        "Cameras": "カメラ設定",
        "Poses": "ポーズ",
        "Background": "背景",
        "Preview": "プレビュー",
        "Render": "レンダー",
        "Finished Samples": "完成したサンプル",
        "Training": "学習",
        "Strip of Frames": "フレームのストリップ",
        "Ningyo Presets": "Ningyo プリセット",
        "Dataset Presets": "データセットのプリセット",
        "Add Character": "キャラクターを追加",
        "Add Clip": "クリップを追加",
        # Jobs, stages, units
        "Capture": "キャプチャ",
        "Retarget": "リターゲット",
        "Retarget for Rendering": "レンダー用リターゲット",
        "Train": "学習",
        "Do It All": "すべて実行",
        "Demo": "デモ",
        "Overlay": "オーバーレイ",
        "Set Up Worker": "ワーカーをセットアップ",
        "Check": "確認",
        "Verify": "検証",
        "Statistics": "統計",
        "Export": "エクスポート",
        "Dataset": "データセット",
        "starting…": "開始中…",
        "running": "実行中",
        "stopping…": "停止中…",
        "done": "完了",
        "failed": "失敗",
        "stopped": "停止",
        "died": "異常終了",
        "find Python": "Python を検索",
        "fetch Python": "Python を取得",
        "create environment": "環境を作成",
        "download": "ダウンロード",
        "install": "インストール",
        "check": "確認",
        "evaluate": "評価",
        "models": "モデル",
        "bodies": "体",
        "hands, faces": "手、顔",
        "a closer look": "詳細",
        "a closer look, hands, faces": "詳細、手、顔",
        "frames": "フレーム",
        "movie frames": "動画フレーム",
        "overlay frames": "オーバーレイフレーム",
        "pictures": "枚",
        "samples": "サンプル",
        "steps": "ステップ",
        "seconds": "秒",
        "packages": "パッケージ",
        "poses": "ポーズ",
        "files": "ファイル",
        "clips": "クリップ",
        "figures": "図",
        "{seconds} s": "{seconds} 秒",
        "{minutes} min": "{minutes} 分",
        "{hours} h {minutes} min": "{hours} 時間 {minutes} 分",
        "{done} of {total} {unit}": "{done} / {total} {unit}",
        "{done} {unit}": "{done} {unit}",
        "{progress}, {time} left": "{progress}、残り {time}",
        "{number} a second": "毎秒 {number}",
        "waiting for {job}": "{job}を待っています",
        "and {count} more": "他 {count} 件",
        # How far the steps are
        "To Do": "未実行",
        "Queued": "待機中",
        "Running": "実行中",
        "Stopped": "停止",
        "Failed": "失敗",
        "Out of Date": "要更新",
        "to do": "未実行",
        "stopped; goes on where it was": "停止中。続きから再開できます",
        "{job} first": "先に{job}",
        "{job} is at work already": "{job}はすでに実行中です",
        "{job} is out of date": "{job}が古くなっています",
        "{settings} changed": "変更された設定: {settings}",
        "{file} is newer": "{file}の方が新しいです",
        "The video": "動画",
        "The capture": "キャプチャ",
        "The motion": "モーション",
        "The dataset": "データセット",
        "The model": "モデル",
        "Choose a video": "動画を選んでください",
        "The video is not there": "動画が見つかりません",
        "Choose the character's file": "キャラクターのファイルを選んでください",
        "The character's file is not there": "キャラクターのファイルが見つかりません",
        "Choose the character's armature": "キャラクターのアーマチュアを選んでください",
        "The character must be one of {endings}": "キャラクターは {endings} のいずれかでなければなりません",
        "Set up the worker first": "先にワーカーをセットアップしてください",
        "Set up the worker first, above or in the add-on's preferences": "先に、上のボタンかアドオンのプリファレンスでワーカーをセットアップしてください",
        "Set up the worker first, or choose the closed form": "先にワーカーをセットアップするか、「簡易」を選んでください",
        "The demo is running": "デモを実行中です",
        "No job has ended": "終了したジョブはありません",
        "This job is not known any more": "このジョブはもう登録されていません",
        "This job is not known any more; retarget again.": "このジョブはもう登録されていません。もう一度リターゲットしてください。",
        "There is no folder {folder} yet": "フォルダー {folder} はまだありません",
        "The worker did not start: {reason}": "ワーカーが起動しませんでした: {reason}",
        "it said nothing": "出力はありません",
        "The worker stopped without a word; its log says more. Running the job again resumes it.": (
            "ワーカーが突然停止しました。詳細はログを見てください。もう一度実行すると続きから再開します。"
        ),
        "{job} did not end well, so this did not begin. Have {job} done first, then go on with this.": (
            "{job}が正常に終わらなかったため、開始されませんでした。先に{job}を済ませてから続行してください。"
        ),
        "{error}: {path}; look at the worker's path and the output folder.": (
            "{error}: {path}。ワーカーのパスと出力フォルダーを確認してください。"
        ),
        "{error}: {path}; choose another output folder": "{error}: {path}。別の出力フォルダーを選んでください",
        "{error}: {path}; choose another place": "{error}: {path}。別の場所を選んでください",
        "{error}: {path}; close what shows its files, and try again": (
            "{error}: {path}。ファイルを開いているものを閉じて、もう一度試してください"
        ),
        "{error}: {path}; make room on the disk, or look at the path": "{error}: {path}。ディスクの空きかパスを確認してください",
        "{job} failed; Blender's console says more": "{job}に失敗しました。詳細は Blender のコンソールを見てください",
        # Facts
        "solver": "ソルバー",
        "closed form": "簡易",
        "{count} frames, {rate} fps": "{count} フレーム、{rate} fps",
        "{count} pictures": "{count} 枚",
        "{done} of {total} pictures": "{done} / {total} 枚",
        "1 clip": "クリップ 1 個",
        "{count} clips": "クリップ {count} 個",
        "Person {person} of {people}, seen {time}": "{people} 人中の人物 {person}、{time}",
        "{name}, {count} bones": "{name}、ボーン {count} 本",
        # The path
        "Output": "出力",
        "Video": "動画",
        "The video of a person": "人物の動画",
        "From": "元",
        "Person": "人物",
        "Whose place the character takes: 0 is the main person, the others are numbered as they come": (
            "キャラクターに置き換える人物。0 は主な人物、他は現れた順の番号"
        ),
        "Character": "キャラクター",
        "Who takes the person's place": "人物と置き換えるキャラクター",
        "Built-in": "ビルトイン",
        "A character made from a number; another number, another character": "番号から作られるキャラクター。番号ごとに別のキャラクターになります",
        "File": "ファイル",
        "A rigged character from a .glb, .gltf, .vrm, .fbx or .blend file": (
            ".glb、.gltf、.vrm、.fbx、.blend ファイルのリグ付きキャラクター"
        ),
        "In This Scene": "このシーン",
        "A character with a Mixamo rig that is in this scene": "このシーンにある Mixamo リグのキャラクター",
        "Number": "番号",
        "The built-in character's number": "ビルトインキャラクターの番号",
        "A rigged character: .glb, .gltf, .vrm, .fbx or .blend": "リグ付きキャラクター: .glb、.gltf、.vrm、.fbx、.blend",
        "Armature": "アーマチュア",
        "The character's armature": "キャラクターのアーマチュア",
        "Folder for everything that is made. Empty: beside the .blend, or in the add-on's own folder": (
            "作成されたものを入れるフォルダー。空の場合は .blend の隣、またはアドオン自身のフォルダー"
        ),
        "How long to train, in minutes": "学習する時間（分）",
        "Minutes": "分",
        "Size": "サイズ",
        "Side of the character's pictures, in pixels": "キャラクターの画像の一辺（ピクセル）",
        "Pictures": "画像数",
        "How many pictures to render for training": "学習用にレンダーする画像の枚数",
        "Fast": "高速",
        "Capture with one look at each body instead of four: about half the time, less exact. Do It All solves faster too": (
            "体を 4 回ではなく 1 回だけ調べます。時間は約半分ですが、精度は下がります。「すべて実行」では計算も速くなります"
        ),
        "Finds everyone in the video: body, hands and face": "動画の全員の体、手、顔を検出します",
        "Puts the person's motion on the character, and prepares it for the dataset": "動きをキャラクターに移し、データセットに備えます",
        "Renders the character in the person's poses, to learn from": "人物のポーズでキャラクターをレンダーし、学習用の画像にします",
        "Trains the network that draws the character": "キャラクターを描くネットワークを学習します",
        "Draws the character in every frame, as a strip in the sequencer": "全フレームを描き、シーケンサーのストリップにします",
        "The strip needs frames: Generate first": "ストリップにはフレームが必要です。先に生成してください",
        "The frames are in the sequencer": "フレームはシーケンサーにあります",
        # People
        "Seen": "時間",
        "Pixels": "ピクセル",
        "Hands": "手",
        "{person} main": "{person} 主",
        "Capture first: then everyone in the video is listed here": "キャプチャすると、動画の全員がここに表示されます",
        "This Blender's Python has no numpy, so the people cannot be listed; choose one by number.": (
            "この Blender の Python には numpy がないため、一覧を表示できません。番号で選んでください。"
        ),
        "The capture is damaged; capture the video again.": "キャプチャが壊れています。もう一度キャプチャしてください。",
        "And {count} more, by number": "他 {count} 人（番号で選択）",
        "The track has no person {person}: choose one of the list": "人物 {person} は見つかりません。一覧から選んでください",
        "The track has no person {person}; choose one of the list of people.": "人物 {person} は見つかりません。人物一覧から選んでください。",
        # Motion
        "Method": "方式",
        "How the person's motion comes onto the character": "人物の動きをキャラクターに移す方法",
        "Solver": "ソルバー",
        "The whole clip at once, on the worker: feet hold the floor, camera and proportions are found": (
            "ワーカーでクリップ全体を一度に計算します。足が床に着き、カメラと体型が推定されます"
        ),
        "Closed Form": "簡易",
        "Frame by frame, here and at once; no worker is needed. Feet slide more": (
            "ここで 1 フレームずつすぐに計算します。ワーカーは不要ですが、足が滑りやすくなります"
        ),
        "A quarter of the time, a little less exact": "時間は 4 分の 1、精度は少し下がります",
        "What is not known is estimated": "不明な値は推定されます",
        "Focal Length": "焦点距離",
        "Focal Length Is Known": "焦点距離を指定",
        "Hold the focal length; otherwise it is estimated": "焦点距離を固定します。オフの場合は推定されます",
        "The lens the video was filmed with": "動画の撮影に使ったレンズ",
        "Sensor": "センサー",
        "The sensor's length along the picture's longer side; 36 mm where the focal length is a full-frame equivalent": (
            "画像の長辺方向のセンサーの長さ。焦点距離が 35mm 判換算の場合は 36 mm"
        ),
        "Height": "高さ",
        "Height Is Known": "高さを指定",
        "Hold the camera's height; otherwise it is estimated": "カメラの高さを固定します。オフの場合は推定されます",
        "How high above the floor the camera was": "床からのカメラの高さ",
        "Pitch": "ピッチ",
        "Pitch Is Known": "ピッチを指定",
        "Hold the camera's pitch; otherwise it is estimated": "カメラのピッチを固定します。オフの場合は推定されます",
        "How far the camera looked down; up is negative": "カメラが下を向いていた角度。上向きは負の値",
        "Person Height": "身長",
        "Person's Height Is Known": "身長を指定",
        "Hold the person's size; otherwise it is estimated": "身長を固定します。オフの場合は推定されます",
        "How tall the person is": "人物の身長",
        "Camera Height": "カメラの高さ",
        "Camera Pitch": "カメラのピッチ",
        "given": "指定",
        "estimated": "推定",
        "A number from the list of people": "人物一覧の番号",
        "The armature that takes this person's place": "この人物と置き換えるアーマチュア",
        "Together with person {person} and the character above, in one world": "人物 {person} と上のキャラクターとともに、同じ空間で",
        "Together with person {person} and the character above, each beginning where their armature stands": (
            "人物 {person} と上のキャラクターとともに、それぞれのアーマチュアの位置から"
        ),
        "Choose the armature that takes person {person}'s place, or remove the line from the list.": (
            "人物 {person} と置き換えるアーマチュアを選ぶか、一覧から削除してください。"
        ),
        "{name} is in another scene; choose an armature of this one.": (
            "{name} は別のシーンにあります。このシーンのアーマチュアを選んでください。"
        ),
        "Person {person} is in the list twice; remove one of the lines.": "人物 {person} が 2 回登録されています。一方を削除してください。",
        "{name} is to take two people's places; choose another armature for one of them.": (
            "{name} が 2 人に割り当てられています。一方に別のアーマチュアを選んでください。"
        ),
        "{name} moves no mesh; choose the armature that carries the character.": (
            "{name} が動かすメッシュがありません。キャラクターのアーマチュアを選んでください。"
        ),
        "Blender's glTF add-on is switched off; enable it under Preferences, Add-ons.": (
            "Blender の glTF アドオンが無効です。プリファレンスの「アドオン」で有効にしてください。"
        ),
        "Retarget first: then the motion is shaped here, without solving again": (
            "リターゲットすると、再計算なしでモーションをここで調整できます"
        ),
        "{name}, person {person}": "{name}、人物 {person}",
        "{name}: {seconds} s of the video": "{name}: 動画の {seconds} 秒",
        "Too little was seen here to be trusted": "ここでは十分に見えていないため、信頼できません",
        "{video} is not there, so the pose is shown alone": "{video} が見つからないため、ポーズだけを表示します",
        "Blender cannot read {video}, so the pose is shown alone": "Blender が {video} を読めないため、ポーズだけを表示します",
        "Open an image editor to see the video beside the pose": "ポーズと並べて動画を見るには、画像エディターを開いてください",
        "The scene was changed meanwhile; press Live Preview again": (
            "その間にシーンが変更されました。もう一度「ライブプレビュー」を押してください"
        ),
        "This Blender's Python has no numpy": "この Blender の Python には numpy がありません",
        "The motion is being solved, and is put on when it is ready": "モーションを計算中です。完了すると自動的に適用されます",
        "The motion is solved after the capture, and is put on when it is ready": "キャプチャの後にモーションを計算し、完了すると自動的に適用します",
        "This Blender's Python has no numpy, so the character here gets no Action; the later stages need none": (
            "この Blender の Python には numpy がないため、ここのキャラクターにアクションは付きません。後の段階には影響しません"
        ),
        "Nothing was prepared for rendering: {reason}": "レンダーの準備ができませんでした: {reason}",
        "{actions}: frames {first} to {last}": "{actions}: フレーム {first} から {last}",
        "{path}: {count} frames, {rate} fps": "{path}: {count} フレーム、{rate} fps",
        "The solved motion {path} is not there any more; retarget again.": (
            "計算済みのモーション {path} が見つかりません。もう一度リターゲットしてください。"
        ),
        "The bones of {name} were changed since its motion was solved; retarget again.": (
            "計算後に {name} のボーンが変更されています。もう一度リターゲットしてください。"
        ),
        "The scene has no camera in perspective": "シーンに透視投影のカメラがありません",
        "Trim": "トリム",
        "Only a part of the motion": "モーションの一部だけを使います",
        "Start": "開始",
        "Where in the video the motion begins": "動画のどこからモーションが始まるか",
        "End": "終了",
        "Where in the video the motion ends": "動画のどこでモーションが終わるか",
        "Has a Rate": "レートを指定",
        "Resample by time stamps first; otherwise the scene's frames are taken": (
            "先に時刻に従ってリサンプルします。オフの場合はシーンのフレームを使います"
        ),
        "Frame Rate": "フレームレート",
        "Poses a second that are left of the motion": "モーションに残す 1 秒あたりのポーズ数",
        "Has a Start Frame": "開始フレームを指定",
        "Begin at this frame; otherwise the motion is in time with the video, where that lies in the sequencer": (
            "このフレームから始めます。オフの場合は、シーケンサーにある動画と同じ時間に合わせます"
        ),
        "Start Frame": "開始フレーム",
        "The first key's frame": "最初のキーのフレーム",
        "In Place": "その場で",
        "Without the way over the floor": "床の上の移動を取り除きます",
        "Heading": "向き",
        "Turn the whole motion, counter-clockwise seen from above": "モーション全体を回転します。上から見て反時計回り",
        "Has a Floor": "床を指定",
        "Stand at this height; otherwise where the character stood": "この高さに立ちます。オフの場合はキャラクターが立っていた高さ",
        "Floor Height": "床の高さ",
        "The height of the floor that the feet stand on": "足が着く床の高さ",
        "Smooth": "スムーズ",
        "Take away what is faster than this": "これより速い動きを取り除きます",
        "Arm Spread": "腕の開き",
        "Turn the arms away from the body, where a wide body or sleeves are in their way": ("太い体や袖に当たる場合に、腕を体から離します"),
        "Mirror": "ミラー",
        "Exchange left and right": "左右を入れ替えます",
        "Blend In": "ブレンドイン",
        "Frames in which the motion grows out of what the character showed before": "それまでの動きからモーションに移るフレーム数",
        "Blend Out": "ブレンドアウト",
        "Frames in which the motion goes back into what the character showed before": "モーションからそれまでの動きに戻るフレーム数",
        "Blend With": "ブレンド相手",
        "The Action out of which the motion grows, and into which it goes back. None: the pose the character had": (
            "モーションの前後につながるアクション。なしの場合はキャラクターが取っていたポーズ"
        ),
        "Reduces Keys": "キーを削減",
        "Leave out keys that the others nearly tell": "他のキーからほぼ分かるキーを省きます",
        "Key Reduction": "キーの削減",
        "How far a bone may be turned aside by leaving out keys": "キーの省略で許されるボーンの角度のずれ",
        "{count} keys": "キー {count} 個",
        "{count} of {total} keys": "キー {count} / {total} 個",
        "How much of the motion the way through the room has: 1 all of it, 0 none": "移動にモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion the hips' tilt has: 1 all of it, 0 none": "腰の傾きにモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion the spine has: 1 all of it, 0 none": "背骨にモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion neck and head have: 1 all of it, 0 none": "首と頭にモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion the left arm has: 1 all of it, 0 none": "左腕にモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion the right arm has: 1 all of it, 0 none": "右腕にモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion the wrists have: 1 all of it, 0 none": "手首にモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion the fingers have: 1 all of it, 0 none": "指にモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion the legs have: 1 all of it, 0 none": "脚にモーションを適用する割合。1 で全体、0 でなし",
        "How much of the motion expressions have: 1 all of it, 0 none": "表情にモーションを適用する割合。1 で全体、0 でなし",
        "Look here before you trust them: too little was seen": "十分に見えていない箇所です。使う前に確認してください",
        "{first} to {last}": "{first} から {last}",
        "And {count} shorter ones": "他に短いもの {count} 件",
        # Look
        "Outline": "アウトライン",
        "Draw a dark line around the character's parts": "キャラクターの各部に暗い輪郭線を描きます",
        "How wide the line is, against what suits the character's size": "キャラクターの大きさに対する線の太さ",
        "Width": "幅",
        "Against what suits the character's size": "キャラクターの大きさに対する太さ",
        "Tones": "階調",
        "How many colors the light makes of one": "1 つの色を光で何色に分けるか",
        "Two": "2 階調",
        "A lit and a shaded color": "明るい色と影の色",
        "Three": "3 階調",
        "A second, deeper shade as well": "さらに濃い影の色も使います",
        "Light, from above": "ライト（上から）",
        "The tones are seen in Material Preview and Rendered view": "階調はマテリアルプレビューとレンダー表示で見えます",
        "Colors are what they are with the view transform Standard": "ビュー変換が「標準」のとき、色がそのまま表示されます",
        "View Transform": "ビュー変換",
        "Select a character: its armature, or a mesh of it": "キャラクターを選択してください（アーマチュアかメッシュ）",
        "Built-in characters have no other look": "ビルトインキャラクターには他のルックがありません",
        "The selected character has no cel look": "選択したキャラクターにセルルックはありません",
        # Training
        "Preset": "プリセット",
        "How large the network is, and so what machine it is for": "ネットワークの大きさ。どのマシンに向くかが決まります",
        "For minutes on two cores of a processor: soon something to look at": "2 コアの CPU で数分。すぐに結果を見られます",
        "For half an hour and more on a processor with many cores; heads are refined": "多コアの CPU で 30 分以上。頭部も細かくなります",
        "For an hour on a graphics card, or a night on a processor with many cores": "GPU で 1 時間、または多コアの CPU で一晩",
        "For an hour and more on a graphics card with much memory": "メモリの多い GPU で 1 時間以上",
        "For a night on a large graphics card: the most detail": "大型の GPU で一晩。最も細かくなります",
        "{done} of {total}": "{done} / {total}",
        "{time} trained": "{time} 学習済み",
        "Measuring: {progress}": "測定中: {progress}",
        "Step {number}": "ステップ {number}",
        "Loss {number}": "損失 {number}",
        "PSNR {number} dB": "PSNR {number} dB",
        "sharpness {percent} %": "鮮明さ {percent} %",
        "The pictures are being read": "画像を読み込み中です",
        "whole pictures": "画像全体",
        "heads": "頭部",
        "movement": "動き",
        "{view}: right in {percent} %": "{view}: 正解 {percent} %",
        "A discriminator wins ({which}) and is slowed down; the pictures may stay soft": (
            "識別器が優勢です（{which}）。抑制中ですが、画像がぼけたままになる可能性があります"
        ),
        "No side wins: the discriminators are right in {percent} %": "均衡しています: 識別器の正解率 {percent} %",
        "The model there is of the preset {preset}": "既存のモデルのプリセットは「{preset}」です",
        "The model there is of another dataset": "既存のモデルは別のデータセットのものです",
        "{problem}: a training with these settings needs another place": "{problem}。この設定で学習するには別の場所が必要です",
        "waits": "待機中",
        "And {count} more": "他 {count} 件",
        "Minutes Each": "各キャラクターの分数",
        "How long to train each character, in minutes": "各キャラクターを学習する時間（分）",
        "How much longer to train": "追加で学習する時間",
        "Choose a character": "キャラクターを選んでください",
        "Show this character's training below": "このキャラクターの学習を下に表示します",
        "Whether this character is trained": "このキャラクターを学習するかどうか",
        "Picture": "画像",
        "Curves": "カーブ",
        "Pictures it has not been trained on: skeleton, generated, render, and the difference of both": (
            "学習に使っていない画像: スケルトン、生成結果、レンダー、両者の差"
        ),
        "How like and how sharp those pictures are, losses, and how often the discriminators are right": (
            "それらの画像の類似度と鮮明さ、損失、識別器の正解率"
        ),
        "{picture}. In an image editor, where it stays up to date": "{picture}。画像エディターに表示し、自動で更新されます",
        "There is nothing to see yet: the first pictures come after some ten seconds of training": (
            "まだ表示するものがありません。最初の画像は学習開始から数十秒後にできます"
        ),
        "Open an image editor to see the training": "学習を見るには、画像エディターを開いてください",
        "There is no model to train further; press Train first": "追加で学習するモデルがありません。先に「学習」を押してください",
        "It is not known any more what this model was trained on; press Train Characters with more minutes": (
            "このモデルの学習元が分かりません。分数を増やして「キャラクターを学習」を押してください"
        ),
        "A job is at work on this model; wait for it, or stop it": "このモデルのジョブが実行中です。終了を待つか、停止してください",
        "This model is being trained; stop the training first": "このモデルは学習中です。先に学習を停止してください",
        "The model is now in {folder}": "モデルを {folder} に移しました",
        "{character} has no model yet; train it first": "{character} のモデルがまだありません。先に学習してください",
        "The frames are being generated; wait for them, or stop the job": "フレームを生成中です。終了を待つか、ジョブを停止してください",
        "This Blender's Python has no numpy: train with the command line": (
            "この Blender の Python には numpy がありません。コマンドラインで学習してください"
        ),
        "Render the rest first: {done} of {total} samples are there": "先に残りをレンダーしてください: サンプル {done} / {total}",
        # Dataset
        "Of many characters and clips at once. The path above makes one of its own, in step 5": (
            "多数のキャラクターとクリップをまとめて作ります。上の手順では 5 で専用のものが作られます"
        ),
        "Clips": "クリップ",
        "Clip": "クリップ",
        "{name} ({taken} of {listed})": "{name}（{taken} / {listed}）",
        "Name": "名前",
        "What its folder in the dataset is called. Empty: as the file": "データセット内のフォルダー名。空の場合はファイルと同じ",
        "Enabled": "有効",
        "Take it into the dataset": "データセットに入れます",
        "Where the character comes from": "キャラクターの入手元",
        "Characters made from numbers; another number, another character": (
            "番号から作られるキャラクター。番号ごとに別のキャラクターになります"
        ),
        "An armature of this scene with the meshes it moves": "このシーンのアーマチュアと、それが動かすメッシュ",
        "The built-in character's number, or the first one's": "ビルトインキャラクターの番号、または最初の番号",
        "How Many": "数",
        "So many built-in characters, of numbers in a row": "連続した番号のビルトインキャラクターの数",
        "The armature that carries the character": "キャラクターのアーマチュア",
        "Built-in {number}": "ビルトイン {number}",
        "Built-in {first} to {last}": "ビルトイン {first} から {last}",
        "No file": "ファイルなし",
        "No armature": "アーマチュアなし",
        "Where the motion comes from": "モーションの入手元",
        "A motion (.npz), or a clip from a .fbx, .glb, .gltf, .vrma or .bvh file": (
            "モーション（.npz）、または .fbx、.glb、.gltf、.vrma、.bvh ファイルのクリップ"
        ),
        "A motion (.npz), or a clip of another program: .fbx, .glb, .gltf, .vrma or .bvh. It need not be of the same character": (
            "モーション（.npz）、または他のソフトのクリップ: .fbx、.glb、.gltf、.vrma、.bvh。同じキャラクターのものでなくても構いません"
        ),
        "The motion that the Motion panel put onto an armature of this scene, as its controls have it": (
            "モーションパネルでこのシーンのアーマチュアに適用したモーション（コントロールの設定を含む）"
        ),
        "An armature with a motion from the Motion panel": "モーションパネルのモーションを持つアーマチュア",
        "Only a part of the clip": "クリップの一部だけを使います",
        "The first frame, counted from 0": "最初のフレーム（0 から数えます）",
        "The frame after the last one; 0: to the clip's end": "最後の次のフレーム。0 はクリップの終わりまで",
        "Speed": "速度",
        "How fast it is played: each time the clip is gone through takes a value between these two": (
            "再生の速さ。クリップを通すたびに、この 2 つの間の値を取ります"
        ),
        "Mirrored": "左右反転",
        "In how many of the times that it is gone through left and right are exchanged": "左右を入れ替えて通す割合",
        "Used For": "用途",
        "Whether it is trained on, or held out to evaluate with": "学習に使うか、評価用に残すか",
        "Automatic": "自動",
        "Every fifth clip is held out; of fewer than five, each gives its last fifth": (
            "5 個に 1 個を評価用に残します。5 個未満の場合は、それぞれの最後の 5 分の 1"
        ),
        "The whole clip is trained on": "クリップ全体を学習に使います",
        "Held Out": "評価用",
        "The whole clip is held out, to evaluate with": "クリップ全体を評価用に残します",
        "held out": "評価用",
        "training": "学習",
        "Only For": "対象",
        "Names of the characters that it is for, with commas between. Empty: for all": (
            "対象のキャラクター名（カンマ区切り）。空の場合はすべて"
        ),
        "Side of the pictures, in pixels": "画像の一辺（ピクセル）",
        "Limit": "制限",
        "Make so many samples; otherwise every frame of every clip is seen from every camera": (
            "この数のサンプルを作ります。オフの場合は全クリップの全フレームを全カメラから"
        ),
        "Samples": "サンプル数",
        "How many samples to make, of all characters together": "全キャラクター合計のサンプル数",
        "Pose": "ポーズ",
        "Surface": "サーフェス",
        "Motion": "モーション",
        "Skeleton": "スケルトン",
        "Joints and bones in OpenPose's colors": "OpenPose の色の関節とボーン",
        "Limbs": "四肢",
        "A channel for each limb, one-hot, as .npz": "四肢ごとの one-hot チャンネル（.npz）",
        "Capsules": "カプセル",
        "The body as shaded capsules, which hide each other: what Ningyo's own generator is conditioned on": (
            "互いに隠し合う陰影付きカプセルで表した体。Ningyo の生成器の入力です"
        ),
        "Mask": "マスク",
        "White where the character is": "キャラクターのある所が白",
        "Parts": "部位",
        "The number of the body's part at every pixel": "各ピクセルの体の部位の番号",
        "Depth": "深度",
        "Millimetres along the view": "視線方向の距離（ミリメートル）",
        "Normals": "ノーマル",
        "The surface's direction as the camera sees it": "カメラから見た面の向き",
        "UV": "UV",
        "The mesh's UV coordinates": "メッシュの UV 座標",
        "Flow": "フロー",
        "How far every pixel moves to the next frame": "各ピクセルの次のフレームまでの移動",
        "Head Close-Up": "頭部のクローズアップ",
        "A second picture of the head alone, from the same place with a longer lens": "同じ位置から望遠で撮った頭部だけの画像",
        "Has a Size": "サイズを指定",
        "Close-ups of this size; otherwise half of the pictures' size": "クローズアップのサイズ。オフの場合は画像の半分",
        "Close-Up Size": "頭部のサイズ",
        "Side of the heads' pictures, in pixels": "頭部の画像の一辺（ピクセル）",
        "The picture and its exact joints in 2-D and 3-D are always written": "画像と正確な 2D / 3D の関節は常に書き出されます",
        "Around": "周囲",
        "From where around the character pictures are taken": "キャラクターの周囲のどこから撮るか",
        "Angles": "角度",
        "From these angles, counted from the motion's own camera, or from the front": (
            "モーション自身のカメラ、または正面から数えたこれらの角度"
        ),
        "Full Orbit": "全周",
        "From all around, evenly spread": "周囲全体から均等に",
        "Degrees, with commas between; positive is to the character's left": "度（カンマ区切り）。正の値はキャラクターの左",
        "How many stand around the character": "キャラクターの周囲に置く数",
        "Angle": "角度",
        "Jitter Angle": "角度のばらつき",
        "By how much at most a picture's angle may differ": "画像ごとの角度のずれの最大値",
        "How high the cameras are": "カメラの高さ",
        "As the motion's own camera looks down; without one, by 5 degrees": "モーション自身のカメラの見下ろし角。なければ 5 度",
        "Elevation": "仰角",
        "By what angle they look down": "見下ろす角度",
        "Above the Floor": "床からの高さ",
        "How high above the floor they stand": "床からの高さ",
        "By what angle cameras look down: every picture takes a value between these two": (
            "カメラが見下ろす角度。画像ごとにこの 2 つの間の値を取ります"
        ),
        "How high above the floor cameras stand: every picture takes a value between these two": (
            "床からのカメラの高さ。画像ごとにこの 2 つの間の値を取ります"
        ),
        "By how much at most a picture's elevation may differ": "画像ごとの仰角のずれの最大値",
        "Distance": "距離",
        "How far away the cameras are": "カメラまでの距離",
        "As far as the motion's own camera; without one, 2.5 times the character's height": (
            "モーション自身のカメラと同じ距離。なければ身長の 2.5 倍"
        ),
        "So far from the hips": "腰からの距離",
        "Lens": "レンズ",
        "As far as the whole framing needs with this lens on a full-frame camera": ("35mm 判カメラのこのレンズで全体が収まる距離"),
        "How far from the hips cameras stand: every picture takes a value between these two": (
            "腰からカメラまでの距離。画像ごとにこの 2 つの間の値を取ります"
        ),
        "The focal length on a full-frame camera: every picture takes a value between these two": (
            "35mm 判カメラの焦点距離。画像ごとにこの 2 つの間の値を取ります"
        ),
        "By which share at most a picture's distance may differ": "画像ごとの距離のずれの最大の割合",
        "Framing": "フレーミング",
        "What pictures show; of several, each shows one": "画像に写すもの。複数の場合は画像ごとにどれか 1 つ",
        "The whole body": "全身",
        "From the hips up": "腰から上",
        "The head alone": "頭部だけ",
        "By which share of the picture's side at most it may be shifted and scaled": "画像の一辺に対する、ずれと拡大の最大の割合",
        "Consecutive Frames": "連続フレーム数",
        "So many frames of a clip in a row are seen from one camera and in one look. From 2 or more, training learns movement": (
            "クリップのこの数のフレームを、続けて同じカメラと見た目で撮ります。2 以上で動きを学習します"
        ),
        "Variations": "バリエーション",
        "Share of the samples that are random variations of training clips' poses": "学習クリップのポーズをランダムに変えたサンプルの割合",
        "Share of the variations with left and right exchanged": "バリエーションのうち左右を入れ替える割合",
        "Spread": "広がり",
        "How far variations go from the clip's pose": "クリップのポーズからの変化の大きさ",
        "From No Clip": "クリップなし",
        "Share of the samples with poses that no clip has, within what joints can do": (
            "関節の可動範囲内で、どのクリップにもないポーズのサンプルの割合"
        ),
        "Expressions": "表情",
        "Share of the samples with a random expression, where the character's face can show one": (
            "ランダムな表情のサンプルの割合（表情のあるキャラクターのみ）"
        ),
        "Light From": "ライトの方向",
        "Where around the character the light comes from; 0 is its front, positive its left: every picture takes a value between these two": (
            "キャラクターの周囲のライトの方向。0 が正面、正の値が左。画像ごとにこの 2 つの間の値を取ります"
        ),
        "Light Elevation": "ライトの仰角",
        "How high the light stands: every picture takes a value between these two": ("ライトの高さ。画像ごとにこの 2 つの間の値を取ります"),
        "Width of the outline in pixels; 0 is none: every picture takes a value between these two": (
            "アウトラインの幅（ピクセル）。0 はなし。画像ごとにこの 2 つの間の値を取ります"
        ),
        "How many tones a color has": "1 つの色の階調数",
        "Light and shade": "光と影",
        "Light, half-light and shade": "光、中間、影",
        "Either": "どちらか",
        "Two or three, by chance": "2 または 3（ランダム）",
        "Palettes": "パレット",
        "In how many sets of colors each built-in character appears": "ビルトインキャラクターごとの配色の数",
        "Behind": "背後",
        "What is behind the character": "キャラクターの背後",
        "Transparent": "透過",
        "Nothing: pictures are transparent, and can be laid on anything later": "なし。画像は透過で、後から何にでも重ねられます",
        "Colors": "カラー",
        "Color": "カラー",
        "One of these colors": "これらの色のどれか",
        "A color that is behind the character": "キャラクターの背後の色",
        "A part of one of the pictures in a folder": "フォルダーの画像の一部分",
        "Both": "両方",
        "A color, or a part of a picture": "色、または画像の一部分",
        "Folder": "フォルダー",
        "A folder with pictures": "画像のあるフォルダー",
        "Sample": "サンプル",
        "The sample that is shown, counted from 0": "表示するサンプル（0 から数えます）",
        "Seed": "シード",
        "Of everything random: the same number, the same dataset; another one, another dataset": (
            "乱数のシード。同じ番号なら同じデータセット、違う番号なら別のデータセット"
        ),
        "The dataset's folder: a new one, or a dataset to go on with. Empty: one in the folder for everything that is made": (
            "データセットのフォルダー。新規、または続きを作るデータセット。空の場合は出力フォルダーの中"
        ),
        "Limit Processes": "プロセス数を制限",
        "Render with so many processes; otherwise with one a core": "この数のプロセスでレンダーします。オフの場合はコアごとに 1 つ",
        "Processes": "プロセス数",
        "How many processes render at once": "同時にレンダーするプロセスの数",
        "Form": "形式",
        "Which programs the export is for": "どのソフト向けにエクスポートするか",
        "Skeleton and picture side by side (A|B), for pytorch-CycleGAN-and-pix2pix": (
            "スケルトンと画像を横に並べます（A|B）。pytorch-CycleGAN-and-pix2pix 用"
        ),
        "Skeletons and pictures in folders of their own": "スケルトンと画像を別々のフォルダーに",
        "Pictures, conditions and captions, for Hugging Face's datasets and diffusers": (
            "画像、条件、キャプション。Hugging Face の datasets と diffusers 用"
        ),
        "COCO Keypoints": "COCO キーポイント",
        "Keypoints, boxes and segmentations, for pycocotools, MMPose, Detectron2": (
            "キーポイント、ボックス、セグメンテーション。pycocotools、MMPose、Detectron2 用"
        ),
        "Tar shards with every file as it is": "全ファイルをそのまま入れた tar シャード",
        "Pictures, OpenPose JSON and heads, as dance_now reads them": "画像、OpenPose JSON、頭部。dance_now 用",
        "Pictures with their transparency, and OpenPose's JSON": "透過画像と OpenPose の JSON",
        "This Blender's Python has no numpy: render with the command line": (
            "この Blender の Python には numpy がありません。コマンドラインでレンダーしてください"
        ),
        "Enable a character": "キャラクターを有効にしてください",
        "Add a character": "キャラクターを追加してください",
        "Enable a clip": "クリップを有効にしてください",
        "Add a clip": "クリップを追加してください",
        "Sampled poses have no end: limit the samples": "サンプリングされたポーズには終わりがありません。サンプル数を制限してください",
        "Two characters are called {name}: give one of them another name": (
            "{name} という名前のキャラクターが 2 つあります。一方の名前を変えてください"
        ),
        "Two clips are called {name}: give one of them another name": (
            "{name} という名前のクリップが 2 つあります。一方の名前を変えてください"
        ),
        "Choose a framing": "フレーミングを選んでください",
        "Add a color for the background": "背景の色を追加してください",
        "Choose a folder with pictures for the background": "背景の画像のあるフォルダーを選んでください",
        "The folder with pictures for the background is not there": "背景の画像のフォルダーが見つかりません",
        "Choose the clip's file": "クリップのファイルを選んでください",
        "{file} is not there": "{file} が見つかりません",
        "{name} is in another scene": "{name} は別のシーンにあります",
        "Choose the armature with the motion": "モーションのあるアーマチュアを選んでください",
        "{name} has no motion from the Motion panel": "{name} にはモーションパネルのモーションがありません",
        "{name} has no motion from the Motion panel; retarget first, or take another clip.": (
            "{name} にはモーションパネルのモーションがありません。先にリターゲットするか、別のクリップを使ってください。"
        ),
        "The cameras' angles must be numbers with commas between, not {text}": (
            "カメラの角度はカンマ区切りの数値でなければなりません: {text}"
        ),
        "All armatures of this scene are in the list": "このシーンのアーマチュアはすべて一覧にあります",
        "There is no armature in this scene": "このシーンにアーマチュアがありません",
        "All motions of this scene are in the list": "このシーンのモーションはすべて一覧にあります",
        "Retarget first: the Motion panel has no motion": "先にリターゲットしてください。モーションパネルにモーションがありません",
        "{file} is not one of {endings}, or not there": "{file} が見つからないか、{endings} のいずれでもありません",
        "There is no line to remove": "削除する行がありません",
        "Written: {path}": "書き出しました: {path}",
        "The panel cannot hold these of the job just as they are: {parts}. Render such a job by its file": (
            "ジョブの次の設定はパネルでそのまま表せません: {parts}。ジョブファイルからレンダーしてください"
        ),
        "A job is at work on this dataset": "このデータセットのジョブが実行中です",
        "All {count} samples are there": "サンプル {count} 個がすべて揃っています",
        "{done} of {total} samples are there": "サンプル {done} / {total}",
        "The folder holds a dataset of another job: choose another folder, or load its job": (
            "フォルダーに別のジョブのデータセットがあります。別のフォルダーを選ぶか、そのジョブを読み込んでください"
        ),
        "The folder holds other things: choose another one": "フォルダーに別のものがあります。別のフォルダーを選んでください",
        "Render first: there are no samples yet": "サンプルがまだありません。先にレンダーしてください",
        "Every file of the {count} samples is as it was rendered": "サンプル {count} 個のファイルはすべてレンダー時のままです",
        "Cycles is switched off: enable it under Preferences, Add-ons": "Cycles が無効です。プリファレンスの「アドオン」で有効にしてください",
        "Blender is rendering": "Blender がレンダー中です",
        "This Sample": "このサンプル",
        "The sample of this number": "この番号のサンプル",
        "Next": "次",
        "The sample after it": "次の番号のサンプル",
        "Random": "ランダム",
        "Any sample": "どれか 1 つのサンプル",
        "this sample": "このサンプル",
        "the next sample": "次のサンプル",
        "a sample by chance": "ランダムなサンプル",
        "Render {sample} here, as the whole dataset will have it, and show it with its labels in an image editor": (
            "{sample}をデータセットと同じ設定でここでレンダーし、ラベルとともに画像エディターに表示します"
        ),
        "Open an image editor to see the sample": "サンプルを見るには、画像エディターを開いてください",
        "Sample {number} of {total} (0 to {last}), in {seconds} s": "サンプル {number} / {total}（0 から {last}）、{seconds} 秒",
        "From {angle}°": "{angle}°",
        "From {angle}° left": "左 {angle}°",
        "From {angle}° right": "右 {angle}°",
        "{place}, {angle}° up, {distance} m": "{place}、仰角 {angle}°、{distance} m",
        "{clip}, frame {frame}": "{clip}、フレーム {frame}",
        "a pose from no clip": "クリップにないポーズ",
        "varied": "変化あり",
        "mirrored": "左右反転",
        "Face: {expressions}": "表情: {expressions}",
        "Palette {number}, {tones} tones": "パレット {number}、{tones} 階調",
        "Shown: {labels}": "表示: {labels}",
        "Repair": "修復",
        "Render again what is wrong": "不正なものをもう一度レンダーします",
        "Render again just what is missing, cut short or altered": "不足、欠損、変更のあるものだけをもう一度レンダーします",
        # The sequencer
        "Strips from frame {first} to {last}": "ストリップ: フレーム {first} から {last}",
        "{strips}; {count} frames are missing, the one before is held": "{strips}。{count} フレームが不足のため、直前のフレームを保持します",
        "The strips show the new frames": "ストリップは新しいフレームを表示しています",
        "The overlay lies in channel {number}": "オーバーレイはチャンネル {number} にあります",
        "The overlay is being drawn, and is shown when it is ready": "オーバーレイを作成中です。完成すると表示されます",
        "Open an image editor to see the overlay": "オーバーレイを見るには、画像エディターを開いてください",
        "The overlay goes along with the current frame": "オーバーレイは現在のフレームに追従します",
        "The scene has another rate than the video: press again for another frame": (
            "シーンと動画のフレームレートが異なります。別のフレームではもう一度押してください"
        ),
        "Select a strip of generated frames": "生成したフレームのストリップを選択してください",
        "Show the video that the frames were made from": "フレームの元の動画を表示します",
        "Show a plain color": "単色を表示します",
        "Show a picture or a movie of yours": "任意の画像か動画を表示します",
        "None": "なし",
        "Show nothing: the video is muted, and what is rendered is transparent": "何も表示しません。動画はミュートされ、レンダー結果は透過します",
        "The copies' size": "コピーのサイズ",
        "Proxies of {percent} % for {strips}": "{strips} の {percent} % プロキシ",
        "The frames are being made again": "フレームを作り直しています",
        "These frames do not say how they were made; press Generate": "フレームに作成方法の記録がありません。「生成」を押してください",
        "There is no {path} any more; put it back, or press Generate": "{path} が見つかりません。元に戻すか、「生成」を押してください",
        "A job is at work in this output folder; wait for it, or stop it": (
            "この出力フォルダーのジョブが実行中です。終了を待つか、停止してください"
        ),
        "These frames have a background of their own": "これらのフレームには背景が含まれています",
        "The frames have a background of their own": "フレームには背景が含まれています",
        "Model": "モデル",
        "Made": "作成日時",
        "Frames": "フレーム",
        "main": "主",
        "{done} of {total}, {missing} missing": "{done} / {total}、不足 {missing}",
        # The worker
        "The heavy stages run in a Python of their own, the worker.": "重い処理は専用の Python（ワーカー）で実行されます。",
        "Setting it up downloads about {download} GB and takes up to {disk} GB on the disk ({free} GB are free).": (
            "セットアップでは約 {download} GB をダウンロードし、ディスクを最大 {disk} GB 使います（空き {free} GB）。"
        ),
        "Nothing is downloaded; it takes up to {disk} GB on the disk ({free} GB are free).": (
            "ダウンロードはありません。ディスクを最大 {disk} GB 使います（空き {free} GB）。"
        ),
        "The worker is being set up": "ワーカーをセットアップ中です",
        "The worker is of an older version: set it up again": "ワーカーが古いバージョンです。もう一度セットアップしてください",
        "Allow online access in Preferences > System, or choose a folder of wheels": (
            "プリファレンス > システムでオンラインアクセスを許可するか、wheel のフォルダーを選んでください"
        ),
        "Blender's own Python was not found; install Python 3.11 from python.org and choose it as Base Python": (
            "Blender の Python が見つかりません。python.org の Python 3.11 をインストールし、「ベース Python」に選んでください"
        ),
        "Worker's Python": "ワーカーの Python",
        "A Python that has all the worker needs, to use instead of the one that Set Up Worker makes. Empty: look for one": (
            "ワーカーに必要なものがすべて入った Python。セットアップで作られるものの代わりに使います。空の場合は自動で探します"
        ),
        "Compute": "計算デバイス",
        "What training and generating run on": "学習と生成に使うデバイス",
        "Smaller to download; runs everywhere": "ダウンロードが小さく、どこでも動きます",
        "For NVIDIA graphics cards: several gigabytes more to download, and much faster training": (
            "NVIDIA の GPU 用。ダウンロードは数 GB 増えますが、学習がずっと速くなります"
        ),
        "Base Python": "ベース Python",
        "The Python 3.11 to set up the worker with. Empty: look for one on this computer, or fetch one": (
            "ワーカーのセットアップに使う Python 3.11。空の場合はこのコンピューターで探すか、取得します"
        ),
        "Wheels": "wheel",
        "A folder with all packages as wheels, to set up the worker without a network. Empty: download them": (
            "全パッケージの wheel のフォルダー。ネットワークなしでセットアップできます。空の場合はダウンロードします"
        ),
        "Proxy": "プロキシ",
        "Address of a proxy to download through, such as http://host:8080. Empty: the system's settings": (
            "ダウンロードに使うプロキシのアドレス（例: http://host:8080）。空の場合はシステムの設定"
        ),
        "There is no worker yet: set it up below, or choose a Python that has all it needs": (
            "ワーカーがまだありません。下でセットアップするか、必要なものが揃った Python を選んでください"
        ),
        "Found: {path}": "検出: {path}",
        "Looking…": "確認中…",
        "This worker can do everything": "このワーカーはすべて実行できます",
        "There is no worker to check; set it up first": "確認するワーカーがありません。先にセットアップしてください",
        # What buttons do
        "Find everyone in the video: body, hands and face in every frame": "動画の全員を検出します: 全フレームの体、手、顔",
        "Put the people's motions onto their armatures in this scene, as new Actions, and prepare the character for rendering": (
            "人物の動きを新しいアクションとしてこのシーンのアーマチュアに適用し、キャラクターをレンダーできるようにします"
        ),
        "Render the character in the person's poses, as pictures to learn from": "人物のポーズでキャラクターをレンダーし、学習用の画像を作ります",
        "Train the network that draws the character; run again, it goes on where it was": (
            "キャラクターを描くネットワークを学習します。もう一度実行すると続きから再開します"
        ),
        "Draw the character in every frame of the video, and show the frames in the sequencer": (
            "動画の全フレームにキャラクターを描き、シーケンサーに表示します"
        ),
        "All stages in turn, from the video to strips in the sequencer; what is done already is kept": (
            "動画からシーケンサーのストリップまで、全段階を順に実行します。済んだものはそのまま使います"
        ),
        "The whole way on a built-in clip with a built-in character: some fifteen minutes on a slow machine": (
            "内蔵の動画とキャラクターで全段階を試します。遅いマシンで約 15 分"
        ),
        "Ask the job to stop; what it has done is kept, and starting it again goes on from there": (
            "ジョブを停止します。済んだ分は残り、もう一度開始すると続きから再開します"
        ),
        "Start the same job again; it goes on where it was": "同じジョブをもう一度開始し、続きから再開します",
        "Take the jobs that have ended off the list; nothing is deleted from the disk": (
            "終了したジョブを一覧から消します。ディスクからは何も削除されません"
        ),
        "Everything the worker said, in a text editor": "ワーカーの出力をテキストエディターに表示します",
        "Show the folder in the system's file manager": "システムのファイルマネージャーでフォルダーを表示します",
        "Make the Python environment that captures, renders, trains and generates. It can be stopped, and goes on where it was": (
            "キャプチャ、レンダー、学習、生成を行う Python 環境を作ります。途中で停止でき、続きから再開します"
        ),
        "See whether the worker's Python has everything the stages need": "ワーカーの Python に必要なものが揃っているか確認します",
        "Show the generated frames in the sequencer, over their movie": "生成したフレームを、シーケンサーの動画の上に表示します",
        "Have the character take this person's place": "この人物をキャラクターに置き換えます",
        "Show who is who: everyone of the track drawn over the video, as a movie over it in the sequencer": (
            "全員を動画に重ねて描き、誰が誰かをシーケンサーの動画として表示します"
        ),
        "Show who is who in the current frame: the overlay movie in an image editor": (
            "現在のフレームで誰が誰かを、画像エディターのオーバーレイ動画で表示します"
        ),
        "Show the video's pose on the character as you move through time, with the video beside it; nothing is keyed. Press again to end": (
            "時間の移動に合わせて動画のポーズをキャラクターに表示し、動画を横に並べます。キーは打たれません。もう一度押すと終了します"
        ),
        "Put the solved motion onto its armature as a new Action": "計算済みのモーションを新しいアクションとしてアーマチュアに適用します",
        "Make the Action anew by these controls, without solving again. Keys changed by hand are lost: to keep them, duplicate the Action": (
            "再計算せずに、このコントロールでアクションを作り直します。手で変えたキーは失われます。残すにはアクションを複製してください"
        ),
        "Write the motion, changed by these controls, as a BVH file": "コントロールを適用したモーションを BVH ファイルに書き出します",
        "Go to the first of these frames": "最初のフレームに移動します",
        "Take focal length and sensor from the scene's camera, and hold them": "シーンのカメラから焦点距離とセンサーを取得し、固定します",
        "Have another person of the video retargeted, onto an armature of this scene": (
            "動画の別の人物を、このシーンのアーマチュアにリターゲットします"
        ),
        "Take the person out of the list; their motion stays": "人物を一覧から外します。モーションは残ります",
        "Show the selected character in flat tones with an outline; its materials stay as they are, and come back with Remove": (
            "選択したキャラクターを輪郭線付きの平坦な階調で表示します。マテリアルは変わらず、「削除」で元に戻ります"
        ),
        "Show the selected character with its own materials again": "選択したキャラクターを元のマテリアルで表示します",
        "Render one picture by chance here, as Render will make it, and show it with its skeleton in an image editor": (
            "レンダーと同じ設定でランダムな 1 枚をここでレンダーし、スケルトンとともに画像エディターに表示します"
        ),
        "Make these frames again, with the model and the capture as they are now; frames that would be the same are kept": (
            "現在のモデルとキャプチャでフレームを作り直します。同じになるフレームは残します"
        ),
        "What is seen behind the character": "キャラクターの背後に表示するもの",
        "Have Blender make smaller copies of the video, and of frames that have no transparency, so that the preview plays fluently": (
            "動画と透過のないフレームの小さなコピーを作り、プレビューを滑らかに再生します"
        ),
        "Show a training in an image editor, where it stays up to date": "学習を画像エディターに表示し、自動で更新します",
        "Train for so many minutes more: the training goes on where it ended": "この分数だけ追加で学習します。続きから再開します",
        "Keep this model in a folder beside, so that the next training begins anew": (
            "このモデルを隣のフォルダーに移し、次の学習を最初から始められるようにします"
        ),
        "Train a model for each chosen character, one after the other, while Blender stays usable; run again, it goes on where it was": (
            "選んだキャラクターのモデルを順に学習します。Blender はそのまま使えます。もう一度実行すると続きから再開します"
        ),
        "Choose this character": "このキャラクターを選びます",
        "Have this character's model draw it in every frame of the video, and show the frames in the sequencer": (
            "このキャラクターのモデルで動画の全フレームを描き、シーケンサーに表示します"
        ),
        "Add a built-in character, or several at once: every number is another one": (
            "ビルトインキャラクターを 1 つまたは複数追加します。番号ごとに別のキャラクターです"
        ),
        "Add the selected armatures of this scene, or all of them where none is selected, with the meshes that they move": (
            "このシーンの選択したアーマチュアを、動かすメッシュとともに追加します。選択がなければすべて追加します"
        ),
        "Add the motions that the Motion panel put onto armatures of this scene, as its controls have them": (
            "モーションパネルでこのシーンのアーマチュアに適用したモーションを、コントロールの設定のまま追加します"
        ),
        "Add characters from files: .glb, .gltf, .vrm, .fbx or .blend; several may be chosen at once": (
            "ファイルからキャラクターを追加します: .glb、.gltf、.vrm、.fbx、.blend。複数選択できます"
        ),
        "Add clips from files: motions (.npz), or .fbx, .glb, .gltf, .vrma and .bvh of other programs; several may be chosen at once": (
            "ファイルからクリップを追加します: モーション（.npz）、他のソフトの .fbx、.glb、.gltf、.vrma、.bvh。複数選択できます"
        ),
        "Take the chosen line out of the list; no file is touched": "選択した行を一覧から外します。ファイルには触れません",
        "Move the chosen line: samples are numbered in the list's order": "選択した行を移動します。サンプルの番号は一覧の順です",
        "Add a color that is behind the character in some of the pictures": "一部の画像でキャラクターの背後に置く色を追加します",
        "Write these settings as a job file, which the command line renders as well; what comes from this scene is written beside it": (
            "設定をジョブファイルに書き出します。コマンドラインでもレンダーできます。このシーンのデータは隣に書き出されます"
        ),
        "Set this panel to a job file (.toml), or to the job of a dataset (its job.json)": (
            "ジョブファイル（.toml）またはデータセットのジョブ（job.json）をパネルに読み込みます"
        ),
        "Render one sample of this dataset here, as the whole dataset will have it, and show it with its labels in an image editor": (
            "このデータセットのサンプル 1 つをここでレンダーし、ラベルとともに画像エディターに表示します"
        ),
        "Render the dataset on the worker, while Blender stays usable; where its folder holds a part of it already, go on with it": (
            "ワーカーでデータセットをレンダーします。Blender はそのまま使えます。フォルダーに一部があれば続きから再開します"
        ),
        "Look at every file of the dataset: is anything missing, cut short or altered?": (
            "データセットの全ファイルを調べます: 不足、欠損、変更がないか"
        ),
        "A page of pictures that says what is in the dataset and what it lacks; it opens in the browser when it is ready": (
            "データセットの内容と不足を示すページを作ります。完成するとブラウザーで開きます"
        ),
        "Write the dataset as other programs read it, in a folder beside it; the dataset stays as it is": (
            "他のソフトが読める形で、隣のフォルダーにデータセットを書き出します。元のデータセットは変わりません"
        ),
        "Leave what is in the folder as it is, and choose a new one beside it": "フォルダーの中身はそのままにして、隣に新しいフォルダーを選びます",
        "Keep the steps' settings under a name, or remove the ones of a name": "手順の設定を名前を付けて保存、または削除します",
        "Keep the dataset's settings, without characters and clips, under a name, or remove the ones of a name": (
            "データセットの設定（キャラクターとクリップを除く）を名前を付けて保存、または削除します"
        ),
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
        "Retry": "再試行",
        "Log": "ログ",
        "Open Folder": "フォルダーを開く",
        "Show Overlay": "オーバーレイを表示",
        "Overlay Frame": "オーバーレイのフレーム",
        "Choose": "選択",
        "Preferences": "プリファレンス",
        "Set Up Worker": "ワーカーをセットアップ",
        "Set Up Again": "もう一度セットアップ",
        "Check": "確認",
        "Live Preview": "ライブプレビュー",
        "Put on Armature": "アーマチュアに適用",
        "Apply": "適用",
        "Export BVH": "BVHをエクスポート",
        "Export BVH…": "BVHをエクスポート…",
        "Go There": "移動",
        "From Scene Camera": "シーンのカメラから",
        "Add a Person": "人物を追加",
        "Remove": "削除",
        "Cel Look": "セルルック",
        "Preview a Picture": "1 枚プレビュー",
        "Redo": "作り直す",
        "Reveal Folder": "フォルダーを表示",
        "Background": "背景",
        "Video": "動画",
        "Color": "カラー",
        "File": "ファイル",
        "None": "なし",
        "Proxies": "プロキシ",
        "Make Proxies": "プロキシを作成",
        "Show Training": "学習を表示",
        "Curves": "カーブ",
        "Train More": "追加学習",
        "Train More…": "追加学習…",
        "Set Model Aside": "モデルを退避",
        "Train Characters": "キャラクターを学習",
        "Choose Character": "キャラクターを選択",
        "Built-in": "ビルトイン",
        "Files…": "ファイル…",
        "From This Scene": "このシーンから",
        "Add Characters": "キャラクターを追加",
        "Add Clips": "クリップを追加",
        "Move": "移動",
        "Add Color": "カラーを追加",
        "Add": "追加",
        "Load Job": "ジョブを読み込む",
        "Load Job…": "ジョブを読み込む…",
        "Load Its Job": "そのジョブを読み込む",
        "Save Job": "ジョブを保存",
        "Save Job…": "ジョブを保存…",
        "Preview": "プレビュー",
        "This Sample": "このサンプル",
        "Next": "次",
        "Random": "ランダム",
        "Render Dataset": "データセットをレンダー",
        "Continue": "続ける",
        "New Folder": "新規フォルダー",
        "Verify": "検証",
        "Repair": "修復",
        "Statistics": "統計データ",
        "Export": "エクスポート",
        "Add Ningyo Preset": "Ningyo プリセットを追加",
        "Add Dataset Preset": "データセットのプリセットを追加",
    },
    # Ours, where Blender's own catalogue has another meaning of the word.
    "Ningyo": {
        "Characters": "キャラクター",
        "Body": "体",
        "Upper Body": "上半身",
        "Head": "頭",
        "Face": "顔",
        "Hands": "手",
        "Root": "ルート",
        "Hips": "腰",
        "Torso": "胴体",
        "Left Arm": "左腕",
        "Right Arm": "右腕",
        "Fingers": "指",
        "Legs": "脚",
        "Framing": "フレーミング",
        "Preset": "プリセット",
        "Tiny": "極小",
        "Small": "小",
        "Medium": "中",
        "Large": "大",
        "Extra Large": "特大",
    },
}
