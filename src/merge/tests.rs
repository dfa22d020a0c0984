//! Merges of texts: examples, and properties over generated documents.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn merged(base: &str, yours: &str, render: &str) -> String {
    three_way(true, [base, yours, render], &Resolutions::new()).expect("no conflict")
}

fn places(base: &str, yours: &str, render: &str) -> Vec<String> {
    three_way(true, [base, yours, render], &Resolutions::new())
        .expect_err("a conflict")
        .into_iter()
        .map(|conflict| conflict.place)
        .collect()
}

const RELEASE: &str = "\
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: loki
spec:
  interval: 1h
  # How it is installed
  install:
    remediation:
      retries: -1
  values:
    deploymentMode: SingleBinary
    loki:
      auth_enabled: false # one tenant
      limits:
        retention: 7d
    env:
      - name: A
        value: one
      - name: B
        value: two
    args:
      - --a=1
      - --b=2
    config: |
      line one
      line two
      line three
";

#[test]
fn edits_of_both_sides_meet_and_comments_stay() {
    let yours = RELEASE
        .replace(
            "retention: 7d",
            "# Disks are large\n        retention: 30d # by hand",
        )
        .replace("interval: 1h", "interval:    30m")
        .replace("      - name: B\n", "      # the second\n      - name: B\n")
        .replace("      - --b=2\n", "      - --b=2\n      - --mine\n")
        .replace("line one", "line ONE");
    let render = RELEASE
        .replace("auth_enabled: false", "auth_enabled: true")
        .replace("value: two", "value: deux\n      - name: C\n        value: three")
        .replace(
            "    deploymentMode: SingleBinary\n",
            "    deploymentMode: SingleBinary\n    # Read this\n    gateway:\n      enabled: false\n",
        )
        .replace("      retries: -1\n", "")
        .replace("    remediation:\n", "    remediation:\n      retries: 3\n")
        .replace("line three", "line three\n      line four")
        .replace("      - --a=1\n", "      - --a=2\n");
    let expected = yours
        .replace("auth_enabled: false", "auth_enabled: true")
        .replace("value: two", "value: deux\n      - name: C\n        value: three")
        .replace(
            "    deploymentMode: SingleBinary\n",
            "    deploymentMode: SingleBinary\n    # Read this\n    gateway:\n      enabled: false\n",
        )
        .replace("      retries: -1\n", "      retries: 3\n")
        .replace("line three", "line three\n      line four")
        .replace("      - --a=1\n", "      - --a=2\n");
    assert_eq!(merged(RELEASE, &yours, &render), expected);
}

#[test]
fn what_the_template_drops_goes_and_what_you_deleted_stays_away() {
    let yours = RELEASE.replace("      - name: A\n        value: one\n", "");
    let render = RELEASE.replace("      limits:\n        retention: 7d\n", "");
    let expected = yours.replace("      limits:\n        retention: 7d\n", "");
    assert_eq!(merged(RELEASE, &yours, &render), expected);
}

#[test]
fn contradictions_name_their_places() {
    let yours = RELEASE
        .replace("7d", "30d")
        .replace("value: two", "value: zwei")
        .replace("--a=1", "--a=3");
    let render = RELEASE
        .replace("7d", "14d")
        .replace("value: two", "value: deux")
        .replace("--a=1", "--a=2");
    assert_eq!(
        places(RELEASE, &yours, &render),
        [
            "spec.values.loki.limits.retention",
            "spec.values.env[B].value",
            "spec.values.args"
        ]
    );
    let gone = RELEASE.replace("      limits:\n        retention: 7d\n", "");
    assert_eq!(places(RELEASE, &yours, &gone), ["spec.values.loki.limits"]);
    assert_eq!(places(RELEASE, &gone, &render), ["spec.values.loki.limits"]);
}

#[test]
fn a_choice_settles_a_place() {
    let yours = RELEASE.replace("7d", "30d");
    let render = RELEASE
        .replace("7d", "14d")
        .replace("interval: 1h", "interval: 2h");
    let choose = |side| {
        let resolutions = Resolutions::from([("spec.values.loki.limits.retention".to_owned(), side)]);
        three_way(true, [RELEASE, &yours, &render], &resolutions).expect("settled")
    };
    assert_eq!(choose(Side::Yours), yours.replace("interval: 1h", "interval: 2h"));
    assert_eq!(choose(Side::Render), render);
    let whole = Resolutions::from([(String::new(), Side::Yours)]);
    let texts = ["a\nb\n", "a\nmine\n", "a\ntheirs\n"];
    assert_eq!(three_way(false, texts, &whole).as_deref(), Ok("a\nmine\n"));
    assert!(three_way(false, texts, &Resolutions::new()).is_err());
}

#[test]
fn the_newer_of_two_versions_stands() {
    let text = |version: &str| format!("kind: OCIRepository\nspec:\n  ref:\n    tag: {version} # keep\n");
    assert_eq!(
        merged(&text("1.0.0"), &text("1.1.0"), &text("1.2.0")),
        text("1.2.0")
    );
    assert_eq!(
        merged(&text("1.0.0"), &text("1.3.0"), &text("1.2.0")),
        text("1.3.0")
    );
    assert_eq!(
        places(&text("1.0.0"), &text("0.9.0"), &text("1.2.0")),
        ["spec.ref.tag"]
    );
}

#[test]
fn resources_of_both_sides_are_listed() {
    let base = "resources:\n  - ./a.yaml\n  - ./b.yaml\n";
    let yours = "resources:\n  - ./a.yaml\n  - ./b.yaml\n  - ./mine.yaml\n";
    let render = "resources:\n  - ./a.yaml\n  - ./b.yaml\n  - ./new.yaml\n";
    assert_eq!(
        merged(base, yours, render),
        "resources:\n  - ./a.yaml\n  - ./b.yaml\n  - ./mine.yaml\n  - ./new.yaml\n"
    );
    let shorter = "resources:\n  - ./b.yaml\n";
    assert_eq!(
        merged(base, yours, shorter),
        "resources:\n  - ./b.yaml\n  - ./mine.yaml\n"
    );
}

#[test]
fn several_documents_and_other_indentation() {
    let base = "---\nkind: A\nmetadata:\n  name: x\nspec:\n  a: 1\n---\nkind: B\nmetadata:\n  name: x\nspec:\n  list:\n    - name: p\n      v: 1\n";
    let yours = "---\nkind: A\nmetadata:\n  name: x\nspec:\n  a: 1 # one\n---\nkind: B\nmetadata:\n  name: x\nspec:\n  list:\n  - name: p\n    v: 1\n    w: 2\n";
    let render = "---\nkind: A\nmetadata:\n  name: x\nspec:\n  a: 2\n---\nkind: B\nmetadata:\n  name: x\nspec:\n  list:\n    - name: p\n      v: 3\n    - name: q\n      deep:\n        er: 1\n";
    assert_eq!(
        merged(base, yours, render),
        "---\nkind: A\nmetadata:\n  name: x\nspec:\n  a: 2 # one\n---\nkind: B\nmetadata:\n  name: x\nspec:\n  list:\n  - name: p\n    v: 3\n    w: 2\n  - name: q\n    deep:\n      er: 1\n"
    );
}

#[test]
fn lists_that_are_not_indented_merge_as_others_do() {
    let text = |dash: &str, one: &str, two: &str, more: &str| {
        format!(
            "env:\n{dash}- {{name: A, value: {one}}}\n{dash}- {{name: B, value: {two}}}\n{more}# about z\nz: 1\n"
        )
    };
    for dash in ["", "  "] {
        let base = text(dash, "1", "2", "");
        let yours = text(dash, "mine", "2", "");
        let render = text(dash, "1", "3", &format!("{dash}- {{name: C}}\n"));
        let both = text(dash, "mine", "3", &format!("{dash}- {{name: C}}\n"));
        assert_eq!(merged(&base, &yours, &render), both);
        let other = text(dash, "theirs", "3", "");
        let conflicts = three_way(true, [&base, &yours, &other], &Resolutions::new()).expect_err("both");
        assert_eq!(conflicts.len(), 1);
        assert_eq!(conflicts[0].place, "env[A]");
        let span = conflicts[0].span.clone().expect("a place");
        assert_eq!(&yours[span], format!("{dash}- {{name: A, value: mine}}\n"));
    }
    // Items that nothing tells apart.
    let base = "a:\n- [x]\n- [y]\n# about z\nz: 1\n";
    let yours = base.replace("[y]", "[y, mine]");
    let render = base.replace("z: 1", "z: 2");
    assert_eq!(merged(base, &yours, &render), yours.replace("z: 1", "z: 2"));
    assert_eq!(places(base, &yours, &base.replace("[y]", "[w]")), ["a"]);
}

/// Changes of one value by the render, and of another part by a person, in every layout that the editors are tried on.
#[test]
fn every_layout_merges() {
    let cases = include_str!("../../crates/yaml/tests/layouts.txt")
        .split("=== ")
        .skip(1);
    for (name, text) in cases.map(|case| case.split_once('\n').expect("a name")) {
        // Its values are words of this kind.
        let words: Vec<&str> = (1..)
            .map(|number| format!("w{number}"))
            .map_while(|word| text.find(&word).map(|at| &text[at..at + word.len()]))
            .collect();
        assert!(words.len() > 2, "{name}");
        for word in &words {
            let render = text.replacen(word, "render", 1);
            let mine = format!("{}mine: 1\n", if text.ends_with('\n') { "" } else { "\n" });
            let yours = format!("{text}{mine}");
            let both = merged(text, &yours, &render);
            assert_eq!(both, format!("{render}{mine}"), "{name}: {word}");
            // Items are told apart by these.
            if ["name", "key"]
                .iter()
                .any(|key| text.contains(&format!("{key}: {word}")))
            {
                continue;
            }
            // The same value on both sides: found, and where it stands.
            let yours = text.replacen(word, "yours", 1);
            let conflicts = three_way(true, [text, &yours, &render], &Resolutions::new()).expect_err(name);
            assert_eq!(conflicts.len(), 1, "{name}: {word}");
            let span = conflicts[0].span.clone().expect("a place");
            let shown = &yours[span];
            assert!(shown.contains("yours"), "{name}: {word}: {shown}");
            let others = words.iter().filter(|word| shown.contains(*word)).count();
            assert!(others < words.len() - 1, "{name}: {word}: {shown}");
        }
    }
}

#[test]
fn comments_of_the_template_follow_it_unless_you_changed_them() {
    let base = "# renovate: a\nversion: 1\nb: 2\n";
    let render = "# renovate: b\nversion: 1\nb: 3\n";
    assert_eq!(
        merged(base, "# renovate: a\nversion: 1\nb: 2\nmine: 1\n", render),
        "# renovate: b\nversion: 1\nb: 3\nmine: 1\n"
    );
    assert_eq!(
        merged(base, "# mine\nversion: 1\nb: 2\n", render),
        "# mine\nversion: 1\nb: 3\n"
    );
}

/// A document for properties: mappings of fixed keys, lists of named items, lists of texts, scalars, comments.
#[derive(Debug, Clone)]
enum Doc {
    Scalar(u8),
    Map(Vec<(u8, bool, Doc)>),
    Named(Vec<(u8, Doc)>),
    Texts(Vec<u8>),
}

fn doc() -> impl Strategy<Value = Doc> {
    let leaf = prop_oneof![
        (0u8..4).prop_map(Doc::Scalar),
        proptest::collection::vec(0u8..6, 1..5).prop_map(Doc::Texts),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec((0u8..6, any::<bool>(), inner.clone()), 1..5).prop_map(Doc::Map),
            proptest::collection::vec((0u8..6, inner), 1..4).prop_map(Doc::Named),
        ]
    })
}

fn root() -> impl Strategy<Value = Doc> {
    proptest::collection::vec((0u8..6, any::<bool>(), doc()), 1..6).prop_map(Doc::Map)
}

fn write(doc: &Doc, indent: usize, comment: &str, out: &mut String) {
    let pad = " ".repeat(indent);
    match doc {
        Doc::Scalar(n) => out.push_str(&format!(" v{n}\n")),
        Doc::Map(entries) => {
            out.push('\n');
            let mut seen = Vec::new();
            for (key, commented, value) in entries {
                if seen.contains(key) {
                    continue;
                }
                seen.push(*key);
                if *commented {
                    out.push_str(&format!("{pad}# about k{key}{comment}\n"));
                }
                out.push_str(&format!("{pad}k{key}:"));
                write(value, indent + 2, comment, out);
            }
        }
        Doc::Named(items) => {
            out.push('\n');
            let mut seen = Vec::new();
            for (name, value) in items {
                if seen.contains(name) {
                    continue;
                }
                seen.push(*name);
                out.push_str(&format!("{pad}- name: n{name}\n{pad}  value:"));
                write(value, indent + 4, comment, out);
            }
        }
        Doc::Texts(texts) => {
            out.push('\n');
            let mut seen = Vec::new();
            for text in texts {
                if !seen.contains(text) {
                    out.push_str(&format!("{pad}- t{text}\n"));
                }
                seen.push(*text);
            }
        }
    }
}

fn text(doc: &Doc, comment: &str) -> String {
    let mut out = String::new();
    write(doc, 0, comment, &mut out);
    out.trim_start().to_owned()
}

/// Changes a document in one place.
fn mutate(doc: &mut Doc, seed: u32) {
    let pick = |len: usize| seed as usize / 7 % len.max(1);
    match doc {
        Doc::Scalar(n) => *n = n.wrapping_add(1 + (seed % 3) as u8),
        Doc::Map(entries) => {
            let at = pick(entries.len());
            match seed % 5 {
                0 if entries.len() > 1 => drop(entries.remove(at)),
                1 => entries.push((
                    (seed / 31 % 12) as u8,
                    seed.is_multiple_of(2),
                    Doc::Scalar((seed % 9) as u8),
                )),
                _ => mutate(&mut entries[at].2, seed / 5),
            }
        }
        Doc::Named(items) => {
            let at = pick(items.len());
            match seed % 5 {
                0 if items.len() > 1 => drop(items.remove(at)),
                1 => items.push(((seed / 31 % 12) as u8, Doc::Scalar((seed % 9) as u8))),
                _ => mutate(&mut items[at].1, seed / 5),
            }
        }
        Doc::Texts(texts) => {
            let at = pick(texts.len());
            match seed % 3 {
                0 if texts.len() > 1 => drop(texts.remove(at)),
                1 => texts.insert(at, (seed / 31 % 12) as u8),
                _ => texts[at] = (seed / 31 % 12) as u8,
            }
        }
    }
}

fn changed(doc: &Doc, seeds: &[u32]) -> Doc {
    let mut doc = doc.clone();
    seeds.iter().for_each(|seed| mutate(&mut doc, *seed));
    doc
}

fn json(text: &str) -> Value {
    yaml::parse(text).expect("YAML")[0].to_json()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_unchanged_side_yields_the_other(base in root(), seeds in proptest::collection::vec(any::<u32>(), 1..5)) {
        let (base, other) = (text(&base, ""), text(&changed(&base, &seeds), ""));
        prop_assert_eq!(merged(&base, &other, &base), other.clone());
        prop_assert_eq!(merged(&base, &base, &other), other.clone());
        prop_assert_eq!(merged(&base, &other, &other), other);
    }

    #[test]
    fn a_merge_has_both_edits_keeps_comments_and_is_idempotent(
        base in root(),
        mine in proptest::collection::vec(any::<u32>(), 1..4),
        theirs in proptest::collection::vec(any::<u32>(), 1..4),
    ) {
        let yours = text(&changed(&base, &mine), " (mine)");
        let render = text(&changed(&base, &theirs), "");
        let base = text(&base, "");
        if let Ok(merged) = three_way(true, [&base, &yours, &render], &Resolutions::new()) {
            let [b, y, r, m] = [&base, &yours, &render, &merged].map(|text| json(text));
            prop_assert!(verify::is_merge(Some(&b), Some(&y), Some(&r), Some(&m)), "{}", merged);
            for line in yours.lines().filter(|line| line.contains("(mine)")) {
                prop_assert!(merged.contains(line.trim()), "lost `{}` in\n{}", line, merged);
            }
            let again = three_way(true, [&render, &merged, &render], &Resolutions::new());
            prop_assert_eq!(again.as_deref(), Ok(&*merged));
            let repeated = three_way(true, [&base, &merged, &render], &Resolutions::new());
            if let Ok(repeated) = repeated {
                prop_assert_eq!(json(&repeated), m);
            }
        }
    }

    #[test]
    fn edits_of_different_entries_always_merge(
        left in doc(), right in doc(), mine in any::<u32>(), theirs in any::<u32>(),
    ) {
        let root = |left: &Doc, right: &Doc| text(&Doc::Map(vec![(0, true, left.clone()), (1, false, right.clone()), (2, true, Doc::Scalar(0))]), "");
        let base = root(&left, &right);
        let (new_left, new_right) = (changed(&left, &[mine]), changed(&right, &[theirs]));
        let result = three_way(true, [&base, &root(&new_left, &right), &root(&left, &new_right)], &Resolutions::new());
        prop_assert_eq!(result.as_deref().map(json), Ok(json(&root(&new_left, &new_right))));
    }

    #[test]
    fn any_text_merges_or_conflicts(base in "([a-c:# \\-|\n]|  |- |: ){0,40}", yours in "([a-c:# \\-|\n]|  |- |: ){0,40}", render in "([a-c:# \\-|\n]|  |- |: ){0,40}") {
        let _ = three_way(true, [&base, &yours, &render], &Resolutions::new());
        let _ = keep_newer(&render, &yours);
    }
}
