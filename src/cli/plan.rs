//! `clusterwright plan`: every app, on or off and why, and the tiers.

use std::collections::BTreeMap;

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::{Outcome, Session, summary};
use crate::diag::screen::{AnsiColor, ScreenStyle};
use crate::merge::KeptVersion;
use crate::pipeline::{Compared, Run};
use crate::plan::Plan;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("plan", "Which apps are on, why, and in what order"),
        ("plan -o json", "The same for a script, with what configure would change"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {}

/// Lists the plan.
pub(super) fn run(_: &Args, session: &mut Session<'_>) -> Outcome {
    let run = Run::new(&mut session.world, &mut session.diags);
    let (kept, plan) = (run.kept_versions()?, run.plan()?);
    // What configure would change, where it gets that far. Its findings are its own to tell.
    let compared = run.quietly(Run::compared).ok();
    if session.ui.format != super::ui::OutputFormat::Json {
        let text = text(plan);
        session.ui.print(&text);
        session.ui.print(&versions(kept));
        session.ui.print(&changes(compared));
    }
    let mut machine = machine(plan);
    machine["newer_in_tree"] = json!(kept);
    machine["changes"] = match compared {
        Some(compared) => {
            json!(crate::diff::json::changes(
                &compared.changes,
                &compared.tree,
                &compared.existing
            ))
        }
        None => serde_json::Value::Null,
    };
    Ok((Exit::Success, Some(machine)))
}

fn text(plan: &Plan) -> String {
    let on = ScreenStyle::of(AnsiColor::Green);
    let off = ScreenStyle::new().dimmed();
    let bold = ScreenStyle::new().bold();
    let mut out = format!("{bold}Apps{bold:#}\n");
    let width = plan
        .apps
        .iter()
        .map(|planned| planned.app.id().len())
        .max()
        .unwrap_or(0);
    for planned in &plan.apps {
        let (style, word) = if planned.enabled {
            (on, "on ")
        } else {
            (off, "off")
        };
        let why: Vec<String> = planned.reasons.iter().map(ToString::to_string).collect();
        let why = if why.is_empty() {
            "always".to_owned()
        } else {
            why.join(", ")
        };
        let id = planned.app.id();
        out.push_str(&format!("  {style}{word}{style:#} {id:width$}  {why}\n"));
    }
    out.push_str(&format!(
        "\n{bold}Order{bold:#} (a tier starts when what it depends on is ready)\n"
    ));
    let mut tiers: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for kustomization in &plan.kustomizations {
        let after: Vec<&str> = kustomization
            .depends_on
            .iter()
            .map(|id| id.name.as_str())
            .collect();
        let after = if after.is_empty() {
            String::new()
        } else {
            format!(" (after {})", after.join(", "))
        };
        tiers
            .entry(kustomization.tier)
            .or_default()
            .push(format!("{}{after}", kustomization.id.name));
    }
    for (tier, names) in tiers {
        for (index, name) in names.iter().enumerate() {
            let label = if index == 0 {
                format!("tier {tier}")
            } else {
                String::new()
            };
            out.push_str(&format!("  {label:<7} {name}\n"));
        }
    }
    out
}

/// The pending changes, by where they come from.
fn changes(compared: Option<&Compared>) -> String {
    let bold = ScreenStyle::new().bold();
    let list = match compared {
        None => "  not known: `clusterwright configure --dry-run` tells what stops it\n".to_owned(),
        Some(compared) if compared.changes.differing().next().is_none() => "  none\n".to_owned(),
        Some(compared) => summary::by_cause(&compared.changes),
    };
    format!("\n{bold}Pending changes{bold:#}\n{list}")
}

/// Versions that Renovate or a person raised in the tree.
fn versions(kept: &[KeptVersion]) -> String {
    if kept.is_empty() {
        return String::new();
    }
    let bold = ScreenStyle::new().bold();
    let mut out = format!("\n{bold}Newer in your tree{bold:#} (they stay)\n");
    for version in kept {
        let KeptVersion {
            file,
            place,
            rendered,
            kept,
        } = version;
        out.push_str(&format!(
            "  {file}\n    {place}: {kept} (the library has {rendered})\n"
        ));
    }
    out
}

fn machine(plan: &Plan) -> serde_json::Value {
    let apps: Vec<_> = plan
        .apps
        .iter()
        .map(|planned| {
            json!({
                "app": planned.app.id(),
                "summary": planned.app.manifest.summary,
                "enabled": planned.enabled,
                "reasons": planned.reasons,
                "version": planned.version(),
            })
        })
        .collect();
    let kustomizations: Vec<_> = plan
        .kustomizations
        .iter()
        .map(|kustomization| {
            json!({
                "name": kustomization.id.name,
                "namespace": kustomization.id.namespace,
                "app": kustomization.app.id(),
                "tier": kustomization.tier,
                "depends_on": kustomization.depends_on,
            })
        })
        .collect();
    json!({"apps": apps, "kustomizations": kustomizations})
}
