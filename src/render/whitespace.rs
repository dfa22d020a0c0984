//! `trim_blocks` and `lstrip_blocks` for Tera, which has neither.
//!
//! A block or comment loses the newline behind it, and the indentation before it when it starts its line. Tera strips
//! white space *inside* a tag, so both are moved there. The text keeps its length and every other token its offset:
//! spans that Tera reports are valid in the original.

/// Block and comment delimiters of the library, as (start, end).
const TRIMMED: [(&str, &str); 2] = [("#%", "%#"), ("#|", "|#")];
/// Delimiters of printed values, which are left alone.
const VALUE: (&str, &str) = ("#{", "}#");

/// Returns the text with the white space around block and comment tags moved into them.
pub(super) fn trim(text: &str) -> String {
    let mut out: Vec<u8> = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(start) = text[at..].find('#').map(|i| at + i) {
        let rest = &text[start..];
        if rest.starts_with(VALUE.0) {
            at = rest.find(VALUE.1).map_or(text.len(), |i| start + i + 2);
        } else if let Some((_, end)) = TRIMMED.iter().find(|(open, _)| rest.starts_with(open)) {
            let Some(close) = rest[2..].find(end).map(|i| start + 2 + i) else {
                break;
            };
            shift_indentation(text, &mut out, start);
            shift_newline(text, &mut out, close);
            at = close + 2;
        } else {
            at = start + 1;
        }
    }
    String::from_utf8(out).expect("only ASCII bytes change places")
}

/// Moves the blanks between the start of the line and the tag to behind the tag's start delimiter.
fn shift_indentation(text: &str, out: &mut [u8], start: usize) {
    // Back over the blanks alone: a line may hold many tags.
    let line = text[..start].trim_end_matches([' ', '\t']).len();
    let blank = line == 0 || text.as_bytes()[line - 1] == b'\n';
    let dash = matches!(text.as_bytes().get(start + 2), Some(b'-'));
    if blank && !dash {
        out[line..start + 2].rotate_right(2);
    }
}

/// Moves the newline behind the tag to before the tag's end delimiter.
fn shift_newline(text: &str, out: &mut [u8], close: usize) {
    let dash = text.as_bytes()[close - 1] == b'-';
    if text.as_bytes().get(close + 2) == Some(&b'\n') && !dash {
        out[close..close + 3].rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::trim;

    #[test]
    fn white_space_moves_into_the_tags() {
        for (before, after) in [
            (
                "a\n  #% if x %#\nb\n#% endif %#\n",
                "a\n#%   if x \n%#b\n#% endif \n%#",
            ),
            ("#| note |#\na", "#| note \n|#a"),
            ("a #% if x %#b#% endif %#\n", "a #% if x %#b#% endif \n%#"),
            ("  #{ x }#\n", "  #{ x }#\n"),
            ("  #%- if x -%#\n", "  #%- if x -%#\n"),
            ("# a comment\n#{ '#% %#' }#\n", "# a comment\n#{ '#% %#' }#\n"),
            ("é #% if x %#\n", "é #% if x \n%#"),
        ] {
            assert_eq!(trim(before), after);
            assert_eq!(trim(before).len(), before.len());
        }
    }
}
