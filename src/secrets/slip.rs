//! Values for a place of a file that its selector leaves in clear: a slip in the path, or meant so.

use sops::{File as Sealed, Format, KeyPath, SopsError, Step, covered_keys};

use super::file::SecretFile;
use crate::diag::{Diagnostic, argument};
use crate::plan::closest;

/// The text of a file before and after a value was put into it.
#[derive(Clone, Copy)]
pub struct Put<'t> {
    /// Before.
    pub old: &'t str,
    /// After.
    pub new: &'t str,
}

/// Compares a file before and after a value was put into it. A new place that is left in clear is an error, for it may be
/// another one with a slip in its name; one that stood in clear before is a warning.
///
/// # Errors
/// When one of the texts cannot be read.
pub fn look(
    file: &SecretFile,
    format: Format,
    put: Put<'_>,
    path: &KeyPath,
    document: usize,
) -> Result<Option<Diagnostic>, SopsError> {
    let after = Sealed::read(format, put.new)?;
    if after.leaves_in_clear(path.within(document))? != Some(true) {
        return Ok(None);
    }
    let selector = after.selector();
    if selector.key().starts_with("unencrypted") {
        // It names what is left out: whoever types that means it.
        return Ok(None);
    }
    let was_there = Sealed::read(format, put.old)?.leaves_in_clear(path.within(document))?;
    let why = format!("`{}: {}` does not cover it", selector.key(), selector.text());
    let (code, name) = ("secrets/out-of-scope", &file.name);
    if was_there.is_some() {
        let finding = Diagnostic::warning(code, format!("`{path}` stands in clear in `{name}`: {why}"));
        return Ok(Some(finding.in_file(name).help(
            "if it is a secret, put it where the file encrypts, and change it if it was pushed",
        )));
    }
    let covered = covered_keys(format, put.old, selector)?.into_iter();
    let covered =
        covered.filter(|(at, keys)| *at == document && keys.first().is_none_or(|key| key != "sops"));
    let covered: Vec<Vec<String>> = covered.map(|(_, keys)| keys).collect();
    let finding = Diagnostic::error(code, format!("`{path}` would stand in clear in `{name}`: {why}"))
        .in_file(name)
        .note("nothing was written");
    let finding = match near(path, &covered) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    };
    let edit = format!("clusterwright secrets edit {}", argument(name));
    Ok(Some(finding.help(format!(
        "if everybody may read it: `{edit}` takes it as it is"
    ))))
}

/// Returns the encrypted place that a path is most like: by all of it, by its last key, else a new one beside others.
fn near(path: &KeyPath, covered: &[Vec<String>]) -> Option<String> {
    let shown = |keys: &[String]| {
        let steps = keys.iter().map(|key| Step::Key(key.clone()));
        KeyPath::new(steps.collect()).to_string()
    };
    let [.., Step::Key(last)] = path.steps() else {
        return None;
    };
    let there: Vec<String> = covered.iter().map(|keys| shown(keys)).collect();
    let beside: Vec<String> = covered
        .iter()
        .filter_map(|keys| keys.split_last())
        .filter(|(_, above)| !above.is_empty())
        .map(|(_, above)| shown(&[above, std::slice::from_ref(last)].concat()))
        .collect();
    let typed = path.to_string();
    if let Some(near) = closest(&typed, there.iter().chain(&beside).map(String::as_str)) {
        return Some(near.to_owned());
    }
    let lasts = covered.iter().filter_map(|keys| keys.last()).map(String::as_str);
    let by_last = closest(last, lasts).and_then(|near| {
        let at = covered
            .iter()
            .position(|keys| keys.last().is_some_and(|key| key == near))?;
        there.get(at).cloned()
    });
    by_last.or_else(|| beside.first().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_what_is_meant() {
        let covered = ["stringData.password", "stringData.user"]
            .map(|path| path.split('.').map(str::to_owned).collect::<Vec<_>>());
        for (typed, meant) in [
            ("stringdata.password", "stringData.password"),
            ("stringdata.token", "stringData.token"),
            ("pasword", "stringData.password"),
            ("zzz", "stringData.zzz"),
        ] {
            let path = KeyPath::parse(typed).expect("a path");
            assert_eq!(near(&path, &covered).as_deref(), Some(meant), "{typed}");
        }
        let path = KeyPath::parse("list[0]").expect("a path");
        assert_eq!(near(&path, &covered), None);
        assert_eq!(near(&KeyPath::parse("a").expect("a path"), &[]), None);
    }
}
