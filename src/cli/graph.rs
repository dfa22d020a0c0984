//! `clusterwright graph`: the Kustomizations and what waits for what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::OutputFormat;
use super::{Outcome, Session};
use crate::diag::screen;
use crate::pipeline::Run;
use crate::plan::{KustomizationId, Plan};
use crate::world::Added;

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("graph", "What waits for what, for a Markdown file"),
        ("graph --format dot | dot -Tsvg", "The same as a picture"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {
    /// Language of the graph
    #[arg(long, value_enum, default_value_t = GraphLanguage::Mermaid)]
    pub(super) format: GraphLanguage,
}

/// Language of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum GraphLanguage {
    /// For Markdown files: GitHub draws it
    Mermaid,
    /// For Graphviz
    Dot,
}

/// Prints the graph. An arrow leads from what must be ready to what waits for it; apps added by hand are rounded.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let run = Run::new(&mut session.world, &mut session.diags);
    let (plan, added) = (run.plan()?, run.added()?);
    let graph = Drawn::new(plan, added);
    if session.ui.format != OutputFormat::Json {
        let text = match args.format {
            GraphLanguage::Mermaid => mermaid(&graph),
            GraphLanguage::Dot => dot(&graph),
        };
        session.ui.print(&text);
    }
    let node = |id: &KustomizationId| {
        let mut node = json!(id);
        if graph.by_hand.contains(id) {
            node["by_hand"] = true.into();
        }
        node
    };
    let nodes: Vec<_> = graph.nodes.iter().map(node).collect();
    let edges: Vec<_> = graph
        .edges
        .iter()
        .map(|(from, to)| json!({"from": from, "to": to}))
        .collect();
    let exit = match run.checkpoint() {
        Ok(()) => Exit::Success,
        Err(_) => Exit::Failure,
    };
    Ok((exit, Some(json!({"nodes": nodes, "edges": edges}))))
}

/// All Kustomizations, ours and those of apps added by hand.
struct Drawn {
    nodes: Vec<KustomizationId>,
    by_hand: BTreeSet<KustomizationId>,
    /// Pairs of what must be ready and what waits for it.
    edges: Vec<(KustomizationId, KustomizationId)>,
}

impl Drawn {
    fn new(plan: &Plan, added: &Added) -> Self {
        let mut nodes: Vec<_> = plan.kustomizations.iter().map(|k| k.id.clone()).collect();
        let ours = plan.kustomizations.iter().flat_map(|k| {
            k.depends_on
                .iter()
                .map(move |before| (before.clone(), k.id.clone()))
        });
        let mut edges: Vec<_> = ours.collect();
        let mut by_hand = BTreeSet::new();
        let id = |namespace: &str, name: &str| KustomizationId {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        for theirs in added.kustomizations() {
            let own = id(&theirs.namespace, &theirs.name);
            // Without a lock, our own files look like somebody else's.
            if nodes.contains(&own) {
                continue;
            }
            edges.extend(
                theirs
                    .depends_on
                    .iter()
                    .map(|(namespace, name)| (id(namespace, name), own.clone())),
            );
            nodes.push(own.clone());
            by_hand.insert(own);
        }
        Self {
            nodes,
            by_hand,
            edges,
        }
    }
}

fn by_namespace(graph: &Drawn) -> BTreeMap<&str, Vec<&KustomizationId>> {
    let mut namespaces: BTreeMap<&str, Vec<&KustomizationId>> = BTreeMap::new();
    for id in &graph.nodes {
        namespaces.entry(&id.namespace).or_default().push(id);
    }
    namespaces
}

fn mermaid(graph: &Drawn) -> String {
    // Mermaid takes some words, such as `end` and `default`, for its own.
    let name = |id: &KustomizationId| screen::line(&format!("{}.{}", id.namespace, id.name)).into_owned();
    let mut out = "flowchart LR\n".to_owned();
    for (namespace, ids) in by_namespace(graph) {
        out.push_str(&format!("  subgraph ns.{namespace} [{namespace}]\n"));
        for id in ids {
            let (open, close) = if graph.by_hand.contains(id) {
                ('(', ')')
            } else {
                ('[', ']')
            };
            out.push_str(&format!(
                "    {}{open}{}{close}\n",
                name(id),
                screen::line(&id.name)
            ));
        }
        out.push_str("  end\n");
    }
    for (before, after) in &graph.edges {
        out.push_str(&format!("  {} --> {}\n", name(before), name(after)));
    }
    out
}

fn dot(graph: &Drawn) -> String {
    let name = |id: &KustomizationId| format!("\"{}/{}\"", id.namespace, id.name);
    let mut out = "digraph flux {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (namespace, ids) in by_namespace(graph) {
        out.push_str(&format!(
            "  subgraph \"cluster_{namespace}\" {{\n    label=\"{namespace}\";\n"
        ));
        for id in ids {
            let style = if graph.by_hand.contains(id) {
                ", style=rounded"
            } else {
                ""
            };
            out.push_str(&format!("    {} [label=\"{}\"{style}];\n", name(id), id.name));
        }
        out.push_str("  }\n");
    }
    for (before, after) in &graph.edges {
        out.push_str(&format!("  {} -> {};\n", name(before), name(after)));
    }
    out.push_str("}\n");
    out
}
