//! YAML writing, for generated files: two spaces, lists indented below their key, every string that YAML 1.1 or 1.2
//! would read as something else quoted.

use serde::Serialize;

/// Serialises a value as one document without `---`, with a final newline.
///
/// # Panics
/// When `value` serialises to something YAML cannot say, such as a map with collection keys: our own types do not.
pub fn to_string<T: Serialize>(value: &T) -> String {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: false,
        folded_wrap_chars: usize::MAX,
    };
    serde_saphyr::to_string_with_options(value, options).expect("generated values are maps with text keys")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_what_yaml_1_1_would_misread_and_indents_lists() {
        let text = to_string(&json!({"a": ["on", "0777", "2024-01-01", "x"], "b": {"c": "no"}}));
        insta::assert_snapshot!(text);
    }
}
