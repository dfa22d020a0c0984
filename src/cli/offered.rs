//! Values that completions offer, for arguments that take more than these.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use crate::diag::catalogue;
use crate::{catalog, check};

/// Reads any text, and offers some.
#[derive(Clone, Copy)]
pub(super) struct Offered(fn() -> Vec<&'static str>);

/// What `explain` calls the names that templates can use.
pub(super) const TEMPLATES: &str = "templates";

/// What `explain` knows: names of rules, codes of findings, and what templates have.
pub(super) const EXPLAINED: Offered = Offered(|| {
    let rules = check::rules::ALL.iter().map(|rule| rule.name);
    rules
        .chain(catalogue::all().iter().map(|entry| entry.code))
        .chain([TEMPLATES])
        .collect()
});

/// Names of apps of the catalogue.
pub(super) const APPS: Offered = Offered(catalog::built_in_apps);

impl TypedValueParser for Offered {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}
