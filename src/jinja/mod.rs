//! Jinja2 templates as people bring them: `MiniJinja` with what Jinja2, Python and makejinja do differently.
//!
//! Its output is that of Jinja2 3.1 with the settings of makejinja, byte for byte; `tests/jinja` holds the cases and
//! `tests/conformance/jinja.sh` lets Jinja2 judge them. What is added: `indent` and `tojson` as Jinja2 has them,
//! `'%s' % x`, lists and mappings that methods can change ([`objects`]), Python's string methods ([`methods`]), and
//! the functions that the plugins of cluster templates define ([`functions`]).

mod counted;
mod error;
mod filters;
pub mod functions;
mod json;
mod methods;
mod objects;
mod options;
mod percent;
mod rewrite;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

pub use counted::Empty;
pub use error::Fault;
pub use functions::Host;
pub use minijinja::Value;
pub use options::{Options, Pair, Undefined};
pub use words::{FILTERS, FUNCTIONS, TESTS};

use crate::bounds::{BoundedRender, MAX_INSTRUCTIONS, Slow};
use counted::{Expression, Seen};
use rewrite::Rewritten;

/// Deepest nesting of macros, includes and blocks that is followed.
const RECURSION_LIMIT: usize = 200;

/// A template: how includes name it, how findings name it, and its text.
#[derive(Debug, Clone)]
pub struct Template {
    /// The path that `include`, `import` and `extends` use.
    pub name: String,
    /// The path that findings show.
    pub shown: String,
    /// The text.
    pub text: String,
}

/// A template as the engine holds it.
#[derive(Debug)]
struct Source {
    shown: String,
    /// The text with line ends as `\n`.
    text: String,
    rewritten: Rewritten,
}

/// A set of templates with the values that all of them see.
pub struct Engine {
    env: Environment<'static>,
    sources: Arc<BTreeMap<String, Source>>,
    names: BTreeSet<String>,
    seen: Arc<Seen>,
    slow: Arc<Slow>,
}

impl Engine {
    /// Takes templates. They are parsed when they are first used, for a set may hold some that nobody uses.
    ///
    /// # Errors
    /// When the delimiters cannot be told apart.
    pub fn new(options: &Options, templates: impl IntoIterator<Item = Template>) -> Result<Self, String> {
        let mut env = Environment::new();
        let syntax = options.syntax().map_err(|error| {
            error
                .detail()
                .unwrap_or("the delimiters are not usable")
                .to_owned()
        })?;
        env.set_syntax(syntax);
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.set_formatter(filters::print);
        env.set_debug(true);
        env.set_recursion_limit(RECURSION_LIMIT);
        env.set_fuel(Some(MAX_INSTRUCTIONS));
        env.set_undefined_behavior(match options.undefined {
            Undefined::Lenient => UndefinedBehavior::Lenient,
            Undefined::Chainable => UndefinedBehavior::Chainable,
            Undefined::Strict => UndefinedBehavior::Strict,
        });
        env.set_unknown_method_callback(methods::call);
        filters::register(&mut env);
        objects::register(&mut env);
        let mut seen = Seen::default();
        let sources: BTreeMap<String, Source> = templates
            .into_iter()
            .map(|template| {
                let text = newlines(&template.text);
                let mut rewritten = rewrite::rewrite(&text, options, seen.expressions.len());
                let printed = std::mem::take(&mut rewritten.printed).into_iter();
                seen.expressions.extend(printed.map(|printed| Expression {
                    template: template.name.clone(),
                    printed,
                }));
                let source = Source {
                    rewritten,
                    shown: template.shown,
                    text,
                };
                (template.name, source)
            })
            .collect();
        let seen = Arc::new(seen);
        let sizes = sources
            .iter()
            .map(|(name, source)| (name.clone(), source.text.len()));
        counted::register(&mut env, &seen, sizes.collect());
        let sources = Arc::new(sources);
        let loaded = Arc::clone(&sources);
        env.set_loader(move |name| match loaded.get(name) {
            None => Ok(None),
            Some(source) => match &source.rewritten.limit {
                None => Ok(Some(source.rewritten.text.clone())),
                Some((_, limit)) => {
                    let kind = minijinja::ErrorKind::InvalidOperation;
                    Err(minijinja::Error::new(kind, limit.to_string()))
                }
            },
        });
        let mut engine = Self {
            env,
            sources,
            names: BTreeSet::new(),
            seen,
            slow: Arc::default(),
        };
        engine.set_host(&Arc::new(Host::default()));
        Ok(engine)
    }

    /// Returns the same templates with these values, as globals: macros and imported templates see them too.
    #[must_use]
    pub fn with(&self, values: impl IntoIterator<Item = (String, Value)>, host: &Arc<Host>) -> Self {
        let mut engine = Self {
            env: self.env.clone(),
            sources: Arc::clone(&self.sources),
            names: self.names.clone(),
            seen: Arc::clone(&self.seen),
            slow: Arc::clone(&self.slow),
        };
        engine.set_host(host);
        for (name, value) in values {
            engine.names.insert(name.clone());
            engine.env.add_global(name, value);
        }
        engine
    }

    fn set_host(&mut self, host: &Arc<Host>) {
        functions::register(&mut self.env, host);
    }

    /// Parses a template.
    ///
    /// # Errors
    /// With the first thing that is no Jinja2.
    pub fn parse(&self, name: &str) -> Result<(), Fault> {
        match self.env.get_template(name) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fault(name, &error)),
        }
    }

    /// Renders a template; `values` are for this one alone.
    ///
    /// # Errors
    /// With what is wrong in it, or in one that it includes.
    pub fn render(&self, name: &str, values: &BTreeMap<String, Value>) -> Result<String, Fault> {
        let template = self
            .env
            .get_template(name)
            .map_err(|error| self.fault(name, &error))?;
        let values = Value::from_pairs(values.iter().map(|(key, value)| (key.clone(), value.clone())));
        let run = BoundedRender::start(&self.slow);
        template.render(values).map_err(|error| {
            let fault = self.fault(name, &error);
            run.limit().map_or(fault.clone(), |limit| fault.of_limit(&limit))
        })
    }

    /// Returns what was written as nothing, for nothing gives it: each name once.
    pub fn empties(&self) -> Vec<Empty> {
        self.seen.empties(|name| {
            let source = self.sources.get(name)?;
            Some((source.shown.clone(), source.text.clone()))
        })
    }

    /// Returns the names that a template reads and does not set itself, with `.` between a name and what is read of
    /// it; nothing for one that does not parse.
    pub fn reads(&self, name: &str) -> BTreeSet<String> {
        let template = self.env.get_template(name);
        template.map_or_else(
            |_| BTreeSet::new(),
            |template| template.undeclared_variables(true).into_iter().collect(),
        )
    }

    /// Returns the functions and values that every template has, beside the data.
    pub fn is_built_in(&self, name: &str) -> bool {
        !self.names.contains(name) && self.env.globals().any(|(global, _)| global == name)
    }

    fn fault(&self, name: &str, error: &minijinja::Error) -> Fault {
        error::fault(&self.env, &self.sources, name, error)
    }
}

/// Returns a value for templates.
pub fn from_json(value: &serde_json::Value) -> Value {
    Value::from(minijinja::value::Serde(value))
}

/// Jinja2 reads every line end as `\n`.
fn newlines(text: &str) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    }
}
