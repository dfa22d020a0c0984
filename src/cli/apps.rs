//! `clusterwright apps`: the catalogue, and what its apps ask of the nodes.

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::OutputFormat;
use super::{Outcome, Session};
use crate::diag::screen::{self, AnsiColor, ScreenStyle};
use crate::diag::{Aborted, counted};
use crate::pipeline::Run;
use crate::plan::Plan;
use crate::render::{Component, resources};

/// Arguments of `apps`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("apps", "Every app of the catalogue and of your own"),
        ("apps --resources", "What they ask of the nodes"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {
    /// Show what each component requests: CPU, memory and volumes
    #[arg(long)]
    pub(super) resources: bool,
}

/// Lists the apps.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    if args.resources {
        return with_resources(session);
    }
    let run = Run::new(&mut session.world, &mut session.diags);
    let plan = run.plan()?;
    if session.ui.format != OutputFormat::Json {
        let text = list(plan);
        session.ui.print(&text);
    }
    let apps: Vec<_> = plan
        .apps
        .iter()
        .map(|planned| {
            json!({
                "app": planned.app.id(),
                "summary": planned.app.manifest.summary,
                "enabled": planned.enabled,
                "version": planned.version(),
            })
        })
        .collect();
    Ok((Exit::Success, Some(json!({"apps": apps}))))
}

fn list(plan: &Plan) -> String {
    let on = ScreenStyle::of(AnsiColor::Green);
    let off = ScreenStyle::new().dimmed();
    let version = |index: usize| plan.apps[index].version().unwrap_or_default();
    let rows = 0..plan.apps.len();
    let name_width = rows
        .clone()
        .map(|i| plan.apps[i].app.id().len())
        .max()
        .unwrap_or(0);
    let version_width = rows.clone().map(|i| version(i).len()).max().unwrap_or(0);
    let mut out = String::new();
    for index in rows {
        let planned = &plan.apps[index];
        let (style, word) = if planned.enabled {
            (on, "on ")
        } else {
            (off, "off")
        };
        out.push_str(&format!(
            "{style}{word}{style:#} {:name_width$}  {:version_width$}  {}\n",
            planned.app.id(),
            version(index),
            screen::line(&planned.app.manifest.summary)
        ));
    }
    out
}

fn with_resources(session: &mut Session<'_>) -> Outcome {
    let (components, silent, nodes) = collect(session)?;
    let total = components
        .iter()
        .fold(Component::default(), |sum, component| Component {
            pods: sum.pods + component.pods,
            cpu_millicores: sum.cpu_millicores + component.cpu_millicores,
            memory_bytes: sum.memory_bytes + component.memory_bytes,
            volume_bytes: sum.volume_bytes + component.volume_bytes,
            ..sum
        });
    if session.ui.format != OutputFormat::Json {
        session.ui.print(&table(&components, &total));
        let nodes = counted(nodes, "node");
        session.ui.print(&format!(
            "\nRequests of all pods together, on {nodes}. Only what is rendered counts: these apps leave it to the \
             defaults of their charts:\n"
        ));
        for app in &silent {
            session.ui.line(&format!("  {app}"));
        }
    }
    let result = json!({
        "nodes": nodes,
        "components": components,
        "total": {
            "pods": total.pods,
            "cpu_millicores": total.cpu_millicores,
            "memory_bytes": total.memory_bytes,
            "volume_bytes": total.volume_bytes,
        },
        "left_to_charts": silent,
    });
    Ok((Exit::Success, Some(result)))
}

fn collect(session: &mut Session<'_>) -> Result<(Vec<Component>, Vec<String>, usize), Aborted> {
    let run = Run::new(&mut session.world, &mut session.diags);
    let (tree, plan) = (run.checked()?, run.plan()?);
    let nodes = run.configuration()?.cluster.nodes.nodes.len();
    let (components, silent) = resources(plan, tree, nodes as u64);
    Ok((components, silent, nodes))
}

fn table(components: &[Component], total: &Component) -> String {
    let bold = ScreenStyle::new().bold();
    let mut rows = vec![["app", "component", "pods", "cpu", "memory", "volumes"].map(str::to_owned)];
    rows.extend(
        components
            .iter()
            .map(|c| cells(c, c.app.clone(), c.component.clone())),
    );
    rows.push(cells(total, "total".to_owned(), String::new()));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4, 5].map(width);
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        let style = if index == 0 || index + 1 == rows.len() {
            bold
        } else {
            ScreenStyle::new()
        };
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(column, (cell, width))| match column {
                0 | 1 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        out.push_str(&format!("{style}{}{style:#}\n", cells.join("  ").trim_end()));
    }
    out
}

fn cells(component: &Component, app: String, name: String) -> [String; 6] {
    [
        app,
        name,
        component.pods.to_string(),
        cpu(component.cpu_millicores),
        bytes(component.memory_bytes),
        bytes(component.volume_bytes),
    ]
}

fn cpu(millicores: u64) -> String {
    match millicores {
        0 => "-".to_owned(),
        _ if millicores.is_multiple_of(1000) => (millicores / 1000).to_string(),
        _ => format!("{millicores}m"),
    }
}

/// Returns an amount in the largest unit in which it is a whole number.
fn bytes(bytes: u64) -> String {
    let units = ["Ti", "Gi", "Mi", "Ki"];
    let shifts = [40, 30, 20, 10];
    let whole = units
        .iter()
        .zip(shifts)
        .find(|(_, shift)| bytes >= 1 << shift && bytes.trailing_zeros() >= *shift);
    match whole {
        _ if bytes == 0 => "-".to_owned(),
        Some((unit, shift)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}
