//! A route to another namespace is allowed there.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::placed::Placed;
use crate::check::rule::{Finding, Rule};
use crate::check::walk;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "missing-reference-grant",
    level: Severity::Error,
    summary: "a route leads to another namespace, and no ReferenceGrant there allows it",
    docs: include_str!("missing_reference_grant.md"),
    run,
};

const ROUTES: &[&str] = &["GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute"];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for route in manifests.reached_of(ROUTES) {
        walk::entries(route.object.node, &mut |_, key, backends| {
            if key.as_str() == Some("backendRefs") {
                let backends = backends.items().iter();
                findings.extend(backends.filter_map(|backend| check(manifests, route, backend)));
            }
        });
    }
}

fn check(manifests: &Manifests<'_>, route: &Placed<'_>, backend: &Node) -> Option<Finding> {
    let node = backend.get("namespace")?;
    let namespace = node.as_str()?;
    let kind = backend.str_at(&["kind"]).unwrap_or("Service");
    let name = backend.str_at(&["name"])?;
    let granted = manifests.placed().iter().any(|grant| {
        let list = |key: &str| {
            grant
                .object
                .node
                .path(&["spec", key])
                .map(Node::items)
                .unwrap_or_default()
        };
        grant.object.kind == "ReferenceGrant"
            && grant.namespace == namespace
            && list("from").iter().any(|from| {
                from.str_at(&["kind"]) == Some(route.object.kind)
                    && from.str_at(&["namespace"]) == Some(route.namespace)
            })
            && list("to").iter().any(|to| {
                to.str_at(&["kind"]) == Some(kind) && to.str_at(&["name"]).is_none_or(|only| only == name)
            })
    });
    if granted || namespace == route.namespace {
        return None;
    }
    let message = format!(
        "{} `{}` leads to {kind} `{name}` in namespace `{namespace}`, which does not allow it",
        route.object.kind, route.object.name
    );
    let help = format!(
        "add a ReferenceGrant to namespace `{namespace}` with `from: [{{group: gateway.networking.k8s.io, kind: {}, \
         namespace: {}}}]` and `to: [{{group: \"\", kind: {kind}, name: {name}}}]`",
        route.object.kind, route.namespace
    );
    let label = format!("the route is in `{}`", route.namespace);
    Some(Finding::new(route.object.path, message, help).at(node.span.clone(), label))
}
