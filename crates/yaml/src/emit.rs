//! YAML writing, for generated files: two spaces, lists indented below their key, every string that YAML 1.1 or 1.2
//! would read as something else quoted.

use std::fmt::Write as _;

use serde::Serialize;
use zeroize::Zeroizing;

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

/// Writes a text in double quotes, in escapes that JSON knows wherever possible.
pub fn double_quoted(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(6 * text.len() + 2));
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_printable(c) => out.push(c),
            _ if u32::from(c) <= 0xFFFF => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            _ => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// Returns whether a text may stand in YAML unescaped.
pub fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
        && u32::from(c) & 0xFFFE != 0xFFFE
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
