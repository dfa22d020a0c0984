//! The scripts in `tests/conformance` cannot pass by losing what they count. They run on Linux, with its `bash`.
#![cfg(target_os = "linux")]

use std::process::Command;

/// Runs lines after the tools of the scripts: the exit code, and what is said.
fn after_tools(lines: &str) -> (Option<i32>, String) {
    let tools = super::root().join("tests/conformance/tools.sh");
    let text = format!("set -euo pipefail\n. '{}'\n{lines}\nfinish\n", tools.display());
    let output = Command::new("bash")
        .args(["-c", &text])
        .output()
        .expect("bash is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), said)
}

#[test]
fn what_is_counted_is_what_is_judged() {
    let (code, said) = after_tools("check a true\nfails b 3 bash -c 'exit 3'\nskip c why");
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "SKIP c: why\n2 passed, 0 failed, 1 skipped\n")
    );
    let (code, said) = after_tools("check a false");
    assert_eq!(code, Some(1));
    assert!(said.ends_with("0 passed, 1 failed, 0 skipped\n"), "{said}");
}

#[test]
fn a_count_that_a_subshell_would_lose_ends_the_script() {
    for lines in [
        "check a true\n(cd / && check b false)",
        "check a true\n(cd / && check b true)",
        "check a true\nprintf 'b\\n' | while read -r name; do check \"$name\" false; done",
        "check a true\nsaid=$(fails b 1 true) || true",
        "check a true\n(skip b why)",
    ] {
        let (code, said) = after_tools(lines);
        assert_ne!(code, Some(0), "{lines}: {said}");
    }
    // A script that brings them back says so.
    let (code, said) = after_tools("check a true\n(counting=$BASH_SUBSHELL; check b true)");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_script_that_judges_nothing_fails() {
    let (code, said) = after_tools("");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("FAIL nothing was judged"), "{said}");
}

/// What a function of the scripts is called must be there: bash finds out only when it gets to that line.
#[test]
fn every_peer_that_a_script_needs_is_known() {
    let folder = super::root().join("tests/conformance");
    let tools = std::fs::read_to_string(folder.join("tools.sh")).expect("readable");
    for entry in std::fs::read_dir(&folder).expect("readable").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "sh") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        for (at, _) in text.match_indices("need_") {
            let name: String = text[at..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            assert!(
                tools.contains(&format!("\n{name}() {{")),
                "{}: {name} is in no tools.sh",
                path.display()
            );
        }
    }
}
