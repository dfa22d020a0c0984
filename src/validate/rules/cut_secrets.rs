//! A secret that holds ` #` must be in quotes: without them, YAML takes what follows for a comment.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "cut_secrets",
    codes: &["config/cut-secret"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    for (key, span) in facts.cut_secrets() {
        let message =
            format!("the value of `{key}` ends before ` #`: YAML takes the rest of the line for a comment");
        out.push(
            Diagnostic::warning("config/cut-secret", message)
                .at_opt(span, "only this is read")
                .help(format!(
                    "if the rest belongs to the secret, put all of it in quotes: `{key}: '…'`; if it is a comment, put a blank after the `#`"
                )),
        );
    }
}
