//! Findings one a line, for grep and editors: `path:line:column: severity[code]: message`.

use super::Diagnostics;

/// Renders all findings, one a line.
pub fn render(diagnostics: &Diagnostics) -> String {
    let mut out = String::new();
    for d in diagnostics.sorted() {
        if let Some(label) = &d.primary {
            let source = diagnostics.sources.get(label.span.source);
            let position = source.position(label.span.start);
            out.push_str(&format!(
                "{}:{}:{}: ",
                source.name, position.line, position.column
            ));
        } else if let Some(path) = &d.path {
            out.push_str(&format!("{path}: "));
        }
        out.push_str(&format!("{}[{}]: {}", d.severity.word(), d.code, d.message));
        for help in &d.help {
            out.push_str(&format!(" (help: {help})"));
        }
        out.push('\n');
    }
    out
}
