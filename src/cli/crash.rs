//! A bug of ours: what the program says when it stops at one.
//!
//! The message of a panic may hold text of a file, and so a secret: cutting a text in the middle of a letter prints the
//! text. Nothing of it is ever shown.

use std::panic::Location;

use super::ui;

/// Makes every panic, in any thread, say where it happened, and nothing else.
pub(super) fn keep_silent() {
    std::panic::set_hook(Box::new(|info| ui::tell_at_once(&words(info.location()))));
}

/// Returns what is said of a panic.
fn words(at: Option<&Location<'_>>) -> String {
    let place = at.map_or_else(
        || "an unknown place".to_owned(),
        |at| format!("{}:{}:{}", at.file(), at.line(), at.column()),
    );
    format!(
        "error[internal/bug]: this is a bug in clusterwright, at {place}\n  \
         = note: what went wrong is not shown, for it may hold a secret\n  \
         = note: a command that was not writing wrote nothing; a write that was cut short is finished or taken back by the \
         next run\n  \
         = help: run `clusterwright doctor`, and report the bug with the place above and the command\n"
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// What no text is; its error holds the text, as that of many parsers.
    #[derive(Debug)]
    struct SecretNumber;

    impl std::str::FromStr for SecretNumber {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, String> {
            if text.is_empty() {
                Ok(Self)
            } else {
                Err(text.to_owned())
            }
        }
    }

    /// Set in the child, which panics.
    const CHILD: &str = "CLUSTERWRIGHT_TEST_CRASH";

    /// The child's part; does nothing in an ordinary test run.
    #[test]
    fn child() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        // The arguments of a test are none of the program, which says so and is done.
        let _ = crate::cli::run();
        let text = format!("token: {}", "canary-in-a-panic-é");
        let cut = text.len() - 1;
        let cutting = std::thread::spawn(move || text[..cut].len());
        assert!(cutting.join().is_err(), "it is cut in the middle of a letter");
        let parsed = "canary-in-an-error".parse::<SecretNumber>();
        let missing = std::thread::spawn(|| parsed.expect("canary-in-words"));
        assert!(missing.join().is_err());
    }

    #[test]
    fn a_panic_says_where_and_nothing_of_what() {
        let me = std::env::current_exe().expect("the test binary");
        let run = Command::new(me)
            .args([
                "--exact",
                "cli::crash::tests::child",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(CHILD, "1")
            .env("RUST_BACKTRACE", "1")
            .output()
            .expect("the test binary runs");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        );
        assert!(run.status.success(), "{said}");
        assert!(!said.contains("canary"), "{said}");
        assert_eq!(said.matches("error[internal/bug]").count(), 2, "{said}");
        assert!(said.contains("crash.rs:"), "{said}");
    }
}
