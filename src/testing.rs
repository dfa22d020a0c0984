//! Helpers of the tests. Not part of the program.

use std::path::Path;

use serde_json::Value;

/// Returns JSON as it is committed: two spaces, final newline.
pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Asserts that a committed generated file is current; with `CLUSTERWRIGHT_UPDATE=1` (that is, `just gen`) it is
/// rewritten instead.
///
/// # Panics
/// When the file is stale.
#[expect(
    clippy::disallowed_methods,
    reason = "tests read their switch from the environment"
)]
pub(crate) fn assert_current(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var("CLUSTERWRIGHT_UPDATE").is_ok() {
        std::fs::write(&path, expected).expect("the repository is writable");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} is stale: run `just gen`", path.display());
}
