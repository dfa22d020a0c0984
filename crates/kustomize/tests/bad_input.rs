//! What nobody should write: a refusal or nothing, in little time, and never a crash.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kustomize::{Kustomizer, Reach, RefusalKind};

type Files = BTreeMap<String, Vec<u8>>;

/// Far more than any of these takes, for a build that is not optimised on a slow machine.
const LIMIT: Duration = Duration::from_secs(60);

fn files(list: &[(&str, String)]) -> Files {
    list.iter()
        .map(|(path, text)| ((*path).to_owned(), text.clone().into_bytes()))
        .collect()
}

fn kinds(files: &Files, folder: &str) -> Vec<RefusalKind> {
    let start = Instant::now();
    let built = Kustomizer::new(files, Reach::Anywhere).build(folder);
    assert!(start.elapsed() < LIMIT);
    built.refusals.iter().map(|refusal| refusal.kind).collect()
}

fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

#[test]
fn folders_that_include_each_other_are_refused() {
    let list = |entry: &str| format!("resources: [{entry}]\n");
    let circle = files(&[
        ("a/kustomization.yaml", list("../b")),
        ("b/kustomization.yaml", list("../c")),
        ("c/kustomization.yaml", list("../a")),
    ]);
    assert_eq!(kinds(&circle, "a"), [RefusalKind::Cycle]);
    for entry in [".", "..", "../a", "./", "../a/../a"] {
        let own = files(&[("a/kustomization.yaml", list(entry))]);
        assert_eq!(kinds(&own, "a"), [RefusalKind::Cycle], "{entry}");
    }
    let component = files(&[
        ("a/kustomization.yaml", "components: [../b]\n".to_owned()),
        (
            "b/kustomization.yaml",
            "kind: Component\ncomponents: [../b]\n".to_owned(),
        ),
    ]);
    assert_eq!(kinds(&component, "a"), [RefusalKind::Cycle]);
}

/// Each level includes the one below twice.
fn diamonds(levels: usize, leaf: &str) -> Files {
    let mut found = files(&[
        ("l0/kustomization.yaml", leaf.to_owned()),
        ("l0/map.yaml", map("a")),
    ]);
    for level in 1..=levels {
        let below = level - 1;
        for (side, prefix) in [("x", "p-"), ("y", "q-")] {
            found.insert(
                format!("l{level}{side}/kustomization.yaml"),
                format!("namePrefix: {prefix}\nresources: [../l{below}]\n").into_bytes(),
            );
        }
        found.insert(
            format!("l{level}/kustomization.yaml"),
            format!("resources: [../l{level}x, ../l{level}y]\n").into_bytes(),
        );
    }
    found
}

#[test]
fn diamonds_take_no_time_and_have_an_end() {
    let twice = |levels: usize| {
        let mut found = files(&[
            ("l0/kustomization.yaml", "resources: [map.yaml]\n".to_owned()),
            ("l0/map.yaml", map("a")),
        ]);
        for level in 1..=levels {
            let text = format!("resources: [../l{0}, ../l{0}]\n", level - 1);
            found.insert(format!("l{level}/kustomization.yaml"), text.into_bytes());
        }
        found
    };
    assert_eq!(kinds(&twice(30), "l30"), [RefusalKind::TwiceTheSame]);
    // Nothing in them: kustomize needs 2^30 steps, and gives nothing.
    let mut empty = twice(30);
    empty.insert("l0/kustomization.yaml".to_owned(), b"resources: []\n".to_vec());
    assert_eq!(kinds(&empty, "l30"), []);
    // Other names on both sides: as many objects as there are ways.
    assert_eq!(kinds(&diamonds(8, "resources: [map.yaml]\n"), "l8"), []);
    assert_eq!(
        kinds(&diamonds(40, "resources: [map.yaml]\n"), "l40"),
        [RefusalKind::TooLarge]
    );
    // Components are no folders of their own: each way goes through them.
    let mut found = files(&[(
        "l0/kustomization.yaml",
        "kind: Component\nnamePrefix: a\n".to_owned(),
    )]);
    for level in 1..=40 {
        let text = format!("kind: Component\ncomponents: [../l{0}, ../l{0}]\n", level - 1);
        found.insert(format!("l{level}/kustomization.yaml"), text.into_bytes());
    }
    found.insert(
        "a/kustomization.yaml".to_owned(),
        b"components: [../l40]\n".to_vec(),
    );
    assert_eq!(kinds(&found, "a"), [RefusalKind::TooLarge]);
}

#[test]
fn a_long_chain_of_folders_has_an_end() {
    let mut found = Files::new();
    for level in 0..1000 {
        let text = format!("resources: [../l{}]\n", level + 1);
        found.insert(format!("l{level}/kustomization.yaml"), text.into_bytes());
    }
    assert_eq!(kinds(&found, "l0"), [RefusalKind::TooLarge]);
}

#[test]
fn ten_thousand_objects_are_built_in_little_time() {
    let documents: String = (0..10_000)
        .map(|number| map(&format!("m{number}")) + "---\n")
        .collect();
    let build_file = "namespace: media\nnamePrefix: a-\ncommonLabels: {x: z}\nresources: [all.yaml]\npatches:\n- target: {kind: ConfigMap, name: m1.*}\n  patch: |\n    - {op: add, path: /data, value: {a: b}}\n";
    let found = files(&[
        ("kustomization.yaml", build_file.to_owned()),
        ("all.yaml", documents),
    ]);
    assert_eq!(kinds(&found, ""), []);
    let items: Vec<String> = (0..10_000)
        .map(|number| format!("{{kind: A, metadata: {{name: m{number}}}}}"))
        .collect();
    let list = format!("kind: List\nitems: [{}]\n", items.join(", "));
    let found = files(&[
        ("kustomization.yaml", "resources: [all.yaml]\n".to_owned()),
        ("all.yaml", list),
    ]);
    assert_eq!(kinds(&found, ""), []);
}

#[test]
fn patches_that_grow_have_an_end() {
    let copies: String = (0..60)
        .map(|number| format!("    - {{op: copy, from: /data, path: /data/x{number}}}\n"))
        .collect();
    let build_file =
        format!("resources: [map.yaml]\npatches:\n- target: {{kind: ConfigMap}}\n  patch: |\n{copies}");
    let found = files(&[
        ("kustomization.yaml", build_file),
        ("map.yaml", map("a") + "data: {a: b}\n"),
    ]);
    assert_eq!(kinds(&found, ""), [RefusalKind::CannotApply]);
    let build_file =
        "resources: [map.yaml]\npatches:\n- patch: |\n    kind: ConfigMap\n    metadata: {name: nothing}\n";
    let found = files(&[
        ("kustomization.yaml", build_file.to_owned()),
        ("map.yaml", map("a")),
    ]);
    assert_eq!(kinds(&found, ""), [RefusalKind::NoMatch]);
}

#[test]
fn text_that_is_none_is_refused_where_it_stands() {
    let deep = format!(
        "kind: A\nmetadata: {{name: a}}\nspec: {}1{}\n",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    for (text, kind) in [
        (b"\xff\xfe\x00".to_vec(), RefusalKind::NotYaml),
        (deep.into_bytes(), RefusalKind::NotYaml),
        (
            b"kind: A\nmetadata: {name: a}\nx: &a [*a]\n".to_vec(),
            RefusalKind::NotYaml,
        ),
        (b"just text\n".to_vec(), RefusalKind::NotAManifest),
        (b"- a\n- b\n".to_vec(), RefusalKind::NotAManifest),
        (
            b"kind: A\nmetadata: {name: a}\nx: {[a]: b}\n".to_vec(),
            RefusalKind::NotYaml,
        ),
        (
            b"kind: A\nmetadata: {name: a}\nx: .inf\n".to_vec(),
            RefusalKind::CannotWrite,
        ),
        (
            b"kind: A\nmetadata: {name: a}\nx: !!int abc\n".to_vec(),
            RefusalKind::CannotWrite,
        ),
    ] {
        let mut found = files(&[("kustomization.yaml", "resources: [a.yaml]\n".to_owned())]);
        let shown = String::from_utf8_lossy(&text)
            .chars()
            .take(60)
            .collect::<String>();
        found.insert("a.yaml".to_owned(), text);
        assert_eq!(kinds(&found, ""), [kind], "{shown}");
    }
    for text in [
        "",
        "# nothing\n",
        "null\n",
        "- a\n",
        "a: [",
        "resources: a\n",
        "resources: [1]\n",
        "\u{feff}kind: X\n",
    ] {
        let found = files(&[("kustomization.yaml", text.to_owned())]);
        assert_eq!(kinds(&found, "").len(), 1, "{text}");
    }
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = String::from("kind: A\nmetadata: {name: a}\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            [below.as_str(); 9].join(", ")
        ));
    }
    let found = files(&[
        ("kustomization.yaml", "resources: [a.yaml]\n".to_owned()),
        ("a.yaml", text),
    ]);
    assert_eq!(kinds(&found, ""), [RefusalKind::NotYaml]);
}
