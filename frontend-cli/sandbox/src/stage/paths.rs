//! Paths in the box.

use std::path::{Component, Path, PathBuf};

use anyhow::{Result, ensure};

/// Where an absolute path of the box is while its root is still a folder.
///
/// - Errors: the path leads elsewhere
pub(super) fn inside(root: &Path, path: &Path) -> Result<PathBuf> {
    let is_plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    let is_fit = path.is_absolute() && path.components().all(is_plain);
    ensure!(is_fit, "{} is no path of the box", path.display());
    Ok(root.join(path.strip_prefix("/")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_root() {
        let root = Path::new("/root");
        assert_eq!(inside(root, Path::new("/in/data")).unwrap(), root.join("in/data"));
        for path in ["in/data", "/in/../..", "..", ""] {
            assert!(inside(root, Path::new(path)).is_err(), "{path}");
        }
    }
}
