//! Applications are exposed through Gateways, not Ingresses.

use crate::check::helm::flag;
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "ingress",
    level: Severity::Error,
    summary: "an Ingress is applied, or a chart is told to make one",
    docs: include_str!("ingress.md"),
    run,
};

const GROUPS: &[&str] = &["networking.k8s.io", "extensions"];
const ROUTE: &str = "an HTTPRoute with a parentRef to `envoy-internal` or `envoy-external` (namespace network, sectionName https)";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for object in manifests
        .objects
        .iter()
        .filter(|object| object.kind == "Ingress" && GROUPS.contains(&object.group()))
    {
        let message = format!("no controller serves the Ingress `{}`", object.name);
        let span = object
            .node
            .get("kind")
            .map_or(object.node.span.clone(), |kind| kind.span.clone());
        let help = format!("replace it with {ROUTE}");
        findings.push(Finding::new(object.path, message, help).at(span, ""));
    }
    for release in &manifests.releases {
        release.values.visit(&mut |path, _, value| {
            if path.ends_with(&["ingress", "enabled"]) && flag(value) == Some(true) {
                let path = path.join(".");
                let message = format!("`{path}` makes an Ingress, which no controller serves");
                let help = format!("set `{path}: false` and add {ROUTE}");
                findings.push(Finding::new(release.object.path, message, help).at(value.span.clone(), ""));
            }
        });
    }
}
