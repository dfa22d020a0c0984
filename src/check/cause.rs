//! What a file of the tree comes from: the template to edit, and the key that switched its app on.

use std::collections::BTreeSet;

use crate::tree::{Origin, RAW_ORIGIN, REPO_ORIGIN};

/// Returns what a finding on a rendered file says of its origin. `own` are the repository's own templates; the others are
/// built in, and no file that anybody could open.
pub(super) fn notes(origin: &Origin, own: &BTreeSet<String>) -> Vec<String> {
    let app = origin.app.as_str();
    if app == RAW_ORIGIN {
        let template = origin.template.as_deref();
        return template
            .map(|template| format!("rendered from `{template}`"))
            .into_iter()
            .collect();
    }
    let because = match origin.reason.as_slice() {
        [] => String::new(),
        keys => {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            format!("; on because of {}", keys.join(", "))
        }
    };
    let manifest = format!("apps/{app}/app.yaml");
    let whose = format!("the file belongs to `{app}`{because}");
    let from = match &origin.template {
        Some(template) if own.contains(template) => format!("rendered from `templates/{template}`"),
        Some(template) if app == REPO_ORIGIN => {
            format!("its template is built in; a file `templates/{template}` of yours replaces it")
        }
        Some(template) => {
            let name = app.rsplit('/').next().unwrap_or(app);
            format!(
                "its template is built in: change `apps.{name}.values` in cluster.yaml, or replace the template with a \
                 file `templates/{template}` of yours"
            )
        }
        None if own.contains(&manifest) => format!("made from `templates/{manifest}`"),
        None if app == REPO_ORIGIN => "made from what is in the tree, without a template".to_owned(),
        None => format!(
            "made from the built-in manifest of the app; a file of its name in `templates/apps/{app}/` replaces it"
        ),
    };
    vec![whose, from]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(app: &str, template: Option<&str>, reason: &[&str], own: &[&str]) -> String {
        let origin = Origin {
            app: app.to_owned(),
            template: template.map(str::to_owned),
            reason: reason.iter().map(|key| (*key).to_owned()).collect(),
            fingerprint: None,
        };
        notes(&origin, &own.iter().map(|name| (*name).to_owned()).collect()).join("\n")
    }

    #[test]
    fn the_template_to_edit_and_the_key_behind_it_are_named() {
        let template = "apps/monitoring/loki/app/helmrelease.yaml.tera";
        let loki = |own: &[&str]| said("monitoring/loki", Some(template), &["loki_enabled: true"], own);
        assert_eq!(
            loki(&[template]),
            "the file belongs to `monitoring/loki`; on because of `loki_enabled: true`\n\
             rendered from `templates/apps/monitoring/loki/app/helmrelease.yaml.tera`"
        );
        assert_eq!(
            loki(&[]).lines().nth(1),
            Some(
                "its template is built in: change `apps.loki.values` in cluster.yaml, or replace the template with a \
                 file `templates/apps/monitoring/loki/app/helmrelease.yaml.tera` of yours"
            )
        );
        assert_eq!(
            said("raw", Some("templates/config/a.yaml.j2"), &[], &[]),
            "rendered from `templates/config/a.yaml.j2`"
        );
        let manifest = "apps/media/jellyfin/app.yaml";
        assert!(
            said("media/jellyfin", None, &[], &[manifest])
                .ends_with("made from `templates/apps/media/jellyfin/app.yaml`")
        );
        assert!(said("media/jellyfin", None, &[], &[]).contains("`templates/apps/media/jellyfin/`"));
        assert!(
            said("repo", Some("repo/a.tera"), &[], &[]).contains("a file `templates/repo/a.tera` of yours")
        );
        assert!(!said("repo", None, &[], &[]).contains("templates/"));
    }
}
