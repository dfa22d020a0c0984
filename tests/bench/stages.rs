//! How long each stage takes for the full tree: `cargo bench --bench stages`.
#![allow(missing_docs, reason = "criterion makes the main function")]

use std::hint::black_box;
use std::path::Path;

use clusterwright::catalog::Catalog;
use clusterwright::check::{self, Checked};
use clusterwright::diag::Diagnostics;
use clusterwright::diff::ChangeSet;
use clusterwright::pipeline::{self, Before, Configuration, World};
use clusterwright::render;
use clusterwright::sys::OsEntropy;
use clusterwright::sys::root::Root;
use clusterwright::tree::Tree;
use clusterwright::world::keyring::Sources;
use clusterwright::world::{Choices, Existing};
use criterion::{Criterion, criterion_group, criterion_main};
use sops::{Config, Identities, Updated, encrypt, generate_identity, update};

/// How many SOPS files the sealing bench has.
const SECRETS: usize = 50;

/// A repository with every feature on.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    put("cluster.yaml", include_str!("../clusters/everything.yaml"));
    put("age.key", include_str!("../support/age.key"));
    put("github-deploy.key", include_str!("../support/github-deploy.key"));
    put(
        "cloudflare-tunnel.json",
        include_str!("../support/cloudflare-tunnel.json"),
    );
    put("github-push-token.txt", "5f2b7f7e0c1d4b8fa3b96f0d3f1c2e4a\n");
    dir
}

fn world<'a>(root: &Path, entropy: &'a mut OsEntropy) -> World<'a> {
    World {
        root: Root::new(root),
        sources: Sources::default(),
        prompt: std::sync::Arc::new(sops::Nobody),
        entropy,
    }
}

fn configuration(root: &Path) -> Configuration {
    let mut diags = Diagnostics::default();
    let catalog = catalog(root);
    pipeline::configuration(&mut world(root, &mut OsEntropy), &catalog, &mut diags).expect("valid")
}

fn catalog(root: &Path) -> Catalog {
    let mut diags = Diagnostics::default();
    pipeline::catalog(&world(root, &mut OsEntropy), &mut diags).expect("valid")
}

fn before(root: &Path) -> Before {
    let mut diags = Diagnostics::default();
    pipeline::before(&world(root, &mut OsEntropy), &mut diags).expect("readable")
}

fn reading(c: &mut Criterion) {
    let dir = repository();
    c.bench_function("load and validate", |b| {
        b.iter(|| configuration(black_box(dir.path())));
    });
    c.bench_function("read the library", |b| {
        b.iter(|| catalog(black_box(dir.path())));
    });
    let (configuration, catalog) = (configuration(dir.path()), catalog(dir.path()));
    c.bench_function("plan", |b| {
        b.iter(|| pipeline::plan(&catalog, &configuration, &mut Diagnostics::default()).is_ok());
    });
}

fn rendering(c: &mut Criterion) {
    let dir = repository();
    let (configuration, catalog, before) =
        (configuration(dir.path()), catalog(dir.path()), before(dir.path()));
    let mut diags = Diagnostics::default();
    let plan = pipeline::plan(&catalog, &configuration, &mut diags).expect("fits");
    let Configuration { values, vault, .. } = &configuration;
    let render = || {
        let mut diags = Diagnostics::default();
        render::render(&catalog, &plan, values, vault, &before.added, &mut diags).expect("renders")
    };
    c.bench_function("render", |b| b.iter(render));
    let exceptions = check::allow::exceptions(&catalog);
    c.bench_function("check", |b| {
        let run = |tree| check::check(tree, &exceptions, &mut Diagnostics::default()).is_ok();
        b.iter_batched(render, run, criterion::BatchSize::LargeInput);
    });
}

fn comparing(c: &mut Criterion) {
    let dir = repository();
    let (configuration, catalog, first) =
        (configuration(dir.path()), catalog(dir.path()), before(dir.path()));
    let mut diags = Diagnostics::default();
    let plan = pipeline::plan(&catalog, &configuration, &mut diags).expect("fits");
    let checked = |before: &Before| {
        let (mut entropy, mut diags) = (OsEntropy, Diagnostics::default());
        let world = world(dir.path(), &mut entropy);
        pipeline::check(&world, &catalog, &plan, &configuration, before, &mut diags).expect("clean")
    };
    let compare = |(before, tree): (Before, Tree<Checked>)| {
        let (mut entropy, mut diags) = (OsEntropy, Diagnostics::default());
        let mut world = world(dir.path(), &mut entropy);
        pipeline::compare(
            &mut world,
            tree,
            (&configuration.vault, &configuration.keys),
            &before,
            &mut diags,
        )
        .expect("compares")
    };
    let tree = checked(&first);
    let first = compare((first, tree));
    pipeline::write(&world(dir.path(), &mut OsEntropy), &first, &mut diags).expect("written");
    let checked = || {
        let before = before(dir.path());
        let tree = checked(&before);
        (before, tree)
    };
    c.bench_function("read the work tree, seal and compare, nothing changed", |b| {
        b.iter_batched(checked, compare, criterion::BatchSize::LargeInput);
    });
    let paths: Vec<_> = first.tree.iter().map(|artifact| &artifact.path).collect();
    let existing = Existing::read(&Root::new(dir.path()), paths.iter().copied());
    c.bench_function("diff", |b| {
        b.iter(|| {
            ChangeSet::compute(
                &first.tree,
                &existing,
                &before(dir.path()).lock,
                &Choices::default(),
            )
            .is_ok()
        });
    });
}

fn sealing(c: &mut Criterion) {
    let (private, public) = generate_identity();
    let identities = Identities::parse(private.expose()).expect("a key");
    let config = format!("creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    age: {public}\n");
    let rule = Config::parse(&config)
        .and_then(|config| config.rule_for("a.sops.yaml"))
        .expect("a rule");
    let files: Vec<(String, String)> = (0..SECRETS)
        .map(|i| {
            let plain =
                format!("kind: Secret\nmetadata:\n  name: s{i}\nstringData:\n  token: \"value {i}\"\n");
            (encrypt(&plain, &rule, &mut OsEntropy).expect("encrypted"), plain)
        })
        .collect();
    c.bench_function("seal 50 unchanged secrets, one after the other", |b| {
        b.iter(|| {
            for (sealed, plain) in &files {
                let updated = update(sealed, plain, &rule, &identities, &mut OsEntropy);
                assert_eq!(updated, Ok(Updated::Unchanged));
            }
        });
    });
}

criterion_group!(stages, reading, rendering, comparing, sealing);
criterion_main!(stages);
