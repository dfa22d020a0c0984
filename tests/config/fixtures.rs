//! Every file in `valid` has no findings that are errors; every file in `invalid` has the finding that its name starts
//! with (up to the first dot), and looks as its snapshot says.

use std::fs;
use std::path::{Path, PathBuf};

use clusterwright::diag::{Diagnostics, human, json};
use clusterwright::world::side::Reported;

use super::{all_beside, check_beside};

pub(super) fn fixtures(kind: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/config")
        .join(kind);
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

/// Returns both formats without colours.
fn rendered(diags: &Diagnostics) -> String {
    let findings = serde_json::to_string_pretty(&json::findings(diags)).expect("JSON");
    let human = human::render(diags);
    let plain: String = human
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect();
    format!("{}\n{findings}", anstream::adapter::strip_str(&plain))
}

/// A first line such as `# beside: nothing` says what lies beside a fixture; without, everything does.
pub(super) fn beside(text: &str) -> Reported {
    match text.lines().find_map(|line| line.strip_prefix("# beside: ")) {
        None => all_beside(),
        Some(beside) => Reported {
            keyless: beside == "nothing, as in CI",
            without_tunnel: beside == "nothing, as in CI",
            ..Reported::default()
        },
    }
}

fn check_file(path: &Path) -> (Diagnostics, bool) {
    let text = fs::read_to_string(path).expect("text");
    let side = beside(&text);
    let (diags, result) = check_beside(&[("cluster.yaml", text)], &side);
    (diags, result.is_ok())
}

#[test]
fn valid_configurations_have_no_errors() {
    for path in fixtures("valid") {
        let (diags, ok) = check_file(&path);
        assert!(ok, "{}:\n{}", path.display(), rendered(&diags));
        assert_eq!(
            diags.sorted().len(),
            0,
            "{}:\n{}",
            path.display(),
            rendered(&diags)
        );
    }
}

#[test]
fn invalid_configurations_are_explained() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("invalid");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _guard = settings.bind_to_scope();
    let mut wrong = Vec::new();
    for path in fixtures("invalid") {
        let (diags, _) = check_file(&path);
        let name = stem(&path);
        let expected = format!("config/{}", name.split('.').next().unwrap_or_default());
        let codes: Vec<_> = diags.sorted().iter().map(|finding| finding.code).collect();
        if codes.first() != Some(&expected.as_str()) {
            wrong.push(format!("{name}: {codes:?}"));
        }
        insta::assert_snapshot!(name, rendered(&diags));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_code_of_a_rule_has_a_fixture() {
    let names: Vec<String> = fixtures("invalid").iter().map(|path| stem(path)).collect();
    for rule in clusterwright::validate::rules::RULES {
        for code in rule.codes {
            let prefix = code.trim_start_matches("config/");
            let found = names.iter().any(|name| name.split('.').next() == Some(prefix));
            assert!(found, "{} has no fixture for {code}", rule.name);
        }
    }
}
