//! `makejinja.toml`: where the templates lie, and how they are written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::{Table, Value};

use super::place::{is_allowed, leads_outside};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::jinja::{Options, Pair, Undefined};
use crate::plan::closest;
use crate::source::Span;
use crate::sys::root::{Root, limits};

/// The file.
pub use crate::world::side::RAW_SETTINGS as SETTINGS;

/// Suffix of templates where the file names none. Source: makejinja 2.8.
const SUFFIX: &str = ".jinja";

/// Keys that mean nothing here: files are always compared before they are written, and nothing is removed that is not
/// ours.
const WITHOUT_MEANING: [&str; 6] = [
    "copy_metadata",
    "force",
    "clean",
    "quiet",
    "import_paths",
    "internal",
];

/// Keys that are read.
const KEYS: [&str; 18] = [
    "inputs",
    "output",
    "include_patterns",
    "exclude_patterns",
    "jinja_suffix",
    "keep_jinja_suffix",
    "keep_empty",
    "data",
    "data_vars",
    "file_data",
    "undefined",
    "delimiter",
    "whitespace",
    "prefix",
    "extensions",
    "plugins",
    "loaders",
    "exec_pre",
];

/// Extensions of Jinja2 that are always there.
const EXTENSIONS: [&str; 3] = ["jinja2.ext.do", "jinja2.ext.loopcontrols", "jinja2.ext.debug"];

/// What it says.
#[derive(Debug)]
pub(super) struct Settings {
    /// Folders and files with templates; the first that gives an output wins.
    pub(super) inputs: Vec<String>,
    /// Where the output goes.
    pub(super) output: String,
    /// Which files of the inputs count.
    pub(super) include: Vec<String>,
    /// Which of them do not.
    pub(super) exclude: Vec<String>,
    /// Suffix of templates; empty when every file is one.
    pub(super) suffix: String,
    /// Whether the suffix stays.
    pub(super) keep_suffix: bool,
    /// Whether templates that give nothing give an empty file.
    pub(super) keep_empty: bool,
    /// Data files, in order.
    pub(super) data: Vec<String>,
    /// Single values, by dotted key.
    pub(super) variables: Vec<(String, Value)>,
    /// Data files of single templates.
    pub(super) file_data: BTreeMap<String, Vec<String>>,
    /// How templates are written.
    pub(super) options: Options,
    /// Where Python is named that may give values; it cannot run here.
    pub(super) python: Option<Python>,
    /// The text of the file.
    text: String,
}

/// A key that names Python.
#[derive(Debug, Clone)]
pub(super) struct Python {
    /// The key.
    pub(super) key: &'static str,
    /// Its line in the file.
    pub(super) span: Option<Span>,
}

impl Settings {
    /// Returns where a text of the file stands.
    pub(super) fn place(&self, words: &str, diags: &mut Diagnostics) -> Option<Span> {
        let in_quotes = ['"', '\''].map(|quote| format!("{quote}{words}{quote}"));
        let mut lines = yaml::line::all(&self.text).filter(|(_, line)| !line.trim_start().starts_with('#'));
        let found = lines.find_map(|(start, line)| {
            let (at, words) = in_quotes
                .iter()
                .find_map(|words| Some((line.find(words.as_str())?, words)))?;
            Some(start + at..start + at + words.len())
        })?;
        let id = diags.sources.add(SETTINGS, self.text.as_str());
        Some(id.span(found))
    }

    /// Reads the file in `root`. It may send us to paths outside of the root that are `allowed`.
    ///
    /// # Errors
    /// When it is missing or wrong; all findings are reported.
    pub(super) fn read(root: &Root, allowed: &[PathBuf], diags: &mut Diagnostics) -> Result<Self, Aborted> {
        match root.read_text_if_there(SETTINGS, limits::CONFIG) {
            Ok(Some(text)) => {
                let settings = Self::parse(&text, diags)?;
                let mut reader = Reader { text: &text, diags };
                reader.refuse_outside(&settings, root, allowed);
                diags.checkpoint()?;
                Ok(settings)
            }
            Ok(None) => {
                let message =
                    format!("`{SETTINGS}` is missing: raw mode reads there where the templates lie");
                let finding = Diagnostic::error("raw/no-settings", message).in_file(SETTINGS);
                Err(diags.abort(
                    finding.help("run it in the folder of `makejinja.toml`, or name that with `--root`"),
                ))
            }
            Err(refused) => Err(diags.abort(refused.finding("read", SETTINGS))),
        }
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// When it is wrong; all findings are reported.
    pub(super) fn parse(text: &str, diags: &mut Diagnostics) -> Result<Self, Aborted> {
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let error: toml::de::Error = error;
                let id = diags.sources.add(SETTINGS, text);
                let finding = Diagnostic::error("raw/settings", error.message().to_owned());
                let span = error.span().map(|range| id.span(range));
                return Err(diags.abort(finding.at_opt(span, "").in_file(SETTINGS)));
            }
        };
        let mut reader = Reader { text, diags };
        let settings = reader.settings(&table);
        diags.checkpoint()?;
        Ok(settings)
    }
}

struct Reader<'a> {
    text: &'a str,
    diags: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// Nothing outside of the root is read unless a person named it, and nothing is written there.
    fn refuse_outside(&mut self, settings: &Settings, root: &Root, allowed: &[PathBuf]) {
        let of = |key: &'static str, list: &[String]| {
            list.iter().map(|path| (key, path.clone())).collect::<Vec<_>>()
        };
        let mut paths = of("inputs", &settings.inputs);
        paths.extend(of("data", &settings.data));
        settings
            .file_data
            .values()
            .for_each(|list| paths.extend(of("file_data", list)));
        for (key, path) in paths {
            if leads_outside(&path) && !is_allowed(root, &path, allowed) {
                let finding = self.finding(key, &format!("`{path}` in `{key}` leads out of the repository"));
                self.diags.push(
                    Diagnostic {
                        code: "raw/outside",
                        ..finding
                    }
                    .note("a stranger's makejinja.toml could name any file of yours")
                    .help("move it into the repository, and correct the path")
                    .help(format!("or, when you trust it: `--allow-outside {path}`")),
                );
            }
        }
        if leads_outside(&settings.output) {
            let message = format!("`output` leads out of the repository: `{}`", settings.output);
            let finding = self.finding("output", &message);
            self.diags.push(
                Diagnostic {
                    code: "raw/outside",
                    ..finding
                }
                .note("nothing is ever written outside")
                .help("name a folder of the repository, or run it with `--root` where the output belongs"),
            );
        }
    }

    fn settings(&mut self, table: &Table) -> Settings {
        let empty = Table::new();
        let Some(main) = table.get("makejinja").and_then(Value::as_table) else {
            self.wrong("makejinja", "there is no table `[makejinja]`");
            return self.of(&empty);
        };
        for key in main.keys() {
            if !KEYS.contains(&key.as_str()) && !WITHOUT_MEANING.contains(&key.as_str()) && key != "exec_post"
            {
                let mut finding = self.finding(key, &format!("`{key}` means nothing to makejinja"));
                finding.severity = crate::diag::Severity::Warning;
                if let Some(near) = closest(key, KEYS.into_iter()) {
                    finding = finding.help(format!("did you mean `{near}`?"));
                }
                self.diags.push(finding);
            }
        }
        for key in ["exec_pre", "exec_post"] {
            if main
                .get(key)
                .and_then(Value::as_array)
                .is_some_and(|list| !list.is_empty())
            {
                let mut finding = self.finding(key, &format!("the commands of `{key}` are not run"));
                finding.severity = crate::diag::Severity::Warning;
                self.diags.push(finding.help("run them by hand, before or after"));
            }
        }
        for name in self.list(main, "extensions") {
            if !EXTENSIONS.contains(&name.as_str()) {
                let finding = self.finding(
                    "extensions",
                    &format!("the extension `{name}` is Python and cannot run here"),
                );
                self.diags
                    .push(finding.help("replace what the templates use of it"));
            }
        }
        if let Some(prefix) = main.get("prefix").and_then(Value::as_table)
            && prefix
                .values()
                .any(|value| value.as_str().is_some_and(|text| !text.is_empty()))
        {
            let finding = self.finding("prefix", "line statements and line comments are not supported");
            self.diags
                .push(finding.help("write them between the delimiters of blocks and comments"));
        }
        self.of(main)
    }

    fn of(&mut self, main: &Table) -> Settings {
        let suffix = self
            .text_of(main, "jinja_suffix")
            .unwrap_or_else(|| SUFFIX.to_owned());
        let include = self.list(main, "include_patterns");
        let file_data = main.get("file_data").and_then(Value::as_table);
        let file_data = file_data.into_iter().flatten().map(|(name, value)| {
            let one = value
                .as_str()
                .map(|text| text.split(',').map(str::to_owned).collect());
            let many = value
                .as_array()
                .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
            (name.clone(), one.or(many).unwrap_or_default())
        });
        let variables = main
            .get("data_vars")
            .and_then(Value::as_table)
            .into_iter()
            .flatten();
        Settings {
            inputs: self.list(main, "inputs"),
            output: self.text_of(main, "output").unwrap_or_else(|| ".".to_owned()),
            include: if include.is_empty() {
                vec!["**/*".to_owned()]
            } else {
                include
            },
            exclude: self.list(main, "exclude_patterns"),
            suffix,
            keep_suffix: self.flag(main, "keep_jinja_suffix", false),
            keep_empty: self.flag(main, "keep_empty", false),
            data: self.list(main, "data"),
            variables: variables
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            file_data: file_data.collect(),
            options: self.options(main),
            python: self.python(main),
            text: self.text.to_owned(),
        }
    }

    fn python(&mut self, main: &Table) -> Option<Python> {
        let named = |key: &&str| {
            !main
                .get(*key)
                .is_none_or(|list| list.as_array().is_some_and(Vec::is_empty))
        };
        let key = ["loaders", "plugins"].into_iter().find(named)?;
        let span = self.finding(key, "").primary.map(|label| label.span);
        Some(Python { key, span })
    }

    fn options(&mut self, main: &Table) -> Options {
        let empty = Table::new();
        let table = |key: &str| main.get(key).and_then(Value::as_table).unwrap_or(&empty);
        let (delimiter, whitespace) = (table("delimiter"), table("whitespace"));
        let base = Options::of_jinja();
        let mut pair = |name: &str, base: &Pair| {
            let mut side = |side: &str, base: &str| {
                let text = self.text_of(delimiter, &format!("{name}_{side}"));
                text.filter(|text| !text.is_empty())
                    .unwrap_or_else(|| base.to_owned())
            };
            Pair::new(side("start", &base.start), side("end", &base.end))
        };
        let (block, variable, comment) = (
            pair("block", &base.block),
            pair("variable", &base.variable),
            pair("comment", &base.comment),
        );
        if self
            .text_of(whitespace, "newline_sequence")
            .is_some_and(|text| text != "\n")
        {
            let finding = self.finding("newline_sequence", "line ends are always `\\n`");
            self.diags.push(finding.help("remove `newline_sequence`"));
        }
        let undefined = self.text_of(main, "undefined");
        let undefined = match undefined.as_deref() {
            None | Some("default") => Undefined::Lenient,
            Some("chainable") => Undefined::Chainable,
            Some("strict") => Undefined::Strict,
            Some(other) => {
                let message = format!("`undefined` can be default, chainable or strict, not `{other}`");
                self.wrong("undefined", &message);
                Undefined::Lenient
            }
        };
        Options {
            block,
            variable,
            comment,
            trim_blocks: self.flag(whitespace, "trim_blocks", true),
            lstrip_blocks: self.flag(whitespace, "lstrip_blocks", true),
            keep_trailing_newline: self.flag(whitespace, "keep_trailing_newline", true),
            undefined,
        }
    }

    fn text_of(&mut self, table: &Table, key: &str) -> Option<String> {
        let value = table.get(key)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, &format!("`{key}` must be a text"));
        }
        text
    }

    fn flag(&mut self, table: &Table, key: &str, default: bool) -> bool {
        match table.get(key) {
            None => default,
            Some(Value::Boolean(flag)) => *flag,
            Some(_) => {
                self.wrong(key, &format!("`{key}` must be true or false"));
                default
            }
        }
    }

    fn list(&mut self, table: &Table, key: &str) -> Vec<String> {
        match table.get(key) {
            None => Vec::new(),
            Some(Value::Array(items)) if items.iter().all(Value::is_str) => items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Some(_) => {
                self.wrong(key, &format!("`{key}` must be a list of texts"));
                Vec::new()
            }
        }
    }

    fn wrong(&mut self, key: &str, message: &str) {
        let finding = self.finding(key, message);
        self.diags.push(finding);
    }

    /// Starts a finding at the line that gives a key.
    fn finding(&mut self, key: &str, message: &str) -> Diagnostic {
        let finding = Diagnostic::error("raw/settings", message);
        let mut offset = 0;
        for line in self.text.split_inclusive('\n') {
            let trimmed = line.trim_start();
            let blanks = line.len() - trimmed.len();
            let name = trimmed.trim_start_matches(['[', '"']);
            let name = name.strip_prefix("makejinja.").unwrap_or(name);
            if name
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with([' ', '=', ']', '.', '"']))
            {
                let id = self.diags.sources.add(SETTINGS, self.text);
                let end = offset + line.trim_end().len();
                return finding.at(id.span(offset + blanks..end), "");
            }
            offset += line.len();
        }
        finding.in_file(SETTINGS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Option<Settings>, String) {
        let mut diags = Diagnostics::default();
        let settings = Settings::parse(text, &mut diags).ok();
        (settings, crate::diag::concise::render(&diags))
    }

    #[test]
    fn the_settings_of_a_cluster_template_are_understood() {
        let (settings, said) = parse(
            "[makejinja]\ninputs = [\"./templates/overrides\",\"./templates/config\"]\noutput = \"./\"\nexclude_patterns = [\"*.partial.yaml.j2\"]\ndata = [\"./cluster.yaml\", \"./nodes.yaml\"]\nimport_paths = [\"./templates/scripts\"]\nloaders = [\"plugin:Plugin\"]\njinja_suffix = \".j2\"\ncopy_metadata = true\nforce = true\nundefined = \"chainable\"\n[makejinja.delimiter]\nblock_start = \"#%\"\nblock_end = \"%#\"\ncomment_start = \"#|\"\ncomment_end = \"#|\"\nvariable_start = \"#{\"\nvariable_end = \"}#\"\n",
        );
        let settings = settings.expect("fine");
        assert_eq!(said, "");
        assert_eq!(
            (
                settings.inputs.len(),
                settings.data.len(),
                settings.suffix.as_str()
            ),
            (2, 2, ".j2")
        );
        assert_eq!(settings.options.comment, Pair::new("#|", "#|"));
        assert_eq!(settings.options.undefined, Undefined::Chainable);
        assert!(settings.options.trim_blocks && !settings.keep_empty);
    }

    #[test]
    fn mistakes_have_a_place() {
        let (_, said) =
            parse("[makejinja]\ninputs = \"x\"\nundefined = \"lax\"\nimputs = []\nextensions = [\"a.B\"]\n");
        insta::assert_snapshot!(said);
        let mut diags = Diagnostics::default();
        let text = "[makejinja]\n# \"a.yaml\"\ndata = ['b.yaml', \"a.yaml\"]\n";
        let settings = Settings::parse(text, &mut diags).expect("fine");
        let place = |words| settings.place(words, &mut Diagnostics::default());
        let shown = |words| place(words).map(|span| &text[span.start..span.end]);
        assert_eq!(
            [shown("a.yaml"), shown("b.yaml"), shown("c.yaml")],
            [Some("\"a.yaml\""), Some("'b.yaml'"), None]
        );
        assert!(place("a.yaml").is_some_and(|span| span.start > 20), "no comment");
        assert!(parse("[makejinja\n").1.contains("makejinja.toml:1:"));
        assert!(parse("x = 1\n").1.contains("there is no table"));
    }
}
