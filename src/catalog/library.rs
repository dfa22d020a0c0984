//! Where template files come from: the embedded library, overlaid by the user's own `templates/`.

use std::collections::BTreeMap;

use super::{BUILT_IN, Language};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::sys::root::{Bounds, FileKind, Refused, Root, limits};

/// The folders of a user's `templates/` that are ours to read; others, such as makejinja's `config/`, are left alone.
const LAYERS: [&str; 3] = ["apps", "repo", super::SHARED];
/// Where they lie.
const OWN: &str = "templates";
/// How many files a library may have, and how deep folders may lie: ours has some three hundred, four deep.
const BOUNDS: Bounds = Bounds {
    depth: 16,
    names: 20_000,
};

/// Returns the files of the library by path below `templates/`: a user's file wins over the built-in one that gives the
/// same output.
///
/// # Errors
/// When a user's file cannot be read as text, or a link stands where a file or a folder should.
pub fn files(root: &Root, diags: &mut Diagnostics) -> Result<BTreeMap<String, String>, Aborted> {
    let mut files: BTreeMap<String, String> = BUILT_IN
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    for layer in LAYERS {
        let dir = format!("{OWN}/{layer}");
        match root.look(&dir) {
            Ok(Some(meta)) if meta.kind == FileKind::Directory => collect(root, &dir, &mut files, diags),
            Ok(Some(meta)) if meta.kind == FileKind::Link => {
                diags.push(Refused::Link { at: dir.clone() }.finding("read", &dir));
            }
            Ok(_) => {}
            Err(refused) => {
                diags.push(refused.finding("read", &dir));
                break;
            }
        }
    }
    diags.checkpoint()?;
    Ok(files)
}

fn collect(root: &Root, dir: &str, files: &mut BTreeMap<String, String>, diags: &mut Diagnostics) {
    let found = match root.walk(dir, BOUNDS, |_| true) {
        Ok(found) => found,
        Err(refused) => return diags.push(refused.finding("read", dir)),
    };
    if let Some(at) = found.cut {
        let message = format!("`{dir}` holds more than a library of templates: `{at}` is not read");
        diags.push(
            Diagnostic::error("template/too-many", message)
                .in_file(at)
                .help("move what is no template elsewhere"),
        );
    }
    for shown in found.links.iter().chain(&found.special) {
        diags.push(
            Diagnostic::error(
                "template/not-a-file",
                format!("`{shown}` is a symbolic link or a special file"),
            )
            .in_file(shown)
            .help("put the file itself there"),
        );
    }
    for shown in found.files {
        match read(root, &shown) {
            Ok(text) => {
                let path = shown[OWN.len() + 1..].to_owned();
                // The same output overrides, whatever its template is written in; two of the user's own collide.
                let (_, output) = Language::of(&path);
                let same = ["", ".tera", ".j2"].map(|suffix| format!("{output}{suffix}"));
                for built_in in same {
                    if is_built_in(files, &built_in) {
                        files.remove(&built_in);
                    }
                }
                files.insert(path, text);
            }
            Err(finding) => diags.push(finding),
        }
    }
}

/// Returns whether a file is still the built-in one.
fn is_built_in(files: &BTreeMap<String, String>, path: &str) -> bool {
    files.get(path).is_some_and(|text| super::is_built_in(path, text))
}

fn read(root: &Root, shown: &str) -> Result<String, Diagnostic> {
    root.read_text(shown, limits::TEMPLATE)
        .map_err(|refused| match refused {
            Refused::TooLarge { .. } => {
                Diagnostic::error("template/too-large", format!("`{shown}` is larger than 4 MiB"))
                    .in_file(shown)
            }
            Refused::NotText => {
                Diagnostic::error("template/not-text", format!("`{shown}` is not UTF-8 text")).in_file(shown)
            }
            refused => refused.finding("read", shown),
        })
}
