//! Tera as the library uses it: delimiters, white space, checks of the whole set at load, findings with spans.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tera::{Context, Delimiters, Tera};

use super::bounded::{self, Bounded};
use super::fault::{look_through, report, report_all};
use super::names::{self, Shape};
use super::whitespace;
use crate::bounds::{self, BoundedRender, Limit, Slow};
use crate::catalog::{Language, TemplateFile};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::plan::closest;
use crate::source::SourceId;

/// The values that templates read, as Tera holds them: converted once for all files.
pub(super) struct Scope(Context);

impl Scope {
    /// Converts values.
    pub(super) fn new(values: &Map<String, Value>) -> Self {
        let mut context = Context::new();
        for (key, value) in values {
            context.insert(key.clone(), value);
        }
        Self(context)
    }

    /// Adds or replaces a value.
    pub(super) fn set(&mut self, key: &'static str, value: &Value) {
        self.0.insert(key, value);
    }

    /// Removes a value.
    pub(super) fn unset(&mut self, key: &str) {
        self.0.remove(key);
    }
}

/// A template as the engine holds it.
pub(super) struct Source {
    /// The text that a person wrote.
    pub(super) text: String,
    pub(super) bounded: Bounded,
}

/// All templates of a library, parsed.
pub(super) struct TeraEngine {
    tera: Tera,
    sources: BTreeMap<String, Source>,
    slow: Slow,
}

impl TeraEngine {
    /// Parses all templates and checks every name they read.
    ///
    /// # Errors
    /// For syntax errors, unknown filters, unknown names, and what takes too much; those of all templates are reported.
    pub(super) fn load<'a>(
        files: impl Iterator<Item = &'a TemplateFile>,
        shape: &BTreeMap<String, Shape>,
        diags: &mut Diagnostics,
    ) -> Result<Self, Aborted> {
        let files: Vec<&TemplateFile> = files.filter(|file| file.language == Language::Tera).collect();
        let mut tera = empty();
        let mut sources = BTreeMap::new();
        for file in &files {
            match bounded::bounded(&whitespace::trim(&file.text)) {
                Ok(bounded) => {
                    let text = file.text.clone();
                    sources.insert(file.source.clone(), Source { text, bounded });
                }
                Err((range, limit)) => {
                    let id = source(file, diags);
                    diags.push(limit.finding().at(id.span(range), ""));
                }
            }
        }
        if !check_chains(&sources, diags) {
            // The engine follows a chain by calls as well.
            diags.checkpoint()?;
        }
        check_uses(&files, &sources, diags);
        // What is in the sources is safe to parse; the other templates' findings come in the same pass.
        let texts = sources
            .iter()
            .map(|(name, source)| (name.as_str(), source.bounded.text.as_str()));
        let complete = sources.len() == files.len() && !diags.has_errors();
        let seen: Vec<&str> = sources
            .iter()
            .filter(|(name, source)| look_through(name, &source.text, diags))
            .map(|(name, _)| name.as_str())
            .collect();
        if let Err(error) = tera.add_raw_templates(texts) {
            report_all(&sources, &error, complete, &seen, diags);
        }
        for file in files.iter().filter(|file| sources.contains_key(&file.source)) {
            for unknown in names::unknown(&file.text, shape) {
                let id = source(file, diags);
                let mut diagnostic = Diagnostic::error(
                    "template/unknown-name",
                    format!("`{}` does not exist", unknown.name),
                )
                .at(id.span(unknown.span), "read here");
                let last = unknown.name.rsplit('.').next().unwrap_or_default();
                if unknown.name.starts_with("secrets.") && shape.contains_key(last) {
                    diagnostic = diagnostic.help(format!(
                        "write `{last}`: the keys of cluster.yaml, secret ones as well, are read by their names alone"
                    ));
                } else if let Some(help) = names::help(
                    &unknown.name,
                    closest(last, unknown.candidates.iter().map(String::as_str)),
                ) {
                    diagnostic = diagnostic.help(help);
                }
                diags.push(diagnostic);
            }
        }
        diags.checkpoint()?;
        Ok(Self {
            tera,
            sources,
            slow: Slow::default(),
        })
    }

    /// Renders one template; `None` after an error, which is reported.
    pub(super) fn render(
        &self,
        file: &TemplateFile,
        scope: &Scope,
        diags: &mut Diagnostics,
    ) -> Option<String> {
        let run = BoundedRender::start(&self.slow);
        match self.tera.render(&file.source, &scope.0) {
            Ok(text) => Some(text),
            Err(error) => {
                report(&self.sources, &file.source, &error, run.limit().as_ref(), diags);
                None
            }
        }
    }

    /// Returns whether a template reads one of these top-level names.
    pub(super) fn reads(&self, file: &TemplateFile, name: impl Fn(&str) -> bool) -> bool {
        self.with_parts(file).into_iter().any(|source| {
            self.tera
                .get_template_variables(source)
                .is_ok_and(|names| names.iter().any(|n| name(n)))
        })
    }

    /// Returns the text of a template and of all that it includes, which tells one version of it from another.
    pub(super) fn whole(&self, file: &TemplateFile) -> String {
        let parts = self
            .with_parts(file)
            .into_iter()
            .filter(|name| **name != file.source);
        let parts = parts.filter_map(|name| self.sources.get(name));
        std::iter::once(file.text.as_str())
            .chain(parts.map(|part| part.text.as_str()))
            .collect()
    }

    /// Returns the names of a template and of all that it includes, each once.
    fn with_parts<'s>(&'s self, file: &'s TemplateFile) -> BTreeSet<&'s str> {
        let mut found = BTreeSet::new();
        let mut open = vec![file.source.as_str()];
        while let Some(name) = open.pop() {
            if found.insert(name) {
                let uses = self
                    .sources
                    .get(name)
                    .into_iter()
                    .flat_map(|source| &source.bounded.uses);
                open.extend(uses.map(|(used, _)| used.as_str()));
            }
        }
        found
    }
}

/// Returns the engine without templates.
pub(super) fn empty() -> Tera {
    let mut tera = Tera::default();
    let delimiters = Delimiters {
        block_start: "#%".into(),
        block_end: "%#".into(),
        variable_start: "#{".into(),
        variable_end: "}#".into(),
        comment_start: "#|".into(),
        comment_end: "|#".into(),
    };
    tera.set_delimiters(delimiters)
        .expect("the delimiters are two bytes long and differ");
    tera.autoescape_on(Vec::<&'static str>::new());
    bounded::register(&mut tera);
    tera
}

/// Refuses chains of templates that include or extend each other, for to render one takes a call for each. A ring is a
/// chain without an end.
fn check_chains(sources: &BTreeMap<String, Source>, diags: &mut Diagnostics) -> bool {
    // In rounds, without calls of its own.
    let mut lengths: BTreeMap<&str, usize> = sources.keys().map(|name| (name.as_str(), 1)).collect();
    for round in 0..=bounds::MAX_CHAIN {
        let mut changed = Vec::new();
        for (name, source) in sources {
            let below = source
                .bounded
                .uses
                .iter()
                .filter_map(|(used, _)| lengths.get(used.as_str()));
            let length = 1 + below.max().copied().unwrap_or(0);
            if length > lengths[name.as_str()] {
                changed.push((name.as_str(), length));
            }
        }
        if changed.is_empty() {
            return true;
        }
        if round == bounds::MAX_CHAIN {
            let name = changed[0].0;
            diags.push(Limit::chain().finding().in_file(format!("templates/{name}")));
        }
        lengths.extend(changed);
    }
    false
}

/// Reports what is included and is not there, at the place of its name.
fn check_uses(files: &[&TemplateFile], sources: &BTreeMap<String, Source>, diags: &mut Diagnostics) {
    let names: BTreeSet<&str> = files.iter().map(|file| file.source.as_str()).collect();
    for file in files {
        let uses = sources
            .get(&file.source)
            .into_iter()
            .flat_map(|source| &source.bounded.uses);
        for (used, range) in uses.filter(|(used, _)| !names.contains(used.as_str())) {
            let message = format!("there is no template `{used}`");
            // One of that name in another folder, before one that is spelled alike.
            let ending = format!("/{used}");
            let beside = file
                .source
                .rsplit_once('/')
                .map(|(folder, _)| format!("{folder}{ending}"));
            let near = beside
                .as_deref()
                .and_then(|beside| names.get(beside))
                .or_else(|| names.iter().find(|name| name.ends_with(&ending)))
                .copied()
                .or_else(|| closest(used, names.iter().copied()));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name it by its path below `templates/`, such as `shared/_name.yaml.tera`".to_owned(),
            };
            let id = source(file, diags);
            let finding = Diagnostic::error("template/missing-include", message);
            diags.push(finding.at(id.span(range.clone()), "included here").help(help));
        }
    }
}

/// Adds the template's text to the sources.
pub(super) fn source(file: &TemplateFile, diags: &mut Diagnostics) -> SourceId {
    diags
        .sources
        .add(format!("templates/{}", file.source), file.text.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diag::concise;
    use crate::tree::RepoPath;

    fn file(name: &str, text: &str) -> TemplateFile {
        TemplateFile {
            source: format!("repo/{name}.tera"),
            output: RepoPath::parse(name).expect("a path"),
            language: Language::Tera,
            text: text.to_owned(),
        }
    }

    /// Renders the first of templates that are called `t0`, `t1` and so on.
    fn in_a_row(texts: &[String]) -> Result<String, String> {
        let names: Vec<String> = (0..texts.len()).map(|i| format!("t{i}")).collect();
        let texts = texts.iter().map(String::as_str);
        rendered(&names.iter().map(String::as_str).zip(texts).collect::<Vec<_>>())
    }

    /// Renders the first of several templates; what it gives, or what is said.
    fn rendered(texts: &[(&str, &str)]) -> Result<String, String> {
        let files: Vec<TemplateFile> = texts.iter().map(|(name, text)| file(name, text)).collect();
        let values =
            json!({"nodes": [{"name": "a"}, {"name": "b", "mtu": 1}], "text": "t", "deep": {"x": 1}});
        let Value::Object(values) = values else {
            return Err(String::new());
        };
        let Shape::Object(shape) = Shape::of(&Value::Object(values.clone())) else {
            return Err(String::new());
        };
        let mut diags = Diagnostics::default();
        let said = match TeraEngine::load(files.iter(), &shape, &mut diags) {
            Ok(engine) => engine.render(&files[0], &Scope::new(&values), &mut diags),
            Err(_) => None,
        };
        said.ok_or_else(|| concise::render(&diags))
    }

    #[test]
    fn what_people_write_gives_what_it_gave() {
        for (text, expected) in [
            (
                "a\n#% for n in nodes %#\n- #{ n.name }##{ loop.index }#\n#% endfor %#\nb\n",
                "a\n- a1\n- b2\nb\n",
            ),
            ("#% set x = text ~ '!' %#\n#{ x | upper }#\n", "T!\n"),
            ("#% set x | trim %#\n  a\n#% endset %#\n[#{ x }#]", "[a]"),
            (
                "#% filter indent(width=2) %#\na\nb\n#% endfilter %#\n",
                "a\n  b\n",
            ),
            (
                "#{ [n.name ~ '.' for n in nodes if n.name != 'a'] | join(sep=',') }#",
                "b.",
            ),
            (
                "#{ 'a.b' | split(pat='.') | last }##{ 'aa' | replace(from='a', to='b') }#",
                "bbb",
            ),
            (
                "#% if nodes | length > 1 and not nope %#x#% elif text == 't' %#y#% endif %#",
                "x",
            ),
            (
                "#% for i in range(start=5, end=0, step_by=-2) %##{ i }##% endfor %#",
                "531",
            ),
            (
                "#% for i in range(end=3) %##{ i }##% else %#none#% endfor %#",
                "012",
            ),
            ("#{- deep | json -}#  x", "{\"x\":1}x"),
        ] {
            // `nope` is not known, which is another finding.
            let text = text.replace(" and not nope", "");
            assert_eq!(rendered(&[("x", &text)]).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn bombs_end_with_a_finding_that_names_the_template() {
        let deep = |open: &str, close: &str| format!("{}{}", open.repeat(5000), close.repeat(5000));
        let parens = format!("#{{ {}1{} }}#", "(".repeat(3000), ")".repeat(900));
        let ifs = deep("#% if text %#", "#% endif %#");
        let elifs = format!("#% if text %#{}#% endif %#", "#% elif text %#".repeat(5000));
        let words = format!("#{{ [{}] }}#", "1, ".repeat(100_000));
        let text = "0123456789".repeat(100);
        let text = format!("#% for i in range(end=99999) %#{text}#% endfor %#");
        for (bomb, said) in [
            (
                "#% set a = text %##% for i in range(end=60) %##% set_global a = a ~ a %##% endfor %##{ a }#",
                "value of more than",
            ),
            (
                "#% set a = [text] %##% for i in range(end=60) %##% set_global a = [...a, ...a] %##% endfor %#",
                "value of more than",
            ),
            (
                "#% set a = [text] %##% for i in range(end=60) %##% set_global a = [a, a] %##% endfor %##{ a }#",
                "value of more than",
            ),
            (
                "#% set a = [text] %##% for i in range(end=90000) %##% set_global a = [a] %##% endfor %#",
                "nests a value",
            ),
            (
                "#% set a = text %##% for i in range(end=60) %##% set_global a = a | replace(from='t', to=a ~ a) %##% endfor %#",
                "value of more than",
            ),
            (
                "#% set a = text %##% for i in range(end=60) %##% set a %##{ a }##{ a }##% endset %##% set_global a = a %##% endfor %#",
                "value of more than",
            ),
            (
                "#% for i in range(end=99999) %##% for j in range(end=99999) %##% for k in range(end=99999) %#a#% endfor %##% endfor %##% endfor %#",
                "rounds",
            ),
            (
                "#% for i in range(end=99999) %##% for j in range(end=99999) %##% endfor %##% endfor %#",
                "rounds",
            ),
            (
                "#{ [range(end=99999), range(end=99999), range(end=99999), range(end=99999), range(end=99999), range(end=99999), range(end=99999), range(end=99999), range(end=99999), range(end=99999), range(end=99999)] | length }#",
                "rounds",
            ),
            ("#{ range(end=1000000) | length }#", "100000 numbers"),
            (
                "#{ 'a\nb' | indent(width=1000) | indent(width=1000) | indent(width=999999999) | replace(from=' ', to='          ') | replace(from=' ', to='          ') | replace(from=' ', to='          ') }#",
                "value of more than",
            ),
            (text.as_str(), "writes more than 64 MiB"),
            (parens.as_str(), "too complex"),
            (ifs.as_str(), "too deep"),
            (elifs.as_str(), "elif"),
            (words.as_str(), "words"),
        ] {
            let finding = rendered(&[("x", bomb)]).err().unwrap_or_default();
            assert!(finding.contains(said), "{said}: {finding}");
            assert!(finding.contains("templates/repo/x.tera"), "{finding}");
        }
    }

    #[test]
    fn includes_that_multiply_or_go_deep_are_refused() {
        let ten = |name: String| format!("#% include 'repo/{name}.tera' %#").repeat(10);
        let texts = (1..12).map(|i| ten(format!("t{i}"))).chain(["x".repeat(100_000)]);
        let said = in_a_row(&texts.collect::<Vec<_>>());
        assert!(said.expect_err("bomb").contains("writes more than"));
        let texts = (1..=3000).map(|i| format!("#% include 'repo/t{i}.tera' %#"));
        let said = in_a_row(&texts.collect::<Vec<_>>());
        assert!(said.expect_err("bomb").contains("chain of more than"));
        let ring = [
            ("a", "#% include 'repo/b.tera' %#"),
            ("b", "#% include 'repo/a.tera' %#"),
        ];
        assert!(
            rendered(&ring)
                .expect_err("a ring")
                .contains("chain of more than")
        );
        let error = rendered(&[
            ("a", "#% include 'repo/b.tera' %#"),
            ("b", "x\n#{ text | nth(n=1) }#\n"),
        ]);
        let error = error.expect_err("wrong");
        assert!(
            error.contains("templates/repo/b.tera:2:"),
            "the included one is named: {error}"
        );
    }

    #[test]
    fn an_include_of_what_is_not_there_has_a_place_and_a_help() {
        let said = |texts: &[(&str, &str)]| rendered(texts).expect_err("nothing is there");
        let main = "a: 1\n  #% include 'repo/_prat.tera' %#\n";
        assert_eq!(
            said(&[("a", main), ("_part", "x")]),
            "templates/repo/a.tera:2:15: error[template/missing-include]: there is no template `repo/_prat.tera` \
             (help: did you mean `repo/_part.tera`?)\n"
        );
        let main = "#% include '_part.tera' %#";
        assert!(said(&[("a", main), ("deep/_part", "x")]).contains("did you mean `repo/deep/_part.tera`?"));
        let said = said(&[("a", "#% if text %##% include 'nothing' %##% endif %#")]);
        assert!(said.contains("repo/a.tera:1:26:"), "{said}");
        assert!(said.contains("shared/_name.yaml.tera"), "{said}");
    }

    #[test]
    fn what_is_included_counts_for_the_template() {
        let of = |part: &str| {
            let files = [
                file("a", "#% include 'repo/_b.tera' %#"),
                file("_b", "#% include 'repo/_c.tera' %#"),
                file("_c", part),
            ];
            let shape = BTreeMap::from([("token".to_owned(), Shape::Scalar)]);
            let mut diags = Diagnostics::default();
            let engine = TeraEngine::load(files.iter(), &shape, &mut diags).expect("fine");
            (
                engine.reads(&files[0], |name| name == "token"),
                engine.whole(&files[0]),
            )
        };
        let (reads, whole) = of("#{ token }#");
        assert!(reads, "a secret that a part reads is one that the template reads");
        let (other_reads, other) = of("x");
        assert!(!other_reads);
        assert_ne!(whole, other, "another part makes another version");
    }

    #[test]
    fn a_value_that_is_not_there_is_named() {
        let said =
            rendered(&[("x", "#% for n in nodes %#\n#{ n.mtu }#\n#% endfor %#\n")]).expect_err("undefined");
        assert!(
            said.contains("repo/x.tera:2:4: error[template/render]: `n.mtu` is not defined"),
            "{said}"
        );
    }
}
