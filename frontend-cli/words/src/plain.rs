//! Texts of strangers without what could control a terminal or deceive their reader.

use std::borrow::Cow;

/// A text without what could control a terminal or deceive its reader: control characters except
/// line feeds, bidirectional controls, and invisible characters.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    without(text, |part| part != '\n' && is_hidden(part))
}

/// The same on one line: an untrusted text cannot start another.
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.contains(['\n', '\t']) {
        let spaced = text.replace(['\n', '\t'], " ");
        return Cow::Owned(without(&spaced, is_hidden).into_owned());
    }
    without(text, is_hidden)
}

fn without(text: &str, unwanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unwanted) {
        return Cow::Borrowed(text);
    }
    // First complete escape sequences, then the rest of broken ones.
    let mut kept = String::new();
    let mut parts = text.chars().peekable();
    while let Some(part) = parts.next() {
        if part == '\u{1b}' && parts.next_if_eq(&'[').is_some() {
            while parts.next_if(|part| matches!(part, ' '..='?')).is_some() {}
            parts.next_if(|part| matches!(part, '@'..='~'));
        } else if !unwanted(part) {
            kept.push(part);
        }
    }
    Cow::Owned(kept)
}

/// Whether a character is not seen, or changes how others are seen.
#[must_use]
pub fn is_hidden(part: char) -> bool {
    part.is_control()
        || matches!(
            part,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_stranger_says_commands_the_terminal_or_deceives() {
        let cases = [
            ("plain, ünï 漢字\nlines", "plain, ünï 漢字\nlines"),
            ("a\u{1b}[2Jb", "ab"),
            ("a\u{1b}[31;1mb\u{1b}[0m", "ab"),
            ("a\u{1b}]0;title\u{7}b", "a]0;titleb"),
            ("a\u{9b}2Jb\r", "a2Jb"),
            ("pay \u{202e}001\u{202c} to", "pay 001 to"),
            ("\u{2066}x\u{2069}\u{200b}y\u{feff}", "xy"),
            ("\u{1b}[", ""),
        ];
        for (text, shown) in cases {
            assert_eq!(plain(text), shown, "{text:?}");
        }
        assert_eq!(one_line(" a\nb\u{1b}[1A\tc "), "a b c");
    }
}
