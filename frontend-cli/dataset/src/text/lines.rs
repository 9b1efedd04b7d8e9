//! A text without its blank lines and comments, which remembers where each line was.

/// The lines that hold cells.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// These lines, joined.
    pub(super) text: String,
    /// The number of each in the file, counted from one.
    pub(super) numbers: Vec<u64>,
    /// Number of comments.
    pub(super) comments: usize,
    /// The comment right above the first line, without its mark: it may be a header.
    pub(super) heading: Option<String>,
    /// The separator that a first line `sep=;` states.
    pub(super) separator: Option<char>,
}

/// Leaves out blank lines and those that begin with `#`. Inside of quotes a line is kept.
pub(super) fn lines(text: &str) -> Lines {
    let mut kept = Lines { text: String::with_capacity(text.len()), ..Lines::default() };
    let (mut is_quoted, mut heading) = (false, None);
    for (number, line) in (1..).zip(text.lines()) {
        if !is_quoted {
            if line.trim().is_empty() {
                continue;
            }
            if let Some(comment) = line.trim_start().strip_prefix('#') {
                kept.comments += 1;
                heading = Some(comment.trim().to_owned());
                continue;
            }
            if let Some(separator) = stated_separator(line).filter(|_| kept.numbers.is_empty()) {
                kept.separator = Some(separator);
                continue;
            }
        }
        if kept.numbers.is_empty() {
            kept.heading = heading.take();
        }
        is_quoted ^= line.matches('"').count() % 2 == 1;
        kept.text.push_str(line);
        kept.text.push('\n');
        kept.numbers.push(number);
    }
    kept
}

/// Excel's first line about the separator.
fn stated_separator(line: &str) -> Option<char> {
    let mut rest = line.strip_prefix("sep=").or_else(|| line.strip_prefix("SEP="))?.chars();
    rest.next().filter(|_| rest.as_str().trim().is_empty())
}
