//! The words of the report in each language, side by side so that none is forgotten.

use crate::archive::value::Word;
use crate::replay::Timing;
use crate::report::ReportedCommand;
use crate::text;
use crate::transcript::commands::CommandFlaw;
use crate::transcript::commands::CommandKind;
use crate::transcript::decoder::FlawKind;

/// Declares every text once, in English and Japanese.
macro_rules! words {
    ($($name:ident: $en:literal, $ja:literal;)*) => {
        /// The texts of one language. `{0}`, `{1}` are filled in.
        #[derive(Debug)]
        pub(super) struct Words {
            pub(super) lang: &'static str,
            $(pub(super) $name: &'static str,)*
        }

        pub(super) const EN: Words = Words { lang: "en", $($name: $en,)* };
        pub(super) const JA: Words = Words { lang: "ja", $($name: $ja,)* };

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($en, $ja),)*];
    };
}

words! {
    title: "Session audit report", "セッション監査報告書";
    subtitle: "Who ran what over AWS Systems Manager Session Manager", "AWS Systems Manager Session Manager で誰が何を実行したか";
    skip: "Skip to the content", "本文へ";
    contents: "Contents", "目次";
    scope: "What this report covers", "この報告書の範囲";
    window: "Window", "期間";
    beginning: "the beginning of the archive", "アーカイブの最初";
    end: "the end of the archive", "アーカイブの最後";
    to: "{0} to {1}", "{0} から {1} まで";
    filters: "Filters", "絞り込み";
    all_sessions: "none: every session of the window", "なし: 期間のすべてのセッション";
    accounts: "Accounts", "アカウント";
    regions: "Regions", "リージョン";
    unknown: "unknown", "不明";
    not_told: "{0} of the sessions do not tell their account", "{0} 件のセッションはアカウントを示していません";
    archive: "Archive", "アーカイブ";
    archive_holds: "{0} sessions, {1} transcripts", "セッション {0} 件、トランスクリプト {1} 件";
    digest: "Digest of all its transcripts (SHA-256)", "全トランスクリプトのダイジェスト (SHA-256)";
    head: "Head of the archive's chain", "アーカイブの連鎖の先頭";
    made_with: "Made with", "作成";
    decoder: "decoder {0}", "デコーダー {0}";
    times_in: "Times", "時刻";
    secrets: "Secrets", "秘密";
    secrets_masked: "masked ({0} in commands); the same secret has the same mark", "伏せた (コマンド中 {0} 件)。同じ秘密は同じ印";
    secrets_shown: "SHOWN as they are, by request", "求めにより、そのまま表示";
    summary: "Summary", "要約";
    summary_empty: "No session of the archive lies in this window and matches the filters.", "この期間と条件に当てはまるセッションはありません。";
    summary_sessions: "{0} by {1} on {2}, with {3}.", "{1}が {2}で {0}を開き、{3}を打ちました。";
    owners_n: "{0} known owners", "{0} 人の所有者";
    owner_1: "1 known owner", "1 人の所有者";
    sessions_n: "{0} sessions", "{0} 件のセッション";
    session_1: "1 session", "1 件のセッション";
    targets_n: "{0} targets", "{0} 台の接続先";
    target_1: "1 target", "1 台の接続先";
    commands_n: "{0} commands", "{0} 個のコマンド";
    command_1: "1 command", "1 個のコマンド";
    summary_root: "In {0} something was done as root.", "{0}で root としての操作がありました。";
    summary_abandoned: "Also typed, and not run: {0}. Listed and marked, not counted.", "ほかに {0}が打たれましたが、実行されていません。印を付けて載せ、数には入れていません。";
    summary_unconfirmed: "Also typed, and nothing tells whether it ran: {0}. Listed and marked, not counted.", "ほかに {0}が打たれましたが、実行されたかどうかは分かりません。印を付けて載せ、数には入れていません。";
    not_run: "not run", "未実行";
    unconfirmed: "unconfirmed", "未確認";
    damaged: "damaged", "破損";
    summary_no_root: "In no session was anything seen to be done as root.", "root としての操作は見られませんでした。";
    summary_notable: "To be read first: {0}, listed under “Notable commands” with the reason.", "{0}を先に読んでください。理由とともに「注目すべきコマンド」に挙げます。";
    summary_no_notable: "No command is of a kind that should be read first.", "先に読むべき種類のコマンドはありません。";
    summary_flaws: "With a flaw that a reader must know of: {0}; see “Limits”.", "{0}に、読む前に知るべき欠点があります。「限界」を見てください。";
    summary_places: "Of the checks on the places where transcripts are kept, {0} fail, {1} are unknown and {2} pass.", "トランスクリプトの保存先の検査は、不合格 {0} 件、不明 {1} 件、合格 {2} 件でした。";
    summary_damage: "Part of the archive could not be read: this report is not complete; see “Limits”.", "アーカイブの一部が読めませんでした。この報告書は完全ではありません。「限界」を見てください。";
    limits_inferred: "Commands are inferred from what the terminal showed. One that was not recognised is missing here; the transcript itself is the evidence.", "コマンドは端末の表示から推定しています。認識されなかったものはここにありません。証拠はトランスクリプトそのものです。";
    passed_over: "Passed over", "対象外";
    retention: "Retention", "保存期間";
    outcome: "Outcome", "結果";
    severity: "Severity", "重大度";
    resource: "Resource", "リソース";
    findings_language: "What the checks say is in English.", "検査の文は英語のままです。";
    findings_rest: "{0} more pass, are not applicable or are for information; the JSON, CSV and spreadsheet forms have them.", "ほかの {0} 件は合格、対象外、参考です。JSON、CSV、表計算の形にあります。";
    accepted: "accepted until {0}: {1}", "{0} まで容認: {1}";
    activity: "Activity", "動き";
    per_day: "Sessions by day", "日ごとのセッション";
    per_week: "Sessions by week", "週ごとのセッション";
    per_month: "Sessions by month", "月ごとのセッション";
    by_owner: "Sessions by owner", "所有者ごとのセッション";
    by_target: "Sessions by target", "接続先ごとのセッション";
    with_notable: "with notable commands", "注目すべきコマンドあり";
    others_n: "and {0} more", "ほか {0} 件";
    numbers: "The same in numbers", "数で見る";
    notable: "Notable commands", "注目すべきコマンド";
    notable_note: "A rule says what was typed, never what was meant: each line is a place to read, not an accusation. A command can stand in several places.", "規則は何が打たれたかを示し、意図は示しません。各行は読むべき場所であり、非難ではありません。一つのコマンドが複数の場所に現れることがあります。";
    notable_none: "None of the rules speaks on any command.", "どの規則にも当てはまるコマンドはありません。";
    who_ran_what: "Who ran what", "誰が何を実行したか";
    commands_note: "Commands are inferred from what the terminal showed; “sure” is the probability that the text is exactly what was typed.", "コマンドは端末の表示から推定しています。「確かさ」は、打たれたとおりである確率です。";
    filter_hint: "words that must all occur", "すべて含む語";
    filter_commands: "Filter commands", "コマンドを絞り込む";
    filter_sessions: "Filter sessions", "セッションを絞り込む";
    only_notable: "notable only", "注目すべきもののみ";
    shown_of: "{0} of {1}", "{1} 件中 {0} 件";
    previous: "Previous", "前へ";
    next: "Next", "次へ";
    page: "Page {0} of {1}", "{1} ページ中 {0} ページ";
    when: "When", "時";
    owner: "Owner", "所有者";
    containing: "contains {0}", "{0} を含む";
    target: "Target", "接続先";
    user: "User", "ユーザー";
    command: "Command", "コマンド";
    sure: "Sure", "確かさ";
    session: "Session", "セッション";
    sessions: "Sessions", "セッション";
    commands: "Commands", "コマンド";
    play: "Play", "再生";
    flaws: "Flaws", "欠点";
    player: "Session player", "セッション再生";
    player_note: "What the session showed, line by line. How fast it was typed is not recorded, so lines play at an even pace; the time of a line is shown where it is recorded (`ssmtrail replay` plays at the recorded pace).", "セッションが表示したものを行ごとに再生します。打つ速さは記録にないため、一定の速さで再生します。行の時刻は、記録があれば表示します (`ssmtrail replay` は記録された速さで再生します)。";
    player_pick: "Choose a session with “Play” above, or here", "上の「再生」、またはここで選んでください";
    player_pause: "Pause", "一時停止";
    player_next: "Next command", "次のコマンド";
    player_previous: "Previous command", "前のコマンド";
    player_speed: "Speed", "速さ";
    player_end: "End of what is embedded here", "ここに含まれる部分の終わり";
    player_left: "{0} of {1} sessions are embedded here, those with notable commands first; `ssmtrail replay` plays the others.", "{1} 件中 {0} 件をここに含みます(注目すべきコマンドのあるものから)。残りは `ssmtrail replay` で再生できます。";
    pace_recorded: "times as recorded", "時刻は記録のとおり";
    pace_partly: "times recorded in part", "時刻は一部だけ記録";
    pace_reconstructed: "no times recorded", "時刻の記録なし";
    left_to_csv: "Here are {0} of {1}, the notable first; all of them are in the CSV and JSON forms.", "{1} 件中 {0} 件を、注目すべきものを先に示します。すべては CSV と JSON にあります。";
    left_to_twins: "Here are the first {0} of {1}; all of them are in the CSV and JSON forms.", "{1} 件中最初の {0} 件です。すべては CSV と JSON にあります。";
    coverage: "Coverage", "網羅";
    coverage_note: "This report speaks of sessions that left a transcript. Sessions that AWS knows of and that left none are not known here: the archive holds no session records.", "この報告書はトランスクリプトを残したセッションについて述べます。AWS が知っていて何も残さなかったセッションは、アーカイブにセッションの記録がないため分かりません。";
    findings: "Retention and encryption", "保存と暗号化";
    findings_none: "No survey of the places was given. `ssmtrail verify --save-survey FILE` takes one, and `ssmtrail report --survey FILE` judges it here.", "保存先の調査は与えられていません。`ssmtrail verify --save-survey FILE` で調べ、`ssmtrail report --survey FILE` でここに示せます。";
    findings_taken: "Settings as AWS told them at {0}, judged by the promise “{1}”.", "{0} に AWS が示した設定を、約束「{1}」で判定したものです。";
    check: "Check", "検査";
    place: "Place", "場所";
    seen: "Seen", "見たもの";
    promised: "Promised", "約束";
    frameworks: "Frameworks", "基準";
    evidence: "Evidence", "証拠";
    evidence_note: "Every transcript that this report was read from. The digest is SHA-256 of the bytes as their source held them.", "この報告書のもとになったすべてのトランスクリプト。ダイジェストは、保存先にあったままのバイトの SHA-256 です。";
    locator: "Where it lay", "あった場所";
    version: "Version", "版";
    sha256: "SHA-256", "SHA-256";
    size: "Size", "大きさ";
    stored: "Stored", "保存";
    encryption: "Encryption", "暗号化";
    limits: "Limits", "限界";
    limits_echo: "Session Manager records what the terminal showed. What was typed without echo left nothing, and no tool can find it.", "Session Manager が記録するのは端末の表示です。エコーなしで打たれたものは何も残らず、どの道具にも見つけられません。";
    limits_owner: "The recorded machine writes its transcripts: the owner, target and user in them are its claims. Where only a file tells of a session, its owner is the hint in its id and no proof.", "トランスクリプトは記録される機械が書きます。そこにある所有者、接続先、ユーザーは機械の主張です。ファイルだけから知られるセッションの所有者は、ID にある手がかりであり、証明ではありません。";
    limits_possible: "{0} texts that may have been typed or printed are left out as merely possible (`ssmtrail search --possible`).", "打たれたのか表示されたのか定まらない {0} 個の文は、可能性にとどまるものとして除いています (`ssmtrail search --possible`)。";
    limits_timeless: "Without any known time: {0}.", "時刻がまったく分からないもの: {0}。";
    limits_window: "A session lies in the window by its first event where it was streamed, else by its end.", "セッションは、ストリーミングされていれば最初のイベント、そうでなければ終了の時刻で期間に入ります。";
    unreadable: "Could not be read", "読めなかったもの";
    flaw_count: "{0}: {1}", "{0}: {1}";
    more_n: "{0} more", "ほか {0} 件";
    no_javascript: "Sorting, filtering and playing need JavaScript; the first rows are shown without it, and all are in the CSV files.", "並べ替え、絞り込み、再生には JavaScript が必要です。なくても最初の行は表示され、すべては CSV にあります。";
}

impl Words {
    /// What a flaw says.
    pub(super) fn flaw(&self, flaw: FlawKind) -> &'static str {
        if self.lang != "ja" {
            return flaw.says();
        }
        match flaw {
            FlawKind::Empty => "トランスクリプトにバイトがない",
            FlawKind::NoFooter => "途中まで: フッターがなく、終わりも欠けているかもしれない",
            FlawKind::FakeFrame => "出力にトランスクリプトのフッターに似た行がある",
            FlawKind::InvalidUtf8 => "破損: UTF-8 でないバイト",
            FlawKind::Nul => "出力に NUL バイト",
            FlawKind::TimeWithoutZone => "ヘッダーの時刻に時間帯がなく、終わりの時刻が分からない",
            FlawKind::VersionsDropped => "保持できる回数より多く行が描き直された",
            FlawKind::EventUnreadable => "読めないイベントがある",
            FlawKind::Lossy => {
                "ストリーミング: エージェントが制御バイトを除いたため、編集の跡が残る"
            }
            FlawKind::ObjectDamaged => "オブジェクトの一部しか読めず、その部分を保持している",
            FlawKind::Panes => {
                "tmux または screen が画面を描いたため、そこでの入力は一部しか復元できない"
            }
            FlawKind::PromptUnknown => {
                "プロンプトを見分けられないまま行が編集されたため、コマンドが欠けている"
            }
            FlawKind::NotEchoed => {
                "パスワードのように表示されずに入力されたものがあり、そのバイトは残っていない"
            }
            FlawKind::KeptDamaged => {
                "アーカイブが以前に保持したものを読めないため、保存先から読み直した"
            }
            FlawKind::Diverges => "セッションの二つの写しが同じ行を示さない",
            FlawKind::Clock => "機械が主張する時刻は、記録が保存された時刻からみてありえない",
            FlawKind::Masked => {
                "データ保護ポリシーがログイベントをマスクしたため、隠されたものは残っていない"
            }
            FlawKind::IdDiffers => {
                "トランスクリプトが、ストリームやファイルの名前とは別のセッション ID を主張している"
            }
            FlawKind::ScreenKept => {
                "プログラムが全画面を使ったまま終わったため、その間の入力は可能性としてのみ示す"
            }
            FlawKind::Repeated => {
                "ログイベントが二度届いた。ID で同一と証明できるものは一度だけ保持"
            }
            FlawKind::Replaced => "保存先でオブジェクトが置き換えられた。古い版も保持している",
        }
    }

    /// How much of a session's times is recorded.
    pub(super) fn pace(&self, pace: Timing) -> &'static str {
        match pace {
            Timing::Recorded => self.pace_recorded,
            Timing::Partly => self.pace_partly,
            Timing::Reconstructed => self.pace_reconstructed,
        }
    }

    /// What stands behind a command that is not known to have run.
    pub(super) fn mark(&self, kind: &Word<CommandKind>) -> Option<&'static str> {
        match kind.known() {
            Some(CommandKind::Shell | CommandKind::Repl) => None,
            Some(CommandKind::Abandoned) => Some(self.not_run),
            // Of a kind that is not known here nobody knows either.
            Some(CommandKind::Unconfirmed | CommandKind::Possible) | None => Some(self.unconfirmed),
        }
    }

    /// All that stands behind a command: that it is not known to have run, and that its text was damaged on the way.
    pub(super) fn marks(&self, it: &ReportedCommand) -> Option<String> {
        let is_damaged = it.flaws.contains(&CommandFlaw::Damaged.into());
        let damaged = is_damaged.then_some(self.damaged);
        let marks: Vec<&str> = self.mark(&it.kind).into_iter().chain(damaged).collect();
        (!marks.is_empty()).then(|| marks.join(", "))
    }

    /// Picks one of a pair in English and Japanese.
    pub(super) fn pick(&self, pair: (&'static str, &'static str)) -> &'static str {
        if self.lang == "ja" { pair.1 } else { pair.0 }
    }

    /// `1 session`, `2 sessions`.
    pub(super) fn many(&self, number: u64, one: &str, more: &str) -> String {
        if number == 1 { one.to_owned() } else { fill(more, &[&text::count(number)]) }
    }

    pub(super) fn sessions(&self, number: u64) -> String {
        self.many(number, self.session_1, self.sessions_n)
    }

    pub(super) fn commands(&self, number: u64) -> String {
        self.many(number, self.command_1, self.commands_n)
    }
}

/// Fills `{0}`, `{1}` in; once, so that what is filled in is never taken for a place.
pub(super) fn fill(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let place = rest.as_bytes().get(at + 1).map(|it| usize::from(it.wrapping_sub(b'0')));
        match place.and_then(|it| values.get(it)) {
            Some(value) => {
                out.push_str(value);
                rest = &rest[at + 3..];
            }
            None => {
                out.push('{');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_leave_the_same_places_open() {
        for (en, ja) in ALL {
            for place in ["{0}", "{1}", "{2}", "{3}"] {
                assert_eq!(en.contains(place), ja.contains(place), "{en} / {ja}");
            }
            assert!(!en.is_empty() && !ja.is_empty());
        }
    }

    #[test]
    fn what_is_filled_in_is_no_place() {
        assert_eq!(fill("{0} of {1}", &["{1}", "x"]), "{1} of x");
        assert_eq!(fill("a {", &["x"]), "a {");
    }
}
