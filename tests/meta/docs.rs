//! The documentation: its links lead somewhere, and its commands can be typed.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Every page: path and text.
fn pages() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).expect("there").flatten();
    let mut paths: Vec<PathBuf> = docs
        .map(|entry| Path::new("docs").join(entry.file_name()))
        .collect();
    paths.extend(
        [
            "README.md",
            "CONTRIBUTING.md",
            "templates/README.md",
            "tests/README.md",
        ]
        .map(PathBuf::from),
    );
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root.join(&path)).expect("readable");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// The lines outside of fenced blocks, and those inside with the language of their block.
fn lines(text: &str) -> Vec<(Option<&str>, &str)> {
    let mut block = None;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(_) if block.is_some() => block = None,
            Some(language) => block = Some(language),
            None => found.push((block, line)),
        }
    }
    found
}

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(text: &str) -> Vec<String> {
    let headings = lines(text).into_iter().filter(|(block, _)| block.is_none());
    headings
        .filter_map(|(_, line)| line.strip_prefix('#'))
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

/// The targets of the links of a page, but for those to other sites.
fn links(text: &str) -> Vec<String> {
    let prose = lines(text).into_iter().filter(|(block, _)| block.is_none());
    let mut found = Vec::new();
    for (_, line) in prose {
        for rest in line.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            if !target.contains("://") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for (path, text) in &pages {
        for link in links(text) {
            let (file, place) = link.split_once('#').unwrap_or((&link, ""));
            let mut target = path.parent().expect("a file").to_path_buf();
            for part in Path::new(file).components() {
                match part {
                    Component::ParentDir => {
                        target.pop();
                    }
                    part => target.push(part),
                }
            }
            if file.is_empty() {
                target.clone_from(path);
            }
            assert!(root.join(&target).exists(), "{}: {link}", path.display());
            if !place.is_empty() {
                let anchors = anchors(&pages[&target]);
                assert!(
                    anchors.contains(&place.to_owned()),
                    "{}: {link}, not in {anchors:?}",
                    path.display()
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} links");
}

#[test]
fn every_page_is_reached_from_the_readme() {
    let pages = pages();
    let linked = links(&pages[Path::new("README.md")]);
    for page in pages.keys().filter(|path| path.starts_with("docs")) {
        let page = page.to_string_lossy();
        assert!(linked.iter().any(|link| link.starts_with(&*page)), "{page}");
    }
}

#[test]
fn the_readme_is_short() {
    let length = pages()[Path::new("README.md")].lines().count();
    assert!(length <= 250, "{length} lines");
}

#[test]
fn every_command_can_be_typed() {
    let mut seen = 0;
    for (path, text) in pages() {
        let spans = text.split('`').skip(1).step_by(2).map(str::to_owned);
        let blocks = lines(&text).into_iter().filter(|(block, _)| block.is_some());
        let typed = blocks.map(|(_, line)| line.strip_prefix("$ ").unwrap_or(line).to_owned());
        for line in spans
            .chain(typed)
            .filter(|line| line.starts_with("clusterwright "))
        {
            let line = line.replace('\n', " ");
            let line = line.split([';', '|', '#']).next().unwrap_or_default().trim();
            if line.contains('…') {
                continue;
            }
            // What stands for something of the reader's: a revision, a path.
            let words = shlex::split(line).unwrap_or_else(|| panic!("{}: {line}", path.display()));
            let named = words
                .iter()
                .skip(1)
                .find(|word| !word.starts_with('-') && word.to_uppercase() == **word);
            if named.is_some_and(|word| word == "COMMAND") {
                continue;
            }
            if let Err(error) = clusterwright::cli::command().try_get_matches_from(&words) {
                let short = error.kind() == clap::error::ErrorKind::MissingRequiredArgument
                    || error.kind() == clap::error::ErrorKind::DisplayHelp
                    || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
                // A command may be spoken of without its arguments.
                assert!(short, "{}: {line}: {error}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} commands");
}

/// A page beside its module that nobody links is one that nobody reads; `every_link_leads_somewhere` has the other way.
#[test]
fn every_decision_is_reached_from_contributing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("CONTRIBUTING.md")).expect("readable");
    let linked = links(&text);
    let mut seen = 0;
    for above in ["src", "crates"] {
        for entry in std::fs::read_dir(root.join(above)).expect("there").flatten() {
            let page = entry.path().join("DECISION.md");
            if page.exists() {
                let page = page
                    .strip_prefix(root)
                    .expect("below")
                    .to_string_lossy()
                    .into_owned();
                assert!(linked.contains(&page), "{page}");
                let lines = std::fs::read_to_string(root.join(&page))
                    .expect("readable")
                    .lines()
                    .count();
                assert!((20..=60).contains(&lines), "{page}: {lines} lines");
                seen += 1;
            }
        }
    }
    assert_eq!(
        seen,
        linked
            .iter()
            .filter(|link| link.ends_with("/DECISION.md"))
            .count()
    );
    assert!(seen >= 6, "{seen} pages");
}
