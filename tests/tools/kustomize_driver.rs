//! Compares our builds with those of the real kustomize, for `tests/conformance/build.sh`.
//!
//! `kustomize-driver compare KUSTOMIZE FIRST LAST [KEEP]` goes through generated trees by their seeds and prints how many are
//! alike, by feature; KEEP is a directory for the trees that differ. `kustomize-driver trees KUSTOMIZE DIR` compares every folder
//! with a build file below a directory, `kustomize-driver fixtures KUSTOMIZE DIR [update]` the fixtures of the crate, and
//! `kustomize-driver build DIR FOLDER` shows our build.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use kustomize::{BuiltFolder, Kustomizer, Reach};
use serde_json::Value;
use yaml::go::{Plain, resolve};
use yaml::{Kind, Node, Style};

#[path = "../../crates/kustomize/tests/fixture.rs"]
mod fixture;
#[path = "../../crates/kustomize/tests/generate/mod.rs"]
mod generate;

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["compare", kustomize, first, last] => compare(kustomize, first, last, None),
        ["compare", kustomize, first, last, keep] => compare(kustomize, first, last, Some(Path::new(keep))),
        ["build", dir, folder] => build(dir, folder),
        ["trees", kustomize, dir] => trees(kustomize, dir),
        ["fixtures", kustomize, dir] => fixtures(kustomize, dir, false),
        ["fixtures", kustomize, dir, "update"] => fixtures(kustomize, dir, true),
        _ => Err("usage: kustomize-driver compare KUSTOMIZE FIRST LAST [KEEP] | build DIR FOLDER | trees KUSTOMIZE DIR | fixtures KUSTOMIZE DIR".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How often something was compared, and was alike.
#[derive(Default)]
struct Count {
    all: usize,
    alike: usize,
    refused: usize,
}

fn compare(kustomize: &str, first: &str, last: &str, keep: Option<&Path>) -> Result<bool, Failure> {
    let (first, last): (u64, u64) = (first.parse()?, last.parse()?);
    let work = std::env::temp_dir().join(format!("kustomize-driver-{}", std::process::id()));
    let mut counts: BTreeMap<&'static str, Count> = BTreeMap::new();
    let mut total = Count::default();
    for seed in first..=last {
        let tree = generate::generate(seed);
        let dir = work.join("tree");
        write(&dir, &tree.files)?;
        let theirs = real(kustomize, &dir.join(&tree.root))?;
        let ours = ours(&tree.files, &tree.root)?;
        let difference = differ(&ours, &theirs);
        for feature in &tree.features {
            tally(counts.entry(feature).or_default(), &theirs, difference.is_none());
        }
        tally(&mut total, &theirs, difference.is_none());
        if let (Err(ours), Err(theirs)) = (&ours, &theirs)
            && std::env::var_os("REASONS").is_some()
        {
            println!("refused {seed}: {ours} | {}", theirs.replace('\n', " "));
        }
        if let Some(difference) = difference {
            println!("seed {seed}: {difference}");
            if let Some(keep) = keep {
                write(&keep.join(seed.to_string()), &tree.files)?;
            }
        }
        fs::remove_dir_all(&dir)?;
    }
    let _ = fs::remove_dir_all(&work);
    for (feature, count) in &counts {
        println!(
            "{feature}: {} of {} alike, {} refused by kustomize",
            count.alike, count.all, count.refused
        );
    }
    println!(
        "trees: {} of {} alike, {} refused by kustomize",
        total.alike, total.all, total.refused
    );
    Ok(total.alike == total.all)
}

fn tally(count: &mut Count, theirs: &Result<Vec<Value>, String>, alike: bool) {
    count.all += 1;
    count.alike += usize::from(alike);
    count.refused += usize::from(theirs.is_err());
}

fn write(dir: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    let _ = fs::remove_dir_all(dir);
    for (path, content) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
        fs::write(path, content)?;
    }
    Ok(())
}

/// The real build: objects, or why not.
fn real(kustomize: &str, folder: &Path) -> Result<Result<Vec<Value>, String>, Failure> {
    let output = Command::new(kustomize).arg("build").arg(folder).output()?;
    if !output.status.success() {
        return Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8(output.stdout)?;
    let roots = yaml::go::parse(&text).map_err(|error| format!("{}: {text}", error.message))?;
    Ok(Ok(roots.iter().map(json).collect()))
}

fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar {
            value,
            style: Style::Plain,
        } if node.tag.is_none() => match resolve(value) {
            Plain::Null => Value::Null,
            Plain::Bool(value) => Value::Bool(value),
            Plain::Int(number) => number_value(&number.to_string()),
            Plain::Float(number) => number_value(&number.to_string()),
            Plain::Timestamp(_) | Plain::Merge | Plain::Text => Value::String(value.clone()),
        },
        Kind::Scalar { value, .. } => Value::String(value.clone()),
        Kind::Seq(items) => items.iter().map(json).collect(),
        Kind::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), json(value)));
            Value::Object(entries.collect())
        }
        Kind::Alias(_) => Value::Null,
    }
}

/// Numbers are compared as floating ones.
fn number_value(text: &str) -> Value {
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn floating(value: Value) -> Value {
    match value {
        Value::Number(number) => number_value(&number.to_string()),
        Value::Array(items) => items.into_iter().map(floating).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, floating(value)))
            .collect(),
        other => other,
    }
}

fn ours(files: &BTreeMap<String, Vec<u8>>, root: &str) -> Result<Result<Vec<Value>, String>, Failure> {
    let mut kustomizer = Kustomizer::new(files, Reach::Folder);
    let built = kustomizer.build(root);
    if !built.refusals.is_empty() {
        return Ok(Err(told(&kustomizer, &built)));
    }
    let mut objects = Vec::new();
    for resource in &built.resources {
        let value = resource
            .data()
            .to_json()
            .map_err(|misfit| format!("{misfit:?}"))?;
        objects.push(floating(value));
    }
    Ok(Ok(objects))
}

fn told(kustomizer: &Kustomizer<'_>, built: &BuiltFolder) -> String {
    let place = |spot: Option<kustomize::Spot>| {
        spot.map_or(String::new(), |spot| {
            format!(" ({}:{}..{})", kustomizer.path(spot), spot.start, spot.end)
        })
    };
    let lines = built.refusals.iter().map(|refusal| {
        let folder = refusal.folder.as_deref().unwrap_or_default();
        format!(
            "{folder}: {refusal}{}{}",
            place(refusal.spot),
            place(refusal.other)
        )
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// The first difference.
fn differ(ours: &Result<Vec<Value>, String>, theirs: &Result<Vec<Value>, String>) -> Option<String> {
    let short = |text: &str| text.chars().take(400).collect::<String>().replace('\n', " ");
    match (ours, theirs) {
        (Err(_), Err(_)) => None,
        (Ok(_), Err(theirs)) => Some(format!("only kustomize refuses: {}", short(theirs))),
        (Err(ours), Ok(_)) => Some(format!("only we refuse: {}", short(ours))),
        (Ok(ours), Ok(theirs)) => {
            if ours.len() != theirs.len() {
                return Some(format!("{} objects, kustomize has {}", ours.len(), theirs.len()));
            }
            let pairs = ours.iter().zip(theirs);
            pairs.into_iter().find(|(a, b)| a != b).map(|(ours, theirs)| {
                let mut path = String::new();
                let (a, b) = descend(ours, theirs, &mut path);
                format!(
                    "{} {}{path}: {}, kustomize has {}",
                    ours["kind"],
                    ours["metadata"]["name"],
                    short(&a),
                    short(&b)
                )
            })
        }
    }
}

fn descend(ours: &Value, theirs: &Value, path: &mut String) -> (String, String) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys());
            let differing = keys.into_iter().find(|key| a.get(*key) != b.get(*key));
            if let Some(key) = differing {
                path.push('/');
                path.push_str(key);
                return match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => descend(a, b, path),
                    (a, b) => (show(a), show(b)),
                };
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            if let Some(at) = (0..a.len()).find(|at| a[*at] != b[*at]) {
                path.push_str(&format!("/{at}"));
                return descend(&a[at], &b[at], path);
            }
        }
        _ => {}
    }
    (ours.to_string(), theirs.to_string())
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

/// The files of a directory.
fn read(dir: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let path = format!("{below}{}", name.to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn build(dir: &str, folder: &str) -> Result<bool, Failure> {
    let mut files = BTreeMap::new();
    read(Path::new(dir), "", &mut files)?;
    let mut kustomizer = Kustomizer::new(&files, Reach::Folder);
    let built = kustomizer.build(folder);
    for resource in &built.resources {
        println!(
            "---\n{}",
            yaml::to_string(
                &resource
                    .data()
                    .to_json()
                    .map_err(|misfit| format!("{misfit:?}"))?
            )
        );
    }
    println!("{}", told(&kustomizer, &built));
    println!("{:?}", built.unknown);
    Ok(built.refusals.is_empty())
}

/// Compares every folder with a build file below a directory.
fn trees(kustomize: &str, dir: &str) -> Result<bool, Failure> {
    let mut files = BTreeMap::new();
    read(Path::new(dir), "", &mut files)?;
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let mut count = Count::default();
    let mut unknown = 0;
    for path in files.keys() {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !names.contains(&name) {
            continue;
        }
        let mut kustomizer = Kustomizer::new(&files, Reach::Folder);
        if !kustomizer.build(folder).unknown.is_empty() {
            unknown += 1;
            continue;
        }
        let theirs = real(kustomize, &Path::new(dir).join(folder))?;
        let difference = differ(&ours(&files, folder)?, &theirs);
        tally(&mut count, &theirs, difference.is_none());
        if let Some(difference) = difference {
            println!("{folder}: {difference}");
        }
    }
    println!(
        "folders: {} of {} alike, {} refused by kustomize, {unknown} with unknown parts",
        count.alike, count.all, count.refused
    );
    Ok(count.alike == count.all)
}

/// Compares what fixtures expect with what kustomize prints, or writes that into them.
fn fixtures(kustomize: &str, dir: &str, is_update: bool) -> Result<bool, Failure> {
    let work = std::env::temp_dir().join(format!("kustomize-driver-{}", std::process::id()));
    let mut count = Count::default();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let fixture = fixture::Fixture::parse(&text);
        if fixture.expected.starts_with("unknown ") {
            continue;
        }
        write(&work, &fixture.files)?;
        let theirs = real(kustomize, &work.join(fixture.root()))?;
        if is_update && !fixture.is_refused() {
            let output = Command::new(kustomize)
                .arg("build")
                .arg(work.join(fixture.root()))
                .output()?;
            let printed = String::from_utf8(output.stdout)?;
            fs::write(&path, fixture::with_expected(&text, &printed))?;
            if let Err(message) = &theirs {
                println!("{}: {message}", path.display());
            }
        }
        let expected = if fixture.is_refused() {
            Err(fixture.expected)
        } else {
            let roots = yaml::go::parse(&fixture.expected).map_err(|error| error.message)?;
            Ok(roots.iter().map(json).collect())
        };
        let difference = differ(&expected, &theirs);
        tally(&mut count, &theirs, difference.is_none());
        if let Some(difference) = difference {
            println!("{}: {difference}", path.display());
        }
    }
    let _ = fs::remove_dir_all(&work);
    println!(
        "fixtures: {} of {} alike, {} refused by kustomize",
        count.alike, count.all, count.refused
    );
    Ok(count.alike == count.all)
}
