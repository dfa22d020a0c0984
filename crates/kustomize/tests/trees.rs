//! Small trees, built as kustomize builds them.

use std::collections::BTreeMap;
use std::path::Path;

use kustomize::{Content, Datum, Field, Kustomizer, Reach, Resource, Spot};
use serde_json::Value;
use yaml::go::{Plain, resolve};
use yaml::{Kind, Node, Style};

use crate::fixture::Fixture;
use crate::generate;

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar {
            value,
            style: Style::Plain,
        } => match resolve(value) {
            Plain::Null => Value::Null,
            Plain::Bool(value) => Value::Bool(value),
            Plain::Int(number) => serde_json::Number::from_i128(number).map_or(Value::Null, Value::Number),
            Plain::Float(number) => Value::from(number),
            Plain::Timestamp(_) | Plain::Merge | Plain::Text => Value::String(value.clone()),
        },
        Kind::Scalar { value, .. } => Value::String(value.clone()),
        Kind::Seq(items) => items.iter().map(value).collect(),
        Kind::Map(entries) => {
            let fields = entries
                .iter()
                .map(|(key, node)| (key.as_str().unwrap_or_default().to_owned(), value(node)));
            Value::Object(fields.collect())
        }
        Kind::Alias(_) => Value::Null,
    }
}

fn line(files: &BTreeMap<String, Vec<u8>>, path: &str, spot: Spot) -> usize {
    let before = &files[path][..spot.start as usize];
    before.split(|byte| *byte == b'\n').count()
}

fn all(resources: &[Resource]) -> Vec<Value> {
    let written = resources.iter().map(|resource| resource.data().to_json());
    written.collect::<Result<_, _>>().expect("it can be written")
}

/// What a fixture gives, in the words of its expectation.
fn refusals(fixture: &Fixture) -> (Vec<Value>, String) {
    let mut kustomizer = Kustomizer::new(&fixture.files, Reach::Folder);
    let built = kustomizer.build(fixture.root());
    let told = built.refusals.iter().map(|refusal| {
        let place = refusal.spot.map_or_else(
            || "nowhere".to_owned(),
            |spot| {
                let path = kustomizer.path(spot);
                format!("{path}:{}", line(&fixture.files, path, spot))
            },
        );
        format!("refused {:?} {place} {refusal}\n", refusal.kind)
    });
    let told = told.chain(
        built
            .unknown
            .iter()
            .map(|unknown| format!("unknown {:?} {}\n", unknown.kind, unknown.name)),
    );
    (all(&built.resources), told.collect())
}

#[test]
fn every_tree_is_built_as_kustomize_builds_it() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees");
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).expect("readable").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let fixture = Fixture::parse(&std::fs::read_to_string(entry.path()).expect("readable"));
        let (objects, told) = refusals(&fixture);
        if fixture.is_refused() || fixture.expected.starts_with("unknown ") {
            assert_eq!(told, fixture.expected, "{name}");
        } else {
            assert_eq!(told, "", "{name}");
            let wanted = yaml::go::parse(&fixture.expected).expect("YAML");
            let wanted: Vec<Value> = wanted.iter().map(value).collect();
            assert_eq!(objects, wanted, "{name}");
        }
        seen += 1;
    }
    assert!(seen > 15, "{seen} trees");
}

/// Every node of a generated tree has a place in one of its files, and the text there is that of the node where nothing
/// changed it.
#[test]
fn places_lie_in_the_files() {
    fn check(node: &Datum, kustomizer: &Kustomizer<'_>, files: &BTreeMap<String, Vec<u8>>) {
        if let Some(spot) = node.spot {
            let file = &files[kustomizer.path(spot)];
            assert!(
                spot.start <= spot.end && spot.end as usize <= file.len(),
                "{spot:?}"
            );
        }
        node.items()
            .iter()
            .for_each(|item| check(item, kustomizer, files));
        node.fields()
            .iter()
            .for_each(|field| check(&field.value, kustomizer, files));
    }
    let mut built_some = 0;
    for seed in 0..150 {
        let tree = generate::generate(seed);
        let mut kustomizer = Kustomizer::new(&tree.files, Reach::Folder);
        let built = kustomizer.build(&tree.root);
        assert_eq!(
            all(&built.resources),
            all(&kustomizer.build(&tree.root).resources),
            "seed {seed}"
        );
        for resource in &built.resources {
            check(resource.data(), &kustomizer, &tree.files);
        }
        for spot in built.refusals.iter().filter_map(|refusal| refusal.spot) {
            assert!(
                spot.end as usize <= tree.files[kustomizer.path(spot)].len(),
                "seed {seed}"
            );
        }
        built_some += usize::from(!built.resources.is_empty());
    }
    assert!(built_some > 75, "{built_some}");
}

#[test]
fn flux_reads_files_outside_of_the_folder_and_builds_with_another_build_file() {
    let text = "#==> app/kustomization.yaml\nresources: [../shared/map.yaml]\n#==> shared/map.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n#==> ks.yaml\nnamespace: media\nresources: [map.yaml]\n";
    let fixture = Fixture::parse(text);
    let mut strict = Kustomizer::new(&fixture.files, Reach::Folder);
    assert_eq!(strict.build("app").refusals.len(), 1);
    let mut free = Kustomizer::new(&fixture.files, Reach::Anywhere);
    assert_eq!(free.build("app").resources.len(), 1);
    let build_file = free.read("ks.yaml").expect("YAML").remove(0);
    let built = free.build_as("shared", &build_file);
    assert_eq!(built.resources[0].namespace(), "media");
    let spot = built.resources[0]
        .data()
        .path(&["metadata", "namespace"])
        .and_then(|node| node.spot);
    assert_eq!(free.path(spot.expect("written")), "ks.yaml");
}

/// What Flux does: the patches of a Kustomization are added to the build file of its path, and keep the place where they stand.
#[test]
fn a_build_file_is_put_together_of_nodes_from_elsewhere() {
    let text = "#==> app/map.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n#==> ks.yaml\nspec:\n  patches:\n    - target: {kind: ConfigMap}\n      patch: |\n        - op: add\n          path: /data\n          value: {from: parent}\n";
    let fixture = Fixture::parse(text);
    let mut kustomizer = Kustomizer::new(&fixture.files, Reach::Anywhere);
    let parent = kustomizer.read("ks.yaml").expect("YAML").remove(0);
    let patches = parent.path(&["spec", "patches"]).expect("there").clone();
    let resources = Datum::new(Content::List(vec![Datum::text("map.yaml", None)]), None);
    let fields = vec![Field::new("resources", resources), Field::new("patches", patches)];
    let built = kustomizer.build_as("app", &Datum::new(Content::Map(fields), None));
    let value = built.resources[0]
        .data()
        .path(&["data", "from"])
        .expect("patched");
    let spot = value.spot.expect("written");
    assert_eq!(kustomizer.path(spot), "ks.yaml");
    let file = std::str::from_utf8(&fixture.files["ks.yaml"]).expect("UTF-8");
    assert_eq!(&file[spot.start as usize..spot.end as usize], "parent");
}
