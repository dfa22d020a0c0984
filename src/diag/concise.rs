//! Findings one a line, for grep and editors: `path:line:column: severity[code]: message`.

use super::Diagnostics;
use super::screen::line;

/// Renders all findings, one a line.
pub fn render(diagnostics: &Diagnostics) -> String {
    let mut out = String::new();
    for d in diagnostics.sorted() {
        if let Some(label) = &d.primary {
            let source = diagnostics.sources.get(label.span.source);
            let position = source.position(label.span.start);
            out.push_str(&format!(
                "{}:{}:{}: ",
                line(&source.name),
                position.line,
                position.column
            ));
        } else if let Some(path) = &d.path {
            out.push_str(&format!("{}: ", line(path)));
        }
        out.push_str(&format!(
            "{}[{}]: {}",
            d.severity.word(),
            d.code,
            line(&d.message)
        ));
        for help in &d.help {
            out.push_str(&format!(" (help: {})", line(help)));
        }
        out.push('\n');
    }
    out
}
