//! A cluster needs controllers, and an odd number of them is as safe as one more.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "controllers",
    codes: &["config/no-controller", "config/even-controllers"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let flags = facts.nodes::<bool>("controller");
    if flags.is_empty() || flags.len() < facts.node_count() {
        return;
    }
    let controllers: Vec<_> = flags.iter().filter(|(_, flag)| flag.value).collect();
    if controllers.is_empty() {
        out.push(
            Diagnostic::error("config/no-controller", "no node is a controller")
                .at_opt(flags[0].1.span, "")
                .help("write `controller: true` for one node, or better for three"),
        );
    } else if controllers.len().is_multiple_of(2) {
        let count = controllers.len();
        let message = format!(
            "{count} nodes are controllers; etcd is no safer with them than with {}",
            count - 1
        );
        let last = controllers[count - 1].1.span;
        let finding =
            Diagnostic::warning("config/even-controllers", message).at_opt(last, "the last of them");
        out.push(finding.help(format!("make it {} or {} controllers", count - 1, count + 1)));
    }
}
