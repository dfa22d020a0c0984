//! Numbers with their word.

/// Returns a number of things in words, where more of them are called by the same word with an `s`.
///
/// ```
/// use clusterwright::diag::counted;
/// assert_eq!([counted(0, "file"), counted(1, "file"), counted(2, "file")], ["0 files", "1 file", "2 files"]);
/// ```
pub fn counted(count: usize, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}
