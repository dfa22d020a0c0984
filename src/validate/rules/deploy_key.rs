//! Flux reads a private repository with a deploy key.

use super::KeyRule;
use crate::config::Visibility;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;
use crate::world::side::DEPLOY_KEY;

pub(super) const RULE: KeyRule = KeyRule {
    name: "deploy_key",
    codes: &["config/missing-deploy-key"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let Some(visibility) = facts.get::<Visibility>("/repository_visibility") else {
        return;
    };
    if visibility.value != Visibility::Private || facts.side.deploy_key || facts.side.keyless {
        return;
    }
    let message = format!("a private repository needs `{DEPLOY_KEY}`, which is missing");
    out.push(
        Diagnostic::error("config/missing-deploy-key", message)
            .at_opt(visibility.span, "Flux reads it over SSH")
            .help("run `clusterwright init`, which creates the key and says where to enter its public half")
            .help("or copy the key here from where you keep it"),
    );
}
