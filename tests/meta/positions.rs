//! Who knows where YAML text lies: `crates/yaml` alone. Everybody else asks it for places, and gives them back as edits.

use super::{code, sources};

/// What a place in a text is computed with: line breaks that are looked for, spans that are added to or cut, brackets that
/// are looked for at the start of a node, texts that are changed in place.
const WAYS: [&str; 19] = [
    r"find('\n')",
    r#"find("\n")"#,
    r"find(['\n'",
    r"split_inclusive('\n')",
    r"matches('\n').count()",
    r"match_indices('\n'",
    "replace_range(",
    "['[', '{']",
    "['{', '[']",
    "span.start..",
    "span.end..",
    "..span.start",
    "..span.end",
    "span.start +",
    "span.start -",
    "span.end +",
    "span.end -",
    "last_byte(",
    "line_start(text",
];

/// The modules that do it with other texts, and which.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("crates/yaml/", "it is the place"),
    ("crates/sops/src/ops/merge.rs", "lines of any text, to merge them"),
    ("src/merge/diff3.rs", "lines of any text, to merge them"),
    (
        "src/source.rs",
        "the lines of every text, for findings, and stars in place of secrets",
    ),
    ("src/known.rs", "lines of any text, masked"),
    (
        "src/config/mask.rs",
        "lines of a text that need not be YAML, masked",
    ),
    (
        "src/world/secrecy/",
        "documents and lines of a text that need not be YAML",
    ),
    ("src/check/substitution.rs", "variables of Flux in any text"),
    ("src/jinja/error.rs", "lines of a template"),
    ("src/raw/settings.rs", "lines of TOML"),
    ("src/world/lock.rs", "lines of the lock"),
    ("src/cli/secrets/edit.rs", "a line number in what `$EDITOR` left"),
    ("src/cli/secrets/install_git.rs", "lines of git's files"),
];

/// Returns the first way that a line goes.
fn way(line: &str) -> Option<&'static str> {
    WAYS.into_iter().find(|way| line.contains(way))
}

#[test]
fn places_in_yaml_text_are_computed_in_one_crate() {
    let mut used = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for (path, text) in sources() {
        let path = path.display().to_string().replace('\\', "/");
        if path.ends_with("tests.rs") || path.contains("/tests/") {
            continue;
        }
        for (number, line) in code(&text) {
            let Some(way) = way(line) else { continue };
            match EXCEPTIONS
                .iter()
                .find(|(exception, _)| path.starts_with(exception))
            {
                Some((exception, _)) => {
                    used.insert(*exception);
                }
                None => found.push(format!("{path}:{}: `{way}`", number + 1)),
            }
        }
    }
    assert_eq!(
        found, [""; 0],
        "ask `yaml::layout` and `yaml::line` for the place, and change texts with `yaml::Edit`"
    );
    let listed: std::collections::BTreeSet<&str> =
        EXCEPTIONS.iter().map(|(exception, _)| *exception).collect();
    assert_eq!(used, listed, "an exception that is not needed any more");
}

#[test]
fn every_way_of_the_editors_that_there_were_is_seen() {
    for line in [
        r"text[..offset].rfind('\n').map_or(0, |at| at + 1)",
        r"let flow = self.text[value.span.start..].starts_with(['{', '[']);",
        r"let line = text[..at].matches('\n').count() + 1;",
        "self.text.replace_range(range, &new);",
        "value.span.start + name + colon + 1..value.span.end - quote",
        "let end = last_byte(self.text, value).max(key.span.end);",
    ] {
        assert!(way(line).is_some(), "{line}");
    }
    for line in [
        "let at = line::end(text, child.end);",
        "edits.push(Edit::new(node.span.clone(), new));",
        "text.split_inclusive('/')",
    ] {
        assert_eq!(way(line), None, "{line}");
    }
}
