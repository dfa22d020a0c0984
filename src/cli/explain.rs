//! `clusterwright explain`

use serde_json::json;

use super::exit::Exit;
use super::help::Help;
use super::offered::RULES;
use super::ui::Format;
use super::{Outcome, Session};
use crate::check::rules::ALL;
use crate::diag::Diagnostic;
use crate::plan::closest;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("explain", "Every rule, in a line"),
        ("explain crd-race", "One of them: what it looks for, why, and what to do"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// Name of the rule
    #[arg(value_parser = RULES, hide_possible_values = true)]
    pub(super) rule: Option<String>,
}

/// Prints a rule's documentation, or the list of rules.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let Some(name) = &args.rule else {
        if session.ui.format != Format::Json {
            let width = ALL.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
            for rule in ALL {
                session.ui.line(&format!(
                    "{:width$}  {:7}  {}",
                    rule.name,
                    rule.level.word(),
                    rule.summary
                ));
            }
        }
        let rules: Vec<_> = ALL
            .iter()
            .map(|r| json!({"name": r.name, "level": r.level, "summary": r.summary}))
            .collect();
        return Ok((Exit::Success, Some(json!({"rules": rules}))));
    };
    let Some(rule) = ALL.iter().find(|rule| rule.name == name) else {
        let mut finding = Diagnostic::error("explain/unknown-rule", format!("there is no rule `{name}`"));
        if let Some(near) = closest(name, ALL.iter().map(|rule| rule.name)) {
            finding = finding.help(format!("did you mean `{near}`?"));
        }
        return Err(session
            .diags
            .abort(finding.help("list them with `clusterwright explain`")));
    };
    if session.ui.format != Format::Json {
        session.ui.print(rule.docs);
    }
    Ok((
        Exit::Success,
        Some(json!({"name": rule.name, "level": rule.level, "docs": rule.docs})),
    ))
}
