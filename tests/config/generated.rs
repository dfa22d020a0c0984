//! Files that are generated from the types are committed; these tests fail when one is stale, and write it anew with
//! `CLUSTERWRIGHT_UPDATE=1`.

use std::path::Path;

use clusterwright::catalog::{BUILT_IN, Catalog};
use clusterwright::config::example::{Fill, text};

fn assert_current(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("CLUSTERWRIGHT_UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, expected).expect("writable");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "{} is stale: run `just gen`",
        path.display()
    );
}

fn built_in() -> Catalog {
    let mut diags = clusterwright::diag::Diagnostics::default();
    Catalog::load(BUILT_IN.iter().copied(), &mut diags).expect("the library loads")
}

#[test]
fn the_schema_is_current() {
    assert_current("schema/cluster.schema.json", &built_in().vocabulary().text());
}

#[test]
fn the_example_is_current() {
    assert_current("cluster.example.yaml", &text(Fill::Placeholders));
}
