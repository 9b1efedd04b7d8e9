//! Freezing: weights that keep their values, chosen by their names in the file.

use super::TrainRefused;

/// Whether a name fits a pattern, in which `*` stands for any text and `?` for any character.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.chars().collect::<Vec<_>>(), name.chars().collect::<Vec<_>>());
    // Where the last `*` is, and up to where in the name it reaches.
    let (mut at, mut star) = ((0, 0), None);
    while at.1 < name.len() {
        match pattern.get(at.0) {
            Some('*') => {
                star = Some((at.0, at.1));
                at.0 += 1;
            }
            Some(part) if *part == '?' || *part == name[at.1] => at = (at.0 + 1, at.1 + 1),
            _ => {
                let Some((place, reach)) = star else { return false };
                star = Some((place, reach + 1));
                at = (place + 1, reach + 1);
            }
        }
    }
    pattern[at.0..].iter().all(|part| *part == '*')
}

/// For each name, whether a pattern freezes it.
///
/// - Errors: `Freeze` for a pattern that fits no name
pub(super) fn frozen(names: &[String], patterns: &[String]) -> Result<Vec<bool>, TrainRefused> {
    let without = |pattern: &&String| !names.iter().any(|name| fits(pattern, name));
    if let Some(pattern) = patterns.iter().find(without) {
        let names = names.join(", ");
        return Err(TrainRefused::Freeze { pattern: pattern.clone(), names });
    }
    let is_frozen = |name: &String| patterns.iter().any(|pattern| fits(pattern, name));
    Ok(names.iter().map(is_frozen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_names() {
        for (pattern, name, expected) in [
            ("conv1.weight", "conv1.weight", true),
            ("conv1", "conv1.weight", false),
            ("conv*", "conv1.weight", true),
            ("*.bias", "fc.bias", true),
            ("*.bias", "fc.bias.x", false),
            ("l?.*", "l1.w", true),
            ("l?.*", "l12.w", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*", "", true),
            ("?", "", false),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
