//! What was found in the bytes → what the page does: text, single controls, and sequences, read here where they are whole and
//! plain, and by the parser where not.

use unicode_width::UnicodeWidthChar;
use vte::Params;
use vte::Parser;
use vte::Perform;

use crate::transcript::screen::cells;
use crate::transcript::screen::drawn::Item;
use crate::transcript::screen::drawn::ToldWhen;
use crate::transcript::screen::drawn::bits;
use crate::transcript::screen::page::Page;
use crate::transcript::screen::sequences;
use crate::transcript::screen::sequences::Numbers;

impl Page {
    /// Draws what stands at the start of `bytes`, the parser being at rest: bytes used, and whether it still is.
    pub(super) fn read(&mut self, parser: &mut Parser, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let run = sequences::printable(rest);
            if run > 0 {
                self.print_run(&rest[..run]);
                at += run;
                continue;
            }
            match rest[0] {
                it @ (b'\r' | 0x08 | b'\t' | 0x07) => {
                    self.execute(it);
                    at += 1;
                }
                0x1b => {
                    let Some(used) = sequences::whole_sequence(rest) else { break };
                    if !self.sequence(&rest[..used]) {
                        parser.advance(self, &rest[..used]);
                    }
                    at += used;
                    if self.raw.stop {
                        return (at, true);
                    }
                }
                _ => {
                    let Some(ch) = sequences::character(rest) else { break };
                    self.print(ch);
                    at += ch.len_utf8();
                }
            }
        }
        if at == 0 {
            return (parser.advance_until_terminated(self, bytes).max(1), false);
        }
        (at, at == bytes.len())
    }

    /// Follows a whole control sequence of the plainest kind: parameters of digits alone. `false` if it is another.
    pub(super) fn sequence(&mut self, bytes: &[u8]) -> bool {
        let after_24 = std::mem::replace(&mut self.input.cleared.after_24, bytes == b"\x1b[24m");
        if let [0x1b, b']', inside @ .., 7] | [0x1b, b']', inside @ .., 0x1b, b'\\'] = bytes {
            // Window titles, which many shells send with each prompt.
            let mut parts = inside.splitn(3, |it| *it == b';');
            let parts: [&[u8]; 3] = std::array::from_fn(|_| parts.next().unwrap_or_default());
            self.osc_dispatch(&parts, false);
            return true;
        }
        let [0x1b, b'[', inside @ .., action] = bytes else { return false };
        if *action == b'm' {
            let mut style = self.pen.style;
            let Some((quiet, _)) = sequences::painted(bytes, &mut style) else { return false };
            self.raw.printed = false;
            self.restyle(style, quiet);
            return true;
        }
        let (inside, private) = match inside {
            [b'?', rest @ ..] => (rest, true),
            _ => (inside, false),
        };
        let mut numbers = Numbers::default();
        for part in inside.split(|it| *it == b';') {
            let Some(number) = sequences::number(part) else { return false };
            numbers.push(number);
        }
        self.raw.printed = false;
        if *action == b'J' && after_24 {
            self.input.cleared.by_zle = true;
            self.prompt_inside();
            self.prompt_anew(true);
        }
        self.control_sequence(&numbers, private, char::from(*action));
        true
    }

    pub(super) fn mode(&mut self, numbers: &Numbers, on: bool) {
        for number in numbers.held() {
            match (*number, on) {
                (2004, on) if self.raw.lossy => self.streamed_mark(on),
                (2004, true) => {
                    self.input.marks.opened = true;
                    self.raw.stop = true;
                }
                (2004, false) => {
                    self.input.marks.closed = true;
                    self.raw.stop = true;
                }
                (1, on) => self.input.keypad_left = !on,
                (1049 | 1047 | 47, true) => self.enter_screen(),
                (1049 | 1047 | 47, false) => self.leave_screen(),
                _ => {}
            }
        }
    }

    /// Streaming keeps a mark or deletes it as the rest of its line decides: there it only announces.
    fn streamed_mark(&mut self, on: bool) {
        let (row, col) = (self.main.row, self.main.col);
        // At Enter a line ends; one that its editor ends and begins anew without was thrown away.
        let thrown_away = col > 0 && self.input.breaks_off(row, col, on);
        if on && !thrown_away && self.alt.is_none() && self.main.here().title_col == 0 {
            self.main.here_mut().title_col = cells::as_column(col).saturating_add(1);
        }
    }

    pub(super) fn control_sequence(&mut self, numbers: &Numbers, private: bool, action: char) {
        if private {
            if matches!(action, 'h' | 'l') {
                self.mode(numbers, action == 'h');
            }
            return;
        }
        let count = numbers.first(1) as usize;
        let times = count as u64;
        if matches!(action, 'K' | 'P' | '@' | 'X') {
            // What changes the row under the cursor undoes the margin, as in xterm (ResetWrap).
            self.sheet().wrap_due = false;
        }
        match action {
            'A' => {
                self.input.right_is_not_due();
                self.up(times);
            }
            'B' | 'e' => {
                self.input.right_is_not_due();
                if count == 1 && self.leaves_absolute() {
                    // So reline leaves a line that was entered.
                    self.line_feed();
                } else {
                    self.down(times);
                }
            }
            'C' | 'a' => self.right(count),
            'D' => self.left(count),
            'E' => {
                self.down(times);
                self.column(0);
            }
            'F' => {
                self.up(times);
                self.column(0);
            }
            'G' | '`' => {
                self.by_number(count - 1);
                self.column(count - 1);
                self.motion.jumped = true;
            }
            'd' => {
                let col = self.sheet().col;
                self.address(times - 1, col);
            }
            'H' | 'f' => self.address(times - 1, numbers.second(1) as usize - 1),
            'J' => match numbers.first(0) {
                0 => self.erase_below(),
                2 => self.new_page(),
                _ => {}
            },
            'K' => self.erase_line(numbers.first(0)),
            'P' => self.delete_cells(count),
            '@' => self.insert_cells(count),
            'X' => {
                let col = self.sheet().col;
                self.erase_in_row(col, (col + count).min(cells::ROW_CELLS_MAX));
            }
            'L' => self.insert_rows(times),
            'M' => self.delete_rows(times),
            'b' => self.repeat(count),
            'r' => self.set_margins(times, numbers.second(0).into()),
            'n' if numbers.first(0) == 6 => self.asks_where(),
            's' => self.save(),
            'u' => self.restore(),
            _ => {}
        }
    }

    /// The program asks where the cursor stands: see [`bits::ASKED`].
    fn asks_where(&mut self) {
        if self.alt.is_none() {
            let col = self.main.col;
            let row = self.row();
            row.bits |= bits::ASKED;
            row.goes_back_to(col);
        }
    }

    /// Colours as the parser gives them: what colons join is one part of several numbers.
    pub(super) fn paint(&mut self, params: &Params) {
        let codes = params.iter().flat_map(|part| match part {
            [kind @ (38 | 48), 2, .., red, green, blue] => vec![*kind, 2, *red, *green, *blue],
            [kind @ (38 | 48), 5, .., colour] => vec![*kind, 5, *colour],
            _ => vec![part[0]],
        });
        let mut style = self.pen.style;
        let quiet = sequences::colours(codes, &mut style);
        self.restyle(style, quiet);
    }

    fn restyle(&mut self, style: u8, quiet: bool) {
        if style & !self.pen.style & cells::INVERSE != 0 {
            self.pasted_below();
        }
        self.pen.style = style;
        if !quiet && self.alt.is_none() {
            // A colour changed under the cursor.
            let col = cells::as_column(self.main.col);
            let row = self.main.here_mut();
            row.paint_col = row.paint_col.max(col);
        }
    }

    /// See [`ToldWhen`].
    fn told(&mut self, command: &[u8], when: ToldWhen) {
        let text = String::from_utf8_lossy(command);
        self.out.push_title(&text, TOLD_CHARS, |nth| Item::Told(nth, when));
    }
}

/// Longer commands are not compared with what is told.
const TOLD_CHARS: usize = 4096;

/// As much of a window title as is kept.
const TITLE_CHARS: usize = 512;

/// `%20` → blank.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    decoded(text, b'%', |it| byte_of(it.get(..2)?).map(|it| (it, 2)))
}

/// `\x3b` → `;`, `\\\\` → `\\`.
fn backslash_decoded(text: &[u8]) -> Vec<u8> {
    decoded(text, b'\\', |it| match it.first()? {
        b'x' => byte_of(it.get(1..3)?).map(|it| (it, 3)),
        other => Some((*other, 1)),
    })
}

fn decoded(text: &[u8], sign: u8, escape: impl Fn(&[u8]) -> Option<(u8, usize)>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let escaped = if *first == sign { escape(behind) } else { None };
        let (byte, used) = escaped.unwrap_or((*first, 0));
        out.push(byte);
        rest = &behind[used..];
    }
    out
}

/// The byte that two hex digits are. A number may have a sign, and an escape may not.
fn byte_of(digits: &[u8]) -> Option<u8> {
    let mut byte = [0];
    hex::decode_to_slice(digits, &mut byte).ok()?;
    Some(byte[0])
}

impl Perform for Page {
    fn print(&mut self, ch: char) {
        let mut bytes = [0; 4];
        let bytes = ch.encode_utf8(&mut bytes).as_bytes();
        if ch.is_ascii() {
            self.print_run(bytes);
            return;
        }
        self.raw.printed = true;
        self.input.print();
        self.input.see_carets(bytes);
        match UnicodeWidthChar::width(ch).unwrap_or(0) {
            0 => {
                let sheet = self.sheet();
                let at = sheet.col.saturating_sub(usize::from(!sheet.wrap_due)) as u32;
                let row = self.row();
                if row.marks.len() < 1024 {
                    let behind = row.marks.partition_point(|it| it.0 <= at);
                    row.marks.insert(behind, (at, ch));
                }
            }
            wide => self.put(ch, wide),
        }
    }

    fn execute(&mut self, byte: u8) {
        self.raw.printed = false;
        match byte {
            b'\n' | 0x0b | 0x0c => {
                self.input.caret_c = 0;
                self.motion.cr_right = None;
                self.line_feed();
            }
            b'\r' => {
                self.input.right_is_not_due();
                self.carriage_return();
            }
            0x08 => self.back(1),
            b'\t' => {
                let sheet = self.sheet();
                let col = sheet.col;
                let row = self.row();
                if col == row.cells.len() && col < cells::ROW_CELLS_MAX {
                    cells::tab(&mut row.cells);
                }
                self.column((col / 8 + 1) * 8);
            }
            7 => self.row().bits |= bits::BELL,
            0 => {
                let at = self.raw.at.0;
                self.out.nul.get_or_insert((at, 0)).1 += 1;
            }
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, between: &[u8], _ignored: bool, action: char) {
        self.raw.printed = false;
        let private = between.first() == Some(&b'?');
        if action == 'm' && between.is_empty() {
            self.paint(params);
        } else if private || between.is_empty() {
            let mut numbers = Numbers::default();
            params.iter().for_each(|it| numbers.push(it[0]));
            self.control_sequence(&numbers, private, action);
        }
    }

    fn esc_dispatch(&mut self, between: &[u8], _ignored: bool, byte: u8) {
        self.raw.printed = false;
        if !between.is_empty() {
            return;
        }
        match byte {
            b'7' => self.save(),
            b'8' => self.restore(),
            b'M' => {
                let sheet = self.sheet();
                if sheet.margins.is_some_and(|it| it.0 == sheet.row) {
                    self.insert_rows(1);
                } else {
                    self.up(1);
                }
            }
            b'D' => self.line_feed(),
            b'E' => {
                self.line_feed();
                self.column(0);
            }
            b'c' => {
                self.leave_screen();
                self.new_page();
            }
            _ => {}
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell: bool) {
        self.raw.printed = false;
        match params {
            [b"0" | b"2", title @ ..] => {
                let text = String::from_utf8_lossy(title.first().copied().unwrap_or_default());
                self.out.push_title(&text, TITLE_CHARS, Item::Title);
                let has_sign = || ["$ ", "# ", "% ", "> "].iter().any(|it| text.contains(it));
                if !self.raw.spans_lines && has_sign() {
                    // What was typed into a string that a bell ended.
                    self.hide(text.as_bytes(), self.raw.at.0, self.raw.at.1);
                }
                self.input.titled_row = Some(self.main.row);
                if self.alt.is_none() {
                    self.main.here_mut().title_col =
                        cells::as_column(self.main.col).saturating_add(1);
                }
            }
            [b"133", b"C", rest @ ..] if !rest.is_empty() => {
                let rest = rest.join(&b';');
                let mut parts = rest.split(|it| *it == b';');
                if let Some(url) = parts.find_map(|it| it.strip_prefix(b"cmdline_url=")) {
                    self.told(&percent_decoded(url), ToldWhen::Starts);
                }
            }
            [b"633", b"E", rest @ ..] => {
                // Semicolons of the command are escaped; behind it stands a nonce.
                let rest = rest.join(&b';');
                let command = rest.split(|it| *it == b';').next().unwrap_or_default();
                self.told(&backslash_decoded(command), ToldWhen::Starts);
            }
            [b"777", b"notify", rest @ ..] => {
                let rest = rest.join(&b';');
                if let Some(command) = rest.strip_prefix(b"Command completed;") {
                    self.told(command, ToldWhen::Ended);
                }
            }
            [b"133" | b"633", [b'B', ..], ..] if self.alt.is_none() => {
                // The prompt ends here, says the shell itself.
                let col = cells::as_column(self.main.col);
                let row = self.row();
                row.low_col = col;
                row.paint_col = col;
            }
            _ => {}
        }
    }

    fn terminated(&self) -> bool {
        self.raw.stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_has_two_hex_digits_and_no_sign() {
        assert_eq!(percent_decoded(b"a%20b%+f%2"), b"a b%+f%2");
        assert_eq!(backslash_decoded(b"a\\x3bb\\x+f"), b"a;b\\x+f");
    }
}
