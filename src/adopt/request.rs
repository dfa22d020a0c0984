//! What a person wants to take over, in the words of the command line, and what it comes to.

use std::collections::BTreeSet;

use super::{State, Survey, Surveyed};
use crate::diag::Diagnostic;
use crate::tree::RepoPath;
use crate::world::Choices;

/// What a person named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdoptRequest {
    /// Apps (`monitoring/loki`, or `loki` where one app has the name), files and folders to take over.
    pub take: Vec<String>,
    /// Apps, files and folders whose versions on the disk stay as they are.
    pub keep: Vec<String>,
    /// Take over everything that is not ours yet.
    pub all: bool,
    /// Take over every file that equals the render: only the lock changes.
    pub identical: bool,
    /// Write our layout also where the content is the same.
    pub rewrite: bool,
}

/// What the request comes to.
#[derive(Debug, Clone, Default)]
pub struct Picked {
    /// The choices for [`crate::diff::ChangeSet::compute`].
    pub choices: Choices,
    /// The paths that they concern, for [`crate::diff::ChangeSet::only`].
    pub paths: BTreeSet<RepoPath>,
}

impl AdoptRequest {
    /// Returns whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.take.is_empty() && self.keep.is_empty() && !self.all && !self.identical
    }

    /// Finds the files.
    ///
    /// # Errors
    /// With a finding for each name that means nothing here.
    pub fn resolve(&self, survey: &Survey) -> Result<Picked, Vec<Diagnostic>> {
        let (mut picked, mut findings) = (Picked::default(), Vec::new());
        for name in &self.keep {
            match matching(name, survey) {
                Ok((files, _)) => files.for_each(|file| picked.keep(file)),
                Err(finding) => findings.push(finding),
            }
        }
        for name in &self.take {
            match matching(name, survey) {
                Ok((files, exact)) => files.for_each(|file| picked.take(file, exact, self.rewrite)),
                Err(finding) => findings.push(finding),
            }
        }
        if self.all {
            let files = survey.files.iter();
            files.for_each(|file| picked.take(file, false, self.rewrite));
        }
        if self.identical {
            let same = survey.files.iter().filter(|file| file.state == State::Identical);
            picked.paths.extend(same.map(|file| file.path.clone()));
        }
        if findings.is_empty() {
            Ok(picked)
        } else {
            Err(findings)
        }
    }
}

impl Picked {
    fn keep(&mut self, file: &Surveyed) {
        match file.state {
            State::SameContent | State::SameValues | State::Locked | State::Differs | State::Edited => {
                self.choices.keep.insert(file.path.clone());
            }
            State::Identical => {}
            State::Kept | State::Missing | State::Ours => return,
        }
        self.paths.insert(file.path.clone());
    }

    /// An edited or kept file is taken only when it is named itself.
    fn take(&mut self, file: &Surveyed, exact: bool, rewrite: bool) {
        if self.paths.contains(&file.path) {
            return;
        }
        match file.state {
            State::Identical => {}
            State::SameContent if !rewrite => {
                self.choices.keep.insert(file.path.clone());
            }
            State::SameContent | State::SameValues | State::Locked | State::Differs => {
                self.choices.overwrite.insert(file.path.clone());
            }
            State::Edited | State::Kept if exact => {
                self.choices.overwrite.insert(file.path.clone());
            }
            State::Edited | State::Kept | State::Missing | State::Ours => return,
        }
        self.paths.insert(file.path.clone());
    }
}

type Matches<'a> = Box<dyn Iterator<Item = &'a Surveyed> + 'a>;

/// The files that a name means, and whether it names one file itself.
fn matching<'a>(name: &str, survey: &'a Survey) -> Result<(Matches<'a>, bool), Diagnostic> {
    let of_app = |app: String| -> Matches<'a> { Box::new(survey.files.iter().filter(move |f| f.app == app)) };
    let apps: BTreeSet<&str> = survey.files.iter().map(|file| file.app.as_str()).collect();
    if apps.contains(name) {
        return Ok((of_app(name.to_owned()), false));
    }
    if let Ok(path) = RepoPath::parse(name) {
        if survey.files.iter().any(|file| file.path == path) {
            let file = survey.files.iter().filter(move |file| file.path == path);
            return Ok((Box::new(file), true));
        }
        let folder = format!("{path}/");
        if survey
            .files
            .iter()
            .any(|file| file.path.as_str().starts_with(&folder))
        {
            let files = survey.files.iter();
            let below = files.filter(move |file| file.path.as_str().starts_with(&folder));
            return Ok((Box::new(below), false));
        }
        let theirs = |folder: &super::Folder| {
            folder.path == path.as_str() || path.as_str().starts_with(&format!("{}/", folder.path))
        };
        if survey.beside.iter().any(theirs) {
            let message = format!("`{path}` is not rendered by clusterwright: it is yours and stays so");
            return Err(Diagnostic::error("adopt/not-rendered", message)
                .in_file(path.as_str())
                .help("leave it out: there is nothing to adopt"));
        }
    }
    let short: Vec<&str> = apps
        .iter()
        .copied()
        .filter(|app| app.rsplit_once('/').is_some_and(|(_, short)| short == name))
        .collect();
    match short.as_slice() {
        [app] => Ok((of_app((*app).to_owned()), false)),
        [] => Err(unknown(name, survey, &apps)),
        several => {
            let list: Vec<String> = several.iter().map(|app| format!("`{app}`")).collect();
            let message = format!("`{name}` is the name of {} apps", several.len());
            Err(Diagnostic::error("adopt/ambiguous", message)
                .help(format!("name one of {}", list.join(", "))))
        }
    }
}

fn unknown(name: &str, survey: &Survey, apps: &BTreeSet<&str>) -> Diagnostic {
    let message = format!("`{name}` is no enabled app, no rendered file and no folder of one");
    let finding = Diagnostic::error("adopt/unknown", message);
    let paths = survey.files.iter().map(|file| file.path.as_str());
    let names = apps.iter().copied().chain(paths);
    let shorts = apps.iter().filter_map(|app| Some(app.rsplit_once('/')?.1));
    match crate::plan::closest(name, names.chain(shorts)) {
        Some(close) => finding.help(format!("did you mean `{close}`?")),
        None => finding.help("`clusterwright adopt` alone lists what there is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 9] = [
        State::Identical,
        State::SameContent,
        State::SameValues,
        State::Locked,
        State::Differs,
        State::Edited,
        State::Kept,
        State::Missing,
        State::Ours,
    ];

    /// Two apps with a file in every state each, one file of no app, and a folder beside them.
    fn survey() -> Survey {
        let mut files = Vec::new();
        for app in ["a/one", "b/one", "b/two"] {
            for state in STATES {
                files.push(Surveyed {
                    path: RepoPath::parse(&format!("k/{app}/{state:?}.yaml")).expect("valid"),
                    app: app.to_owned(),
                    state,
                });
            }
        }
        Survey {
            files,
            beside: vec![super::super::Folder {
                path: "k/mine".to_owned(),
                files: 1,
                wired_in: false,
            }],
            elsewhere: Vec::new(),
            unread: Vec::new(),
        }
    }

    fn names(set: &BTreeSet<RepoPath>) -> Vec<String> {
        let name = |path: &RepoPath| path.as_str().trim_end_matches(".yaml").to_owned();
        set.iter().map(name).collect()
    }

    fn resolve(take: &[&str], keep: &[&str], rewrite: bool) -> Result<Picked, Vec<Diagnostic>> {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let request = AdoptRequest {
            take: list(take),
            keep: list(keep),
            rewrite,
            ..AdoptRequest::default()
        };
        request.resolve(&survey())
    }

    #[test]
    fn an_app_means_what_is_not_ours_yet_and_same_content_keeps_its_bytes() {
        for name in ["b/two", "two", "k/b/two", "./k/b/two/"] {
            let picked = resolve(&[name], &[], false).expect(name);
            assert_eq!(
                names(&picked.choices.overwrite),
                ["k/b/two/Differs", "k/b/two/Locked", "k/b/two/SameValues"]
            );
            assert_eq!(names(&picked.choices.keep), ["k/b/two/SameContent"]);
            assert_eq!(picked.paths.len(), 5, "and the identical one: {picked:?}");
        }
        let picked = resolve(&["two"], &[], true).expect("rewrite");
        assert_eq!(picked.choices.overwrite.len(), 4);
        assert!(picked.choices.keep.is_empty());
    }

    #[test]
    fn a_file_that_is_named_itself_is_taken_in_more_states() {
        for (state, taken) in [
            ("Edited", true),
            ("Kept", true),
            ("Missing", false),
            ("Ours", false),
        ] {
            let picked = resolve(&[&format!("k/b/two/{state}.yaml")], &[], false).expect(state);
            assert_eq!(picked.choices.overwrite.len() == 1, taken, "{state}");
            assert_eq!(picked.paths, picked.choices.overwrite);
        }
    }

    #[test]
    fn keep_wins_over_take() {
        let picked = resolve(&["two"], &["k/b/two/Differs.yaml"], false).expect("fine");
        assert_eq!(
            names(&picked.choices.overwrite),
            ["k/b/two/Locked", "k/b/two/SameValues"]
        );
        assert_eq!(
            names(&picked.choices.keep),
            ["k/b/two/Differs", "k/b/two/SameContent"]
        );
        let all = AdoptRequest {
            all: true,
            keep: vec!["b/one".to_owned(), "b/two".to_owned()],
            ..AdoptRequest::default()
        };
        let picked = all.resolve(&survey()).expect("fine");
        assert_eq!(
            names(&picked.choices.overwrite),
            ["k/a/one/Differs", "k/a/one/Locked", "k/a/one/SameValues"]
        );
    }

    #[test]
    fn identical_files_can_be_had_alone() {
        let request = AdoptRequest {
            identical: true,
            ..AdoptRequest::default()
        };
        assert!(!request.is_empty() && AdoptRequest::default().is_empty());
        let picked = request.resolve(&survey()).expect("fine");
        assert_eq!(
            names(&picked.paths),
            ["k/a/one/Identical", "k/b/one/Identical", "k/b/two/Identical"]
        );
        assert!(picked.choices.overwrite.is_empty() && picked.choices.keep.is_empty());
    }

    #[test]
    fn names_that_mean_nothing_are_all_reported_with_a_way_out() {
        let errors = resolve(&["twoo", "one", "k/mine/x.yaml"], &["../x"], false).expect_err("none fits");
        let told: Vec<_> = errors.iter().map(|e| (e.code, e.help[0].as_str())).collect();
        assert_eq!(
            told,
            [
                ("adopt/unknown", "`clusterwright adopt` alone lists what there is"),
                ("adopt/unknown", "did you mean `two`?"),
                ("adopt/ambiguous", "name one of `a/one`, `b/one`"),
                ("adopt/not-rendered", "leave it out: there is nothing to adopt"),
            ]
        );
    }
}
