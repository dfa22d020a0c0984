//! Guards around secret tokens in rendered text.

use std::ops::Range;

use crate::catalog::TemplateFile;
use crate::config::Vault;
use crate::diag::{Diagnostic, Diagnostics};

use super::engine::source;

/// A token outside of a SOPS file would be written in clear.
pub(super) fn check_absent(file: &TemplateFile, text: &str, vault: &Vault, diags: &mut Diagnostics) {
    let mut seen: Vec<&str> = Vec::new();
    for (range, key) in vault.find_tokens(text) {
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let line = yaml::line::number(text, range.start);
        let message = format!(
            "`{}` puts the secret `{key}` into a file that is not encrypted",
            file.output.file_name()
        );
        let diagnostic = Diagnostic::error("secret/in-clear", message)
            .note(format!(
                "it would stand in clear in line {line} of `{}`",
                file.output
            ))
            .help("put it under `stringData` of a Secret in a `*.sops.yaml` file and refer to that Secret");
        let diagnostic = point_at(diagnostic, file, key, diags);
        diags.push(diagnostic);
    }
}

/// Renders with other tokens must differ in the tokens only: otherwise a filter, a comparison or a slice looked at one.
pub(super) fn check_untouched(
    file: &TemplateFile,
    text: &str,
    again: Option<&str>,
    vault: &Vault,
    diags: &mut Diagnostics,
) {
    if again.is_none_or(|again| vault.normalise(text) == vault.normalise(again)) {
        return;
    }
    let message = "the template looks into a secret; it may only place it, whole, or ask whether it is set";
    let diagnostic = Diagnostic::error("secret/transformed", message)
        .help("remove the filter, comparison or slice from the secret");
    if let Some(place) = looked_into(&file.text, vault.secret_names()) {
        let id = source(file, diags);
        diags.push(diagnostic.at(id.span(place), "read here"));
        return;
    }
    let name = vault
        .secret_names()
        .find(|name| file.text.contains(name))
        .unwrap_or("secrets");
    let diagnostic = point_at(diagnostic, file, name, diags);
    diags.push(diagnostic);
}

/// Returns the first place where a tag does more with a secret than to place it, or to ask whether it is set.
fn looked_into<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Option<Range<usize>> {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let does_more = |at: usize, end: usize| {
        let (before, behind) = (
            text.get(..at).unwrap_or_default(),
            text.get(end..).unwrap_or_default(),
        );
        let open = ["#{", "#%", "{{", "{%"]
            .iter()
            .filter_map(|open| before.rfind(open))
            .max();
        let close = ["}#", "%#", "}}", "%}"]
            .iter()
            .filter_map(|close| behind.find(close))
            .min();
        let (Some(open), Some(close)) = (open, close) else {
            return false;
        };
        let bare = |part: &str| {
            part.trim_matches(|c: char| c.is_whitespace() || c == '-')
                .to_owned()
        };
        let before = bare(before.get(open + 2..).unwrap_or_default());
        let behind = bare(behind.get(..close).unwrap_or_default());
        if before.starts_with("if") || before.starts_with("elif") {
            let compares =
                |part: &str| part.contains(['|', '=', '<', '>', '~', '[']) || part.contains(" in ");
            return compares(&before) || compares(&behind);
        }
        !(before.is_empty() && behind.is_empty())
    };
    let places = names.filter(|name| !name.is_empty()).flat_map(|name| {
        let found = text.match_indices(name).map(|(at, found)| at..at + found.len());
        found.collect::<Vec<_>>()
    });
    let places = places.filter(|place| {
        !is_word(
            text.get(..place.start)
                .and_then(|before| before.chars().next_back()),
        ) && !is_word(text.get(place.end..).and_then(|behind| behind.chars().next()))
    });
    places
        .filter(|place| does_more(place.start, place.end))
        .min_by_key(|place| place.start)
}

/// Points at the place in the template that reads the secret.
fn point_at(diagnostic: Diagnostic, file: &TemplateFile, key: &str, diags: &mut Diagnostics) -> Diagnostic {
    match file.text.find(key) {
        Some(start) => {
            let id = source(file, diags);
            diagnostic.at(id.span(start..start + key.len()), "read here")
        }
        None => diagnostic.in_file(format!("templates/{}", file.source)),
    }
}

#[cfg(test)]
mod tests {
    use super::looked_into;

    #[test]
    fn the_place_that_looks_into_a_secret_is_told_from_those_that_place_it() {
        let found = |text: &str| {
            looked_into(text, ["token", "other"].into_iter()).map(|at| text[at.start..].to_owned())
        };
        let placed = "#% if token %##% if not other %#a: \"#{ token }#\"\nb: #{- other -}# {{ token }}\nmy_token: #{ token.x }#";
        assert_eq!(found(placed), None);
        for looks in [
            "token | upper }#",
            "token[0] }#",
            "token == \"x\" %#b#% endif %#",
            "other | length > 3 %#b#% endif %#",
        ] {
            let open = if looks.contains("%#") { "#% if " } else { "#{ " };
            let text = format!("{placed}\nc: {open}{looks}\nd: #{{ token }}#\n");
            assert!(
                found(&text).is_some_and(|found| found.starts_with(looks)),
                "{text}"
            );
        }
    }
}
