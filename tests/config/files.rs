//! Files that cannot be read, and files that are not what they should be.

use std::fs;
use std::path::Path;

use clusterwright::config::{MAX_CONFIG_BYTES, Vault, Vocabulary, load};
use clusterwright::diag::{Diagnostics, concise, human};
use clusterwright::sys::FixedEntropy;
use clusterwright::sys::root::Root;
use clusterwright::validate::validate;

use super::{all_beside, check, no_identity};
use crate::support::directory;

/// Loads a directory that `make` has filled and returns the findings, one a line.
fn load_with(make: impl FnOnce(&Path)) -> String {
    let directory = directory();
    make(directory.path());
    let mut diags = Diagnostics::default();
    let result = load(
        &Root::new(directory.path()),
        &Vocabulary::built_in(),
        &no_identity,
        &mut diags,
    );
    assert_eq!(result.is_err(), diags.has_errors());
    concise::render(&diags)
}

fn load_bytes(bytes: &[u8]) -> String {
    load_with(|root| fs::write(root.join("cluster.yaml"), bytes).expect("written"))
}

#[test]
fn a_missing_file_names_init() {
    insta::assert_snapshot!(load_with(|_| ()));
}

#[test]
fn a_file_of_another_name_is_suggested() {
    insta::assert_snapshot!(load_with(
        |root| fs::write(root.join("cluster.yml"), "a: 1\n").expect("written")
    ));
}

#[test]
fn a_directory_is_refused() {
    insta::assert_snapshot!(load_with(
        |root| fs::create_dir(root.join("cluster.yaml")).expect("made")
    ));
}

#[test]
fn binary_is_refused() {
    insta::assert_snapshot!(load_bytes(b"\x7fELF\n\0\0"));
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    insta::assert_snapshot!(load_bytes(b"a: 1\nb: \xe9\n"));
    insta::assert_snapshot!(load_bytes(b"\xff\xfea\0:\0"));
}

#[test]
fn a_huge_file_is_refused_unread() {
    let started = std::time::Instant::now();
    let findings = load_with(|root| {
        let file = fs::File::create(root.join("cluster.yaml")).expect("made");
        file.set_len(100 * 1024 * 1024).expect("sparse");
    });
    assert!(started.elapsed().as_secs() < 5);
    insta::assert_snapshot!(findings);
}

#[test]
fn a_file_just_over_the_limit_is_refused() {
    let length = usize::try_from(MAX_CONFIG_BYTES).expect("fits") + 1;
    assert!(load_bytes(&vec![b'#'; length]).contains("config/too-large"));
    assert!(load_bytes(&vec![b'#'; length - 1]).contains("config/empty-file"));
}

#[test]
#[cfg(unix)]
fn symlinks_that_lead_nowhere_are_named() {
    use std::os::unix::fs::symlink;
    let findings = load_with(|root| symlink("cluster.yaml", root.join("cluster.yaml")).expect("linked"));
    insta::assert_snapshot!(findings);
    let findings = load_with(|root| symlink("gone.yaml", root.join("cluster.yaml")).expect("linked"));
    insta::assert_snapshot!(findings);
}

#[test]
#[cfg(unix)]
fn a_device_is_not_read() {
    let findings =
        load_with(|root| std::os::unix::fs::symlink("/dev/zero", root.join("cluster.yaml")).expect("linked"));
    insta::assert_snapshot!(findings);
}

#[test]
fn a_broken_nodes_file_is_found_together_with_a_broken_cluster_file() {
    let findings = load_with(|root| {
        fs::write(root.join("cluster.yaml"), "a: [\n").expect("written");
        fs::write(root.join("nodes.yaml"), "nodes:\n\t- x\n").expect("written");
    });
    insta::assert_snapshot!(findings);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_fine() {
    let valid = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/config/valid/minimal.yaml"
    ))
    .expect("a fixture");
    let text = format!("\u{feff}{}", valid.replace('\n', "\r\n"));
    assert_eq!(load_bytes(text.as_bytes()), "");
}

#[test]
fn places_are_exact_behind_a_byte_order_mark_and_windows_line_ends() {
    let text = "\u{feff}# ä\r\nnode_cidr: '10.10.10.5/24' # é\r\ncluster_name: \"é\"\r\nnodes: x\r\n";
    let mut diags = Diagnostics::default();
    let directory = directory();
    fs::write(directory.path().join("cluster.yaml"), text).expect("written");
    let document = load(
        &Root::new(directory.path()),
        &Vocabulary::built_in(),
        &no_identity,
        &mut diags,
    )
    .expect("YAML");
    let mut vault = Vault::new(&mut FixedEntropy::new(1));
    assert!(validate(&document, &all_beside(), &mut vault, &mut diags).is_err());
    let findings: String = human::render(&diags)
        .split_inclusive("\n\n")
        .filter(|f| !f.contains("missing"))
        .collect();
    insta::assert_snapshot!(anstream::adapter::strip_str(&findings));
}

#[test]
fn a_large_file_of_nonsense_is_refused_quickly() {
    let started = std::time::Instant::now();
    let keys = (0..30_000)
        .map(|i| format!("a{i}: x"))
        .collect::<Vec<_>>()
        .join("\n");
    let nodes = format!("nodes:\n{}", "- {}\n".repeat(30_000));
    let names = format!("nodes:\n{}", "- {name: a, address: 10.0.0.1}\n".repeat(1_000));
    for text in [keys, nodes, names] {
        let (diags, result) = check(&[("cluster.yaml", text)]);
        assert!(result.is_err());
        assert!(diags.sorted().len() > 8);
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
