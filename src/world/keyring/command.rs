//! `SOPS_AGE_KEY_CMD`: a program that prints keys, such as a password manager's.

use std::io::Read as _;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::sys::SecretText;

/// Longest output that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Runs the command for a recipient, which it finds in `SOPS_AGE_RECIPIENT`. No shell is around it. What it says on
/// stderr goes to the person.
pub(super) fn run(command: &str, recipient: &str) -> Result<SecretText, String> {
    let words = words(command).ok_or("has a quote that does not end")?;
    let (program, arguments) = words.split_first().ok_or("is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("SOPS_AGE_RECIPIENT", recipient)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("could not be started: {error}"))?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let read = match child.stdout.take() {
        Some(stdout) => stdout.take(MAX_BYTES).read_to_string(&mut text),
        None => Ok(0),
    };
    let status = child
        .wait()
        .map_err(|error| format!("did not end well: {error}"))?;
    if !status.success() {
        return Err(match status.code() {
            Some(code) => format!("ended with exit code {code}"),
            None => "was killed".to_owned(),
        });
    }
    read.map_err(|_| "printed something that is not text".to_owned())?;
    Ok(SecretText::new(std::mem::take(&mut *text)))
}

/// Splits a command line at blanks; quotes and backslashes keep blanks together. `None` for an open quote.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_as_a_shell_would() {
        let split = |line| words(line).unwrap();
        assert_eq!(split("pass show  'age key'"), ["pass", "show", "age key"]);
        assert_eq!(split(r#"a "b \" c"d '' e\ f"#), ["a", "b \" cd", "", "e f"]);
        assert_eq!(words("a 'b"), None);
        assert!(split("  ").is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn it_gets_the_recipient_and_its_failures_are_named() {
        let out = run("sh -c 'echo key for $SOPS_AGE_RECIPIENT'", "age1x").unwrap();
        assert_eq!(out.expose(), "key for age1x\n");
        assert_eq!(run("sh -c 'exit 3'", "").unwrap_err(), "ended with exit code 3");
        assert!(
            run("/nonexistent/program", "")
                .unwrap_err()
                .contains("could not be started")
        );
        assert_eq!(run(" ", "").unwrap_err(), "is empty");
    }
}
