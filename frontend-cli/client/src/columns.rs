//! Texts in columns, measured as a terminal shows them: some scripts take two cells a character.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A text in a column of `width` cells: filled up with spaces, or cut off with an ellipsis.
#[must_use]
pub fn column(text: &str, width: usize) -> String {
    let mut cell = String::from(text);
    if text.width() > width {
        cell.clear();
        let mut room = width.saturating_sub(1);
        for part in text.chars() {
            let taken = part.width().unwrap_or(0);
            if taken > room {
                break;
            }
            room -= taken;
            cell.push(part);
        }
        cell.push('…');
    }
    let fill = width.saturating_sub(cell.width());
    cell.extend(std::iter::repeat_n(' ', fill));
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_hold_in_any_script() {
        for (text, width, shown) in [
            ("abc", 5, "abc  "),
            ("漢字", 5, "漢字 "),
            ("漢字漢字", 6, "漢字… "),
            ("漢字漢字", 8, "漢字漢字"),
            ("abcdef", 4, "abc…"),
            ("ｈｉ", 6, "ｈｉ  "),
            ("é\u{301}x", 3, "é\u{301}x "),
            ("", 2, "  "),
        ] {
            assert_eq!(column(text, width), shown, "{text:?}");
            assert_eq!(column(text, width).width(), width, "{text:?}");
        }
    }
}
