//! How long each stage takes for the full tree: `just bench`.
#![allow(missing_docs, reason = "criterion makes the main function")]

use std::hint::black_box;
use std::path::Path;

use clusterwright::check;
use clusterwright::diag::Diagnostics;
use clusterwright::diff::ChangeSet;
use clusterwright::pipeline::{Run, World};
use clusterwright::render;
use clusterwright::sys::OsEntropy;
use clusterwright::sys::root::Root;
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

/// A run over a repository. Criterion makes one in one place and measures it in another: it lives as long as the program.
fn run(root: &Path) -> Run<'static> {
    let world = World {
        root: Root::new(root),
        sources: Sources::default(),
        prompt: std::sync::Arc::new(sops::Nobody),
        entropy: Box::leak(Box::new(OsEntropy)),
    };
    let diags = Diagnostics::default();
    Run::new(Box::leak(Box::new(world)), Box::leak(Box::new(diags)))
}

fn reading(c: &mut Criterion) {
    let dir = repository();
    c.bench_function("load and validate", |b| {
        b.iter(|| run(black_box(dir.path())).configuration().is_ok());
    });
    c.bench_function("read the library", |b| {
        b.iter(|| run(black_box(dir.path())).catalog().is_ok());
    });
    let loaded = || {
        let run = run(dir.path());
        assert!(run.configuration().is_ok());
        run
    };
    c.bench_function("plan", |b| {
        let plan = |run: Run<'_>| run.plan().is_ok();
        b.iter_batched(loaded, plan, criterion::BatchSize::LargeInput);
    });
}

fn rendering(c: &mut Criterion) {
    let dir = repository();
    let run = run(dir.path());
    let (configuration, catalog) = (run.configuration().expect("valid"), run.catalog().expect("valid"));
    let (plan, before) = (run.plan().expect("fits"), run.before().expect("readable"));
    let (values, vault) = (&configuration.values, &configuration.secrets.vault);
    let render = || {
        let mut diags = Diagnostics::default();
        render::render(catalog, plan, values, vault, &before.added, &mut diags).expect("renders")
    };
    c.bench_function("render", |b| b.iter(render));
    let exceptions = check::allow::exceptions(catalog);
    c.bench_function("check", |b| {
        let run = |tree| check::check(tree, &exceptions, &mut Diagnostics::default()).is_ok();
        b.iter_batched(render, run, criterion::BatchSize::LargeInput);
    });
}

fn comparing(c: &mut Criterion) {
    let dir = repository();
    let first = run(dir.path());
    first
        .settled()
        .and_then(|compared| first.write(compared))
        .expect("written");
    let checked = || {
        let run = run(dir.path());
        assert!(run.checked().is_ok());
        run
    };
    c.bench_function("seal and compare, nothing changed", |b| {
        let compare = |run: Run<'_>| run.settled().is_ok();
        b.iter_batched(checked, compare, criterion::BatchSize::LargeInput);
    });
    let run = run(dir.path());
    let (compared, lock) = (
        run.compared().expect("compares"),
        &run.before().expect("readable").lock,
    );
    let paths: Vec<_> = compared.tree.iter().map(|artifact| &artifact.path).collect();
    let existing = Existing::read(&Root::new(dir.path()), paths.iter().copied());
    c.bench_function("diff", |b| {
        b.iter(|| ChangeSet::compute(&compared.tree, &existing, lock, &Choices::default()).is_ok());
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
