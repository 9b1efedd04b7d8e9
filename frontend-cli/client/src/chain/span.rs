//! How many blocks to ask for at once: what an endpoint refuses for its size is made smaller, and
//! grows again.

/// The most blocks in one request.
const BLOCKS_MAX: u64 = 100_000;

/// Answers in a row after which a refused size is tried again.
const CALM: u32 = 16;

/// Words of endpoints that refuse a request for logs because of its size.
const SIZE_WORDS: [&str; 13] = [
    "block range",
    "block_range",
    " range",
    "ranges",
    "too many blocks",
    "maximum of",
    "at most",
    "results",
    "too large",
    "response size",
    "query timeout",
    "exceed max",
    "exceeds limit",
];

/// The number of blocks per request.
#[derive(Debug)]
pub(super) struct Span {
    blocks: u64,
    ceiling: u64,
    /// The limit that the endpoint stated, which does not change.
    stated: Option<u64>,
    /// Answers since the last refusal.
    calm: u32,
}

impl Span {
    pub(super) const fn new() -> Self {
        Self { blocks: 2_000, ceiling: BLOCKS_MAX, stated: None, calm: 0 }
    }

    /// The number of blocks to ask for.
    pub(super) const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Notes an answer.
    pub(super) fn grow(&mut self) {
        self.calm += 1;
        if self.calm == CALM {
            self.calm = 0;
            // Perhaps those blocks alone had too much in them.
            self.ceiling = self.ceiling.saturating_mul(2).min(self.stated.unwrap_or(BLOCKS_MAX));
        }
        self.blocks = self.blocks.saturating_mul(2).min(self.ceiling);
    }

    /// Notes a refusal of `asked` blocks, in the endpoint's words; false if there is no smaller
    /// request.
    pub(super) fn shrink(&mut self, asked: u64, words: &str) -> bool {
        if asked <= 1 {
            return false;
        }
        let limit = stated_limit(words, asked).filter(|_| self.stated.is_none());
        self.stated = limit.or(self.stated);
        self.blocks = limit.unwrap_or(asked / 2);
        (self.ceiling, self.calm) = (self.blocks, 0);
        true
    }
}

/// Whether an endpoint's words refuse the size of a request.
pub(super) fn is_about_size(words: &str) -> bool {
    let words = words.to_lowercase();
    !words.contains("requests per") && SIZE_WORDS.iter().any(|part| words.contains(part))
}

/// The limit in blocks that an endpoint states while it refuses `asked` blocks.
fn stated_limit(words: &str, asked: u64) -> Option<u64> {
    let words = words.to_lowercase();
    // Of results there may be fewer in as many blocks elsewhere.
    if words.contains("result") || !(words.contains("range") || words.contains("block")) {
        return None;
    }
    let numbers = words
        .split(|part: char| !part.is_ascii_alphanumeric() && part != ',' && part != '_')
        .filter_map(|word| {
            let word = word.replace([',', '_'], "");
            match word.strip_suffix('k') {
                Some(thousands) => thousands.parse::<u64>().ok()?.checked_mul(1_000),
                None => word.parse().ok(),
            }
        });
    // The largest that would have been taken: others are block numbers, or parts of a version.
    numbers.filter(|number| (1..asked).contains(number)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_the_words_of_endpoints() {
        for (words, asked, limit) in [
            ("block range exceeds 2000", 5_000, Some(2_000)),
            ("query exceeds the maximum of 400 blocks", 2_000, Some(400)),
            ("eth_getLogs is limited to a 10,000 range", 16_000, Some(10_000)),
            ("ranges over 10k blocks are not supported", 16_000, Some(10_000)),
            ("requests with up to a 10 block range", 2_000, Some(10)),
            ("block range too large: 3001 > 2000", 3_001, Some(2_000)),
            ("query returned more than 10000 results", 16_000, None),
            ("response size exceeded, reduce the block range", 2_000, None),
        ] {
            assert!(is_about_size(words), "{words}");
            assert_eq!(stated_limit(words, asked), limit, "{words}");
        }
        assert!(!is_about_size("at most 10 requests per second"));
        for words in ["header not found", "unauthorized", "execution reverted", "internal error"] {
            assert!(!is_about_size(words), "{words}");
        }
    }

    #[test]
    fn a_stated_limit_is_kept_to_at_once() {
        let mut span = Span::new();
        assert!(span.shrink(2_000, "block range exceeds 7"));
        for _ in 0..100 {
            assert!(span.blocks() <= 7);
            span.grow();
        }
        assert_eq!(span.blocks(), 7);
        // It was a lie, or of something else.
        assert!(span.shrink(7, "block range exceeds 5"));
        assert_eq!(span.blocks(), 3);
        assert!(!span.shrink(1, "block range exceeds 5"));
    }

    #[test]
    fn a_range_made_smaller_for_its_results_grows_again() {
        let mut span = Span::new();
        while span.blocks() > 7 {
            assert!(span.shrink(span.blocks(), "query returned more than 10000 results"));
        }
        for _ in 0..400 {
            span.grow();
        }
        assert_eq!(span.blocks(), BLOCKS_MAX);
    }
}
