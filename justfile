# List the recipes.
default:
    @just --list

# Format, lint and document; no tests.
[group('check')]
check:
    cargo fmt --all --check
    RUSTFLAGS=-Dwarnings cargo clippy --all-targets
    RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --document-private-items

# All tests that need nothing but Rust.
[group('test')]
test *args:
    cargo test {{ args }}

# What CI runs.
[group('check')]
ci:
    .ci/run

[group('dev')]
fmt:
    cargo fmt --all

# Accept changed snapshots; review them with git afterwards.
[group('dev')]
snap:
    INSTA_UPDATE=always cargo test

# Rewrite what is generated from the types: schemas and cluster.example.yaml.
[group('dev')]
gen:
    CLUSTERWRIGHT_UPDATE=1 cargo test --lib --test integration current

# Begin a rule: its file, its page, a fixture of each kind, its place in the lists.
[group('dev')]
new-rule name:
    src/check/rules/new.sh {{ name }}

# Run against the real tools: `just conformance short` is the set of CI, `full` takes longer.
[group('test')]
conformance set="full":
    cargo build --release
    tests/conformance/run.sh {{ set }} target/release/clusterwright

# Kill the real binary at random moments, some thousand times: the files must be those before or those after. Prints
# how many runs died, and what the next run made of it. Takes minutes.
[group('test')]
faults runs="2000":
    CLUSTERWRIGHT_FAULTS={{ runs }} cargo test --release --test integration -- --nocapture \
        faults:: write::faults:: write::undo:: write::adopt:: write::kill::

# Ratios against git status and cp -r in one run, then the micro benchmarks.
[group('test')]
bench:
    cargo build --release
    tests/bench/ratios.sh target/release/clusterwright
    cargo bench --package clusterwright-tools --bench stages

# The archive of this machine in target/dist: program, manual pages, completions, checksum.
[group('release')]
dist target="":
    .ci/dist {{ target }}

# Licences, bans and sources of all dependencies; needs cargo-deny.
[group('check')]
deny:
    cargo deny --config .deny.toml check licenses bans sources

# Rewrite schema/kinds.json.gz from the crates of the Kubernetes kinds; takes minutes, needed only for new versions.
[group('dev')]
kinds:
    cd schema/generator && cargo run --release -- ../kinds.json.gz

# Bend SOPS files and `.sops.yaml` at random and look for what breaks: `just fuzz 100000`; a failure shows its text.
[group('test')]
fuzz runs="10000" first="0" target="":
    cargo run --quiet --profile fuzz --package clusterwright-tools --bin sops-fuzz -- {{ runs }} {{ first }} {{ target }}

# Open repositories of strangers with every command, `just hostile 5000`: nothing outside of them is read, written or
# run. Where strace is there, it watches every eighth. A failure names its case: `just hostile 1 1234` runs it again.
[group('test')]
hostile cases="5000" first="0":
    CLUSTERWRIGHT_HOSTILE={{ cases }} CLUSTERWRIGHT_HOSTILE_FIRST={{ first }} \
        cargo test --profile fuzz --test integration -- --nocapture hostile::
