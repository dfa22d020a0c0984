//! Keys that existing configurations may hold and nothing here renders yet. They are not in the schema; using one gets
//! a message that says so.

/// One key a line, sorted; a key of node entries has the prefix `nodes.`.
const KEYS: &str = include_str!("unsupported.txt");

/// Returns whether `key` is known but not supported yet. `in_node` tells keys of node entries from top-level ones.
pub fn is_unsupported(key: &str, in_node: bool) -> bool {
    KEYS.lines().any(|line| match line.strip_prefix("nodes.") {
        Some(line) => in_node && line == key,
        None => !in_node && line == key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn the_list_is_sorted_and_disjoint_from_the_schema() {
        let lines: Vec<_> = KEYS.lines().collect();
        assert!(lines.is_sorted(), "sort src/config/unsupported.txt");
        for key in schema::keys().top() {
            assert!(!is_unsupported(key, false), "`{key}` is supported now");
        }
        for key in schema::keys().node() {
            assert!(!is_unsupported(key, true), "`{key}` is supported now");
        }
    }
}
