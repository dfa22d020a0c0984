//! Embeds `templates/` as a sorted list of (path, text).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo talks to build scripts through the environment"
)]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=templates");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("templates");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut code = String::from("&[\n");
    for file in &files {
        let name = file
            .strip_prefix(&root)
            .expect("below the root")
            .to_str()
            .expect("UTF-8 names");
        if name == "README.md" {
            continue;
        }
        writeln!(
            code,
            "    ({name:?}, include_str!({:?})),",
            file.to_str().expect("UTF-8 names")
        )
        .expect("writing to a String cannot fail");
    }
    code.push_str("]\n");
    fs::write(
        PathBuf::from(env::var("OUT_DIR").expect("set by cargo")).join("templates.rs"),
        code,
    )
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", dir.display());
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
