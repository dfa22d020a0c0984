//! `clusterwright new-app`: writes the folder of an app of one's own, and never replaces a file.

use serde_json::json;

use super::exit::Exit;
use super::help::Help;
use super::{Outcome, Session};
use crate::catalog::scaffold::{NewApp, OWN_APPS};
use crate::catalog::{Catalog, manifest};
use crate::diag::{Aborted, Diagnostic};
use crate::model::{ChartVersion, HostLabel, TextValue as _};
use crate::pipeline::Run;
use crate::render::APP_SCHEMA_COPY;
use crate::sys::root::{Access, Root};
use crate::tree::{APPS_ROOT, RepoPath};

/// Arguments of `new-app`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("new-app media/homepage", "An app of plain manifests"),
        ("new-app media/plex --chart oci://ghcr.io/example/charts/plex --version 1.2.3", "An app of a Helm chart"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// Namespace and name of the app, such as media/homepage
    #[arg(value_name = "NAMESPACE/NAME")]
    pub(super) name: String,
    /// Address of its Helm chart, oci://…; without it, the app has plain manifests
    #[arg(long, value_name = "ADDRESS", requires = "version")]
    pub(super) chart: Option<String>,
    /// Exact version of the chart
    #[arg(long, requires = "chart")]
    pub(super) version: Option<String>,
    /// Folder of the apps, instead of templates/apps
    #[arg(long)]
    pub(super) dir: Option<String>,
}

/// Writes the files.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let run = Run::new(&mut session.world, &mut session.diags);
    let catalog = run.catalog()?;
    let app = request(args, catalog, &run)?;
    refuse_existing(&app, catalog, &root, &run)?;
    let mut files = app.files();
    let copy = root
        .look(APP_SCHEMA_COPY)
        .map_err(|refused| run.abort(refused.finding("create", APP_SCHEMA_COPY)))?;
    if copy.is_none() {
        files.push((APP_SCHEMA_COPY.to_owned(), manifest::schema_text()));
    }
    for (path, text) in &files {
        create(&root, path, text).map_err(|finding| run.abort(finding))?;
        session.ui.say(&format!("  create   {path}"));
    }
    session.ui.say(&format!(
        "\nNow write what {} is for into {}/app.yaml, and {}. Then run `clusterwright configure`.",
        app.name,
        app.folder(),
        match app.chart {
            Some(_) => "its values into app/helmrelease.yaml.tera",
            None => "its image into app/deployment.yaml.tera",
        }
    ));
    let created: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    Ok((Exit::Success, Some(json!({"created": created}))))
}

fn usage(message: String) -> Diagnostic {
    Diagnostic::error("usage/new-app", message)
}

/// Reads the arguments.
fn request(args: &Args, catalog: &Catalog, run: &Run<'_>) -> Result<NewApp, Aborted> {
    let parts: Vec<&str> = args.name.split('/').collect();
    let [namespace, name] = parts.as_slice() else {
        let message = format!("`{}` is no `NAMESPACE/NAME`", args.name);
        return Err(run.abort(usage(message).help("write for example `media/homepage`")));
    };
    for (what, text) in [("namespace", namespace), ("name", name)] {
        if let Err(invalid) = HostLabel::parse(text) {
            let message = format!("the {what} `{text}` {}", invalid.reason);
            run.push(usage(message).help("write lower-case letters, digits and `-`"));
        }
    }
    let chart = chart(args, run);
    let dir = args.dir.as_deref().unwrap_or(OWN_APPS);
    let dir = RepoPath::parse(dir).map_err(|error| {
        run.abort(usage(format!("`--dir {dir}`: {error}")).help("give a folder inside the repository"))
    });
    run.checkpoint()?;
    let kustomizations = catalog.apps.iter().flat_map(|app| &app.kustomizations);
    let aliases = catalog.apps.iter().flat_map(|app| &app.manifest.provides.aliases);
    let mut taken = kustomizations.map(|spec| &spec.name).chain(aliases);
    let kustomization = if taken.any(|taken| taken == name) {
        format!("{namespace}-{name}")
    } else {
        (*name).to_owned()
    };
    Ok(NewApp {
        namespace: (*namespace).to_owned(),
        name: (*name).to_owned(),
        kustomization,
        chart,
        new_namespace: !catalog.namespaces.contains_key(*namespace),
        dir: dir?,
    })
}

fn chart(args: &Args, run: &Run<'_>) -> Option<(String, String)> {
    let chart = args.chart.as_deref()?.trim_end_matches('/');
    let version = args.version.as_deref().unwrap_or_default();
    let address = chart.strip_prefix("oci://").filter(|rest| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':');
        rest.contains('/') && rest.chars().all(plain)
    });
    match address {
        None => run.push(
            usage(format!("`--chart {chart}` is no `oci://` address"))
                .help("write for example `--chart oci://ghcr.io/owner/charts/name`")
                .help("for a chart of a Helm repository, leave `--chart` out and write `chart:` in app.yaml by hand"),
        ),
        Some(rest) if rest.rsplit('/').next().is_some_and(|last| last.contains(':')) => run.push(
            usage(format!("`--chart {chart}` ends with a tag"))
                .help("give the version with `--version`, and the address without it"),
        ),
        Some(_) => {}
    }
    if let Err(invalid) = ChartVersion::parse(version) {
        let message = format!("`--version {version}` {}", invalid.reason);
        run.push(usage(message).help("write an exact version such as `--version 1.2.3`"));
    }
    Some((chart.to_owned(), version.to_owned()))
}

fn refuse_existing(app: &NewApp, catalog: &Catalog, root: &Root, run: &Run<'_>) -> Result<(), Aborted> {
    let id = format!("{}/{}", app.namespace, app.name);
    let exists = |message: String| Diagnostic::error("new-app/exists", message);
    let folder = app.folder();
    let there = root
        .look(&folder)
        .map_err(|refused| run.abort(refused.finding("create", &folder)))?;
    if there.is_some() {
        let finding = exists(format!("`{folder}` is there already")).in_file(folder);
        return Err(run.abort(finding.help("choose another name, or change the files that are there")));
    }
    if catalog.apps.iter().any(|known| known.id() == id) {
        let help = format!(
            "to change its values, use `apps.{}.values` in cluster.yaml; to replace one of its files, put yours at the \
             same path below `{folder}`",
            app.name
        );
        let finding = exists(format!("`{id}` is an app that clusterwright brings"));
        return Err(run.abort(finding.help(help)));
    }
    let ks = format!("{APPS_ROOT}/{id}/ks.yaml");
    if root.is_taken(&ks) {
        let finding = exists(format!("`{ks}` is there: the app was added by hand")).in_file(ks);
        return Err(
            run.abort(finding.help("it is wired in as it is; move its folder away to make it a template"))
        );
    }
    Ok(())
}

/// Creates a file with the folders above it, whole or not at all; one that is there is an error.
fn create(root: &Root, path: &str, text: &str) -> Result<(), Diagnostic> {
    root.create_parents(path)
        .and_then(|()| root.create_new(path, text.as_bytes(), Access::Kept))
        .map_err(|refused| refused.finding("create", path))
}
