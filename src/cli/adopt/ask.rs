//! The questions of `adopt`, one an app.

use crate::diag::counted;

/// Somebody who answers.
pub(super) trait TerminalAnswers {
    /// Asks for a line; `None` when nobody answers any more.
    fn answer(&mut self, question: &str) -> Option<String>;
    /// Shows a text.
    fn show(&mut self, text: &str);
}

/// What somebody decided.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// Apps to take over.
    pub(super) take: Vec<String>,
    /// Apps whose files stay as they are.
    pub(super) keep: Vec<String>,
}

const HELP: &str = "\
  y  take this app over: its files become as they are rendered, those with the same content stay as they are
  n  leave it as it is; you can come back to it
  d  show the differences
  k  keep all your files of this app, and remember that
  q  ask no more
";

/// Asks about each app, given with the number of its files. No answer, and the end of the input, mean `q`.
pub(super) fn ask(
    apps: &[(String, usize)],
    terminal: &mut impl TerminalAnswers,
    differences: &dyn Fn(&str) -> String,
) -> Answers {
    let mut answers = Answers::default();
    for (app, files) in apps {
        let files = counted(*files, "file");
        let question = format!("Adopt {app} ({files})? [y,n,d,k,q,?]");
        loop {
            let Some(answer) = terminal.answer(&question) else {
                return answers;
            };
            match answer.to_lowercase().as_str() {
                "y" | "yes" => answers.take.push(app.clone()),
                "n" | "no" => {}
                "k" | "keep" => answers.keep.push(app.clone()),
                "q" | "quit" | "" => return answers,
                "d" | "diff" => {
                    terminal.show(&differences(app));
                    continue;
                }
                _ => {
                    terminal.show(HELP);
                    continue;
                }
            }
            break;
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives prepared answers and remembers what it saw.
    struct Script {
        answers: Vec<&'static str>,
        asked: Vec<String>,
        shown: Vec<String>,
    }

    impl TerminalAnswers for Script {
        fn answer(&mut self, question: &str) -> Option<String> {
            self.asked.push(question.to_owned());
            (!self.answers.is_empty()).then(|| self.answers.remove(0).to_owned())
        }

        fn show(&mut self, text: &str) {
            self.shown.push(text.to_owned());
        }
    }

    fn play(answers: &[&'static str]) -> (Answers, Script) {
        let apps = [("a/one", 1), ("b/two", 2), ("c/three", 3)].map(|(app, n)| (app.to_owned(), n));
        let mut script = Script {
            answers: answers.to_vec(),
            asked: Vec::new(),
            shown: Vec::new(),
        };
        let given = ask(&apps, &mut script, &|app| format!("diff of {app}"));
        (given, script)
    }

    fn answers(take: &[&str], keep: &[&str]) -> Answers {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Answers {
            take: list(take),
            keep: list(keep),
        }
    }

    #[test]
    fn every_app_is_asked_for_once() {
        let (given, script) = play(&["y", "n", "K"]);
        assert_eq!(given, answers(&["a/one"], &["c/three"]));
        assert_eq!(script.asked[0], "Adopt a/one (1 file)? [y,n,d,k,q,?]");
        assert_eq!(script.asked.len(), 3);
    }

    #[test]
    fn the_difference_and_the_help_come_before_another_question() {
        let (given, script) = play(&["d", "?", "yes", "n", "what", "n"]);
        assert_eq!(given, answers(&["a/one"], &[]));
        assert_eq!(script.shown, ["diff of a/one", HELP, HELP]);
        assert!(script.asked[0] == script.asked[2] && script.asked[2] != script.asked[3]);
    }

    #[test]
    fn quitting_keeps_what_was_decided_and_asks_no_more() {
        for end in [&["y", "q"][..], &["y", ""], &["y"]] {
            let (given, script) = play(end);
            assert_eq!(given, answers(&["a/one"], &[]), "{end:?}");
            assert_eq!(script.asked.len(), 2);
        }
    }
}
