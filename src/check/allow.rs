//! Exceptions from rules: what the manifests of apps allow, and which of it allows nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::rules;
use crate::catalog::Catalog;
use crate::diag::{Diagnostic, Diagnostics};
use crate::plan::closest;
use crate::source::Span;

/// Exceptions: rule → apps (`namespace/name`) for which it is silent, with the place in a manifest of the user's own.
pub type Exceptions = BTreeMap<String, BTreeMap<String, Option<Span>>>;

/// Returns the exceptions that the manifests of a catalogue make, each with a reason there.
pub fn exceptions(catalog: &Catalog) -> Exceptions {
    let mut exceptions = Exceptions::new();
    for app in &catalog.apps {
        for (number, allow) in app.manifest.allow.iter().enumerate() {
            let place = app.allowed.get(number).copied().filter(|_| app.is_own());
            exceptions
                .entry(allow.rule.clone())
                .or_default()
                .insert(app.id(), place);
        }
    }
    exceptions
}

/// Reports exceptions that silence nothing: those from a rule that does not exist, and, of apps that are on, those from
/// a rule that finds nothing there. What an app that is off would need is not known.
pub(super) fn report(
    exceptions: &Exceptions,
    used: &BTreeSet<(&str, &str)>,
    on: &BTreeSet<&str>,
    diags: &mut Diagnostics,
) {
    let all = exceptions.iter().flat_map(|(rule, apps)| {
        apps.iter()
            .map(move |(app, place)| (rule.as_str(), app.as_str(), place))
    });
    for (rule, app, place) in all {
        let Some(place) = *place else { continue };
        if rules::ALL.iter().all(|known| known.name != rule) {
            diags.push(unknown(rule, place));
        } else if on.contains(app) && !used.contains(&(rule, app)) {
            let message = format!("`{app}` allows `{rule}`, and nothing there breaks that rule");
            diags.push(
                Diagnostic::warning("template/unused-allow", message)
                    .at(place, "allows nothing")
                    .help("remove the entry: it would hide what comes later"),
            );
        }
    }
}

fn unknown(rule: &str, place: Span) -> Diagnostic {
    let finding = Diagnostic::warning("template/unknown-rule", format!("there is no rule `{rule}`"));
    let finding = finding.at(place, "allows nothing");
    match closest(rule, rules::ALL.iter().map(|known| known.name)) {
        Some(near) => finding.help(format!("write `{near}`")),
        None => finding.help("`clusterwright explain` lists the rules; remove the entry if its rule is gone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::concise;

    #[test]
    fn what_allows_nothing_is_told_where_that_is_sure() {
        let manifest = |allow: &str| format!("summary: x\nallow:\n{allow}");
        let entry = |rule: &str| format!("  - {{rule: {rule}, reason: it is right here}}\n");
        let texts = [
            manifest(&(entry("ingress") + &entry("crd-race") + &entry("crd-rase"))),
            manifest(&entry("ingress")),
        ];
        let mut diags = Diagnostics::default();
        let files = [
            ("apps/ns/a/app.yaml", texts[0].as_str()),
            ("apps/ns/off/app.yaml", texts[1].as_str()),
        ];
        let catalog = Catalog::load(files, &mut diags).expect("right");
        let used = BTreeSet::from([("crd-race", "ns/a")]);
        report(
            &exceptions(&catalog),
            &used,
            &BTreeSet::from(["ns/a"]),
            &mut diags,
        );
        assert_eq!(
            concise::render(&diags),
            "templates/apps/ns/a/app.yaml:3:12: warning[template/unused-allow]: `ns/a` allows `ingress`, and nothing \
             there breaks that rule (help: remove the entry: it would hide what comes later)\n\
             templates/apps/ns/a/app.yaml:5:12: warning[template/unknown-rule]: there is no rule `crd-rase` (help: \
             write `crd-race`)\n"
        );
    }

    #[test]
    fn exceptions_of_the_library_have_no_place() {
        let mut diags = Diagnostics::default();
        let catalog = Catalog::load(crate::catalog::BUILT_IN.iter().copied(), &mut diags).expect("right");
        let exceptions = exceptions(&catalog);
        assert!(!exceptions.is_empty());
        assert!(
            exceptions
                .values()
                .flat_map(BTreeMap::values)
                .all(Option::is_none)
        );
        for rule in exceptions.keys() {
            assert!(rules::ALL.iter().any(|known| known.name == rule), "{rule}");
        }
    }
}
