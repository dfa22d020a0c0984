//! Three-way merge of YAML: by key, and in lists by identity. What the render changed goes into the edited text as
//! text, so that comments and layout of the edited side stay.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::world::{Resolutions, Side};
use serde_json::Value;
use yaml::layout::{self, Child, block_text, children, is_block, is_one_line};
use yaml::splice::{Edit, apply, indented};
use yaml::{Kind, Node, Style, line};

use super::diff3::{self, ChangedBy as Region};
use super::identity::Identity;
use super::{Conflict, verify, version};

/// Merges texts of one YAML document each; `None` when one of them is something else, or the result could not be
/// proven right.
pub(super) fn merge(texts: [&str; 3], resolutions: &Resolutions) -> Option<Result<String, Vec<Conflict>>> {
    let [base, yours, render] = texts.map(|text| yaml::parse(text).ok());
    let (base, yours, render) = (base?, yours?, render?);
    if base.len() != yours.len() || yours.len() != render.len() {
        return None;
    }
    let mut merger = Merger {
        base: texts[0],
        yours: texts[1],
        render: texts[2],
        resolutions,
        edits: Vec::new(),
        conflicts: Vec::new(),
    };
    let several = base.len() > 1;
    let mut from = [0; 3];
    for ((b, y), r) in base.iter().zip(&yours).zip(&render) {
        let sides = [b, y, r];
        let object = |node: &Node| Identity::Object.id(&node.to_json());
        if several && (object(b) != object(y) || object(y) != object(r)) {
            return None;
        }
        if !texts.iter().zip(sides).all(|(text, node)| is_block(text, node)) {
            return None;
        }
        let mut place = if several {
            object(y).into_iter().collect()
        } else {
            Vec::new()
        };
        merger.collections(Some((b, from[0])), (y, from[1]), (r, from[2]), &mut place)?;
        from = [0, 1, 2].map(|i| line::next(texts[i], layout::end(texts[i], sides[i], from[i])));
    }
    if !merger.conflicts.is_empty() {
        return Some(Err(merger.conflicts));
    }
    let text = apply(texts[1], &merger.edits)?;
    let documents = yaml::parse(&text).ok()?;
    if documents.len() != yours.len() {
        return None;
    }
    let right = (0..documents.len()).all(|i| {
        let [b, y, r, m] = [&base, &yours, &render, &documents].map(|side| side[i].to_json());
        verify::is_merge(Some(&b), Some(&y), Some(&r), Some(&m))
    });
    right.then_some(Ok(text))
}

struct Merger<'a> {
    base: &'a str,
    yours: &'a str,
    render: &'a str,
    resolutions: &'a Resolutions,
    edits: Vec<Edit>,
    conflicts: Vec<Conflict>,
}

/// A node and the end of what stands before it.
type At<'n> = (&'n Node, usize);

impl Merger<'_> {
    /// Merges block mappings or block sequences; `None` where their layout is not understood.
    fn collections(
        &mut self,
        base: Option<At<'_>>,
        yours: At<'_>,
        render: At<'_>,
        place: &mut Vec<String>,
    ) -> Option<()> {
        let b = base.map_or(Vec::new(), |(node, from)| children(self.base, node, from));
        let y = children(self.yours, yours.0, yours.1);
        let r = children(self.render, render.0, render.1);
        match (&yours.0.kind, &render.0.kind) {
            (Kind::Map(_), Kind::Map(_)) => {
                let key = |list: &[Child<'_>]| -> Vec<String> {
                    list.iter()
                        .map(|child| child.name().unwrap_or_default().to_owned())
                        .collect()
                };
                self.named(&(key(&b), &b), &(key(&y), &y), &(key(&r), &r), place)
            }
            (Kind::Seq(mine), Kind::Seq(theirs)) if mine.len() == y.len() && theirs.len() == r.len() => {
                let values =
                    [&b, &y, &r].map(|list| list.iter().map(|c| c.node.to_json()).collect::<Vec<_>>());
                let Some(identity) = Identity::of(&[&values[0], &values[1], &values[2]]) else {
                    return self.ordered(&b, &y, &r, place);
                };
                let [kb, ky, kr] = values.map(|list| {
                    list.iter()
                        .map(|value| format!("[{}]", identity.id(value).unwrap_or_default()))
                        .collect::<Vec<String>>()
                });
                self.named(&(kb, &b), &(ky, &y), &(kr, &r), place)
            }
            _ => None,
        }
    }

    /// Merges children that have names.
    fn named(
        &mut self,
        base: &(Vec<String>, &[Child<'_>]),
        yours: &(Vec<String>, &[Child<'_>]),
        render: &(Vec<String>, &[Child<'_>]),
        place: &mut Vec<String>,
    ) -> Option<()> {
        let b: BTreeMap<&str, &Child<'_>> = base.0.iter().map(String::as_str).zip(base.1).collect();
        let y: BTreeMap<&str, &Child<'_>> = yours.0.iter().map(String::as_str).zip(yours.1).collect();
        let r: BTreeMap<&str, &Child<'_>> = render.0.iter().map(String::as_str).zip(render.1).collect();
        let mut after: Option<&Child<'_>> = None;
        let mut gone = BTreeSet::new();
        let mut added = false;
        for (name, theirs) in render.0.iter().zip(render.1) {
            place.push(name.clone());
            match (b.get(name.as_str()), y.get(name.as_str())) {
                (base, Some(mine)) => {
                    self.child(base.copied(), mine, theirs, place);
                    after = Some(mine);
                }
                (None, None) => {
                    added = true;
                    self.insert(theirs, after, render, yours)?;
                }
                (Some(base), None) => {
                    if base.content(self.base) != theirs.content(self.render) {
                        let snippet = Some(base.content(self.base));
                        match self.choice(place) {
                            Some(Side::Yours) => {}
                            Some(Side::Render) => self.insert(theirs, after, render, yours)?,
                            None => {
                                let rendered = Some(theirs.content(self.render));
                                self.conflict(place, snippet, None, rendered, None);
                            }
                        }
                    }
                }
            }
            place.pop();
        }
        for (name, mine) in yours.0.iter().zip(yours.1) {
            let (Some(base), None) = (b.get(name.as_str()), r.get(name.as_str())) else {
                continue;
            };
            place.push(name.clone());
            let untouched = base.content(self.base) == mine.content(self.yours);
            match self.choice(place).filter(|_| !untouched) {
                None if untouched => {
                    gone.insert(name.as_str());
                }
                Some(Side::Yours) => {}
                Some(Side::Render) => {
                    gone.insert(name.as_str());
                }
                None => {
                    let span = Some(mine.lines.clone());
                    self.conflict(
                        place,
                        Some(base.content(self.base)),
                        Some(mine.content(self.yours)),
                        None,
                        span,
                    );
                }
            }
            place.pop();
        }
        if !gone.is_empty() && gone.len() == yours.1.len() && !added {
            return None;
        }
        for (i, mine) in yours
            .1
            .iter()
            .enumerate()
            .filter(|(i, _)| gone.contains(yours.0[*i].as_str()))
        {
            let keep_lead = b
                .get(yours.0[i].as_str())
                .is_none_or(|base| base.comments(self.base) != mine.comments(self.yours));
            if mine.inline {
                // The next entry takes the place behind the dash.
                let next = yours.1.get(i + 1).filter(|next| {
                    next.lead == next.lines.start && !gone.contains(yours.0[i + 1].as_str())
                })?;
                self.edits.push(Edit::cut(mine.at..next.at));
            } else {
                let from = if keep_lead { mine.lines.start } else { mine.lead };
                self.edits.push(Edit::cut(from..mine.lines.end));
            }
        }
        Some(())
    }

    /// Inserts a child of the render behind `after`, else before the first one of yours that follows it there.
    fn insert(
        &mut self,
        child: &Child<'_>,
        after: Option<&Child<'_>>,
        render: &(Vec<String>, &[Child<'_>]),
        yours: &(Vec<String>, &[Child<'_>]),
    ) -> Option<()> {
        let column = yours.1.first()?.column;
        let at = if let Some(after) = after {
            after.lines.end
        } else {
            let own = render.1.iter().position(|other| other.at == child.at)?;
            let following = render.0[own..]
                .iter()
                .find_map(|name| yours.0.iter().position(|mine| mine == name));
            let mine = &yours.1[following.unwrap_or(0)];
            if mine.inline { mine.lines.end } else { mine.lead }
        };
        self.edits
            .push(Edit::lines(at, child.moved(self.render, column, true)));
        Some(())
    }

    /// Merges a child that both sides have.
    fn child(
        &mut self,
        base: Option<&Child<'_>>,
        mine: &Child<'_>,
        theirs: &Child<'_>,
        place: &mut Vec<String>,
    ) {
        self.comments(base, mine, theirs);
        let (y, r) = (mine.content(self.yours), theirs.content(self.render));
        let b = base.map(|base| base.content(self.base));
        if y == r || b.as_ref() == Some(&r) {
            return;
        }
        if b.as_ref() == Some(&y) {
            self.replace(mine, theirs);
            return;
        }
        if is_block(self.yours, mine.node) && is_block(self.render, theirs.node) {
            let base = base
                .filter(|base| is_block(self.base, base.node) && same_kind(base.node, mine.node))
                .map(|base| (base.node, base.floor));
            if same_kind(mine.node, theirs.node) {
                let (edits, conflicts, depth) = (self.edits.len(), self.conflicts.len(), place.len());
                let done =
                    self.collections(base, (mine.node, mine.floor), (theirs.node, theirs.floor), place);
                if done.is_some() {
                    return;
                }
                self.edits.truncate(edits);
                self.conflicts.truncate(conflicts);
                place.truncate(depth);
            }
        } else if let (Some(base), Kind::Scalar { .. }, Kind::Scalar { .. }) =
            (base, &mine.node.kind, &theirs.node.kind)
            && self.scalars(base.node, mine, theirs, place)
        {
            return;
        }
        let json = |child: &Child<'_>| child.node.to_json();
        if json(mine) == json(theirs) || base.is_some_and(|base| json(base) == json(theirs)) {
            return;
        }
        match self.choice(place) {
            Some(Side::Yours) => {}
            Some(Side::Render) => self.replace(mine, theirs),
            None => self.conflict(place, b, Some(y), Some(r), Some(mine.lines.clone())),
        }
    }

    /// Merges scalars; returns whether they are settled.
    fn scalars(&mut self, base: &Node, mine: &Child<'_>, theirs: &Child<'_>, place: &[String]) -> bool {
        let json = |node: &Node| node.to_json();
        let (b, y, r) = (json(base), json(mine.node), json(theirs.node));
        if y == r || b == r {
            return true;
        }
        let block = |node: &Node| {
            matches!(
                &node.kind,
                Kind::Scalar {
                    style: Style::Literal,
                    ..
                }
            )
        };
        if b == y {
            // Only the comment or the quotes are yours: the value alone is taken.
            if block(mine.node)
                || block(theirs.node)
                || !is_one_line(self.render, theirs.node)
                || !is_one_line(self.yours, mine.node)
            {
                return false;
            }
            if mine.node.span.is_empty() || theirs.node.span.is_empty() {
                return false;
            }
            let new = self.render[theirs.node.span.clone()].to_owned();
            self.edits.push(Edit::new(mine.node.span.clone(), new));
            return true;
        }
        let (Value::String(b), Value::String(y), Value::String(r)) = (&b, &y, &r) else {
            return false;
        };
        if block(mine.node) && block(theirs.node) {
            return self.block_scalar([b, y, r], mine);
        }
        if self.choice(place).is_none()
            && version::is_place(place.last().map_or("", String::as_str))
            && let Some(winner) = version::newer(b, y, r)
        {
            if winner == Side::Render {
                if !is_one_line(self.yours, mine.node) || !is_one_line(self.render, theirs.node) {
                    return false;
                }
                let new = self.render[theirs.node.span.clone()].to_owned();
                self.edits.push(Edit::new(mine.node.span.clone(), new));
            }
            return true;
        }
        false
    }

    /// Merges the lines of literal block scalars.
    fn block_scalar(&mut self, [base, yours, render]: [&str; 3], mine: &Child<'_>) -> bool {
        let Some(merged) = diff3::lines(base, yours, render) else {
            return false;
        };
        let Some(lines) = block_text::lines(self.yours, mine.node, mine.floor) else {
            return false;
        };
        let indent = line::indent(self.yours, mine.node.span.start);
        if indent == 0 || merged.starts_with([' ', '\n']) {
            return false;
        }
        let text = indented(merged.trim_end_matches('\n'), indent);
        self.edits.push(Edit::new(lines, text));
        true
    }

    /// Takes over what the render changed in the comments above, where yours has them as they were.
    fn comments(&mut self, base: Option<&Child<'_>>, mine: &Child<'_>, theirs: &Child<'_>) {
        let Some(base) = base else { return };
        if mine.inline || theirs.inline {
            return;
        }
        let (b, y, r) = (
            base.comments(self.base),
            mine.comments(self.yours),
            theirs.comments(self.render),
        );
        if b == y && b != r {
            let moved = theirs.moved(self.render, mine.column, true);
            let content = theirs.moved(self.render, mine.column, false);
            let lead = moved[..moved.len() - content.len()].to_owned();
            self.edits.push(Edit::new(mine.lead..mine.lines.start, lead));
        }
    }

    fn replace(&mut self, mine: &Child<'_>, theirs: &Child<'_>) {
        let mut new = theirs.moved(self.render, mine.column, false);
        if mine.inline {
            new.drain(..mine.column.min(new.len()));
        }
        if !self.yours[mine.lines.clone()].ends_with('\n') {
            new.truncate(new.trim_end_matches('\n').len());
        }
        self.edits.push(Edit::new(mine.lines.clone(), new));
    }

    /// Merges items that nothing tells apart: what one side did to a stretch of them stands, if the other left it.
    fn ordered(
        &mut self,
        base: &[Child<'_>],
        yours: &[Child<'_>],
        render: &[Child<'_>],
        place: &[String],
    ) -> Option<()> {
        let content = |text: &str, list: &[Child<'_>]| -> Vec<String> {
            list.iter().map(|c| c.content(text)).collect()
        };
        let (b, y, r) = (
            content(self.base, base),
            content(self.yours, yours),
            content(self.render, render),
        );
        let column = yours.first()?.column;
        let regions = diff3::regions(&b, &y, &r);
        let left: usize = regions
            .iter()
            .map(|region| {
                if region.kind == Region::Render {
                    region.render.len()
                } else {
                    region.yours.len()
                }
            })
            .sum();
        if left == 0 {
            return None;
        }
        for region in regions {
            let new: String = match region.kind {
                Region::Same | Region::Yours => continue,
                Region::Render => render[region.render.clone()]
                    .iter()
                    .map(|child| child.moved(self.render, column, true))
                    .collect(),
                Region::BothInsert => render[region.render.clone()]
                    .iter()
                    .filter(|child| !y[region.yours.clone()].contains(&child.content(self.render)))
                    .map(|child| child.moved(self.render, column, true))
                    .collect(),
                Region::Conflict => {
                    let text = |list: &[String], range: &Range<usize>| Some(list[range.clone()].concat());
                    let span = match (yours.get(region.yours.start), region.yours.end.checked_sub(1)) {
                        (Some(first), Some(last)) if last >= region.yours.start => {
                            Some(first.lines.start..yours[last].lines.end)
                        }
                        _ => None,
                    };
                    match self.choice(place) {
                        Some(Side::Yours) => continue,
                        Some(Side::Render) => render[region.render.clone()]
                            .iter()
                            .map(|child| child.moved(self.render, column, true))
                            .collect(),
                        None => {
                            self.conflict(
                                place,
                                text(&b, &region.base),
                                text(&y, &region.yours),
                                text(&r, &region.render),
                                span,
                            );
                            continue;
                        }
                    }
                }
            };
            let end = region.yours.end;
            self.edits
                .push(if region.yours.is_empty() || region.kind == Region::BothInsert {
                    let last = end.checked_sub(1).map(|last| yours[last].lines.end);
                    Edit::lines(last.unwrap_or(yours[0].lead), new)
                } else {
                    Edit::new(yours[region.yours.start].lead..yours[end - 1].lines.end, new)
                });
        }
        Some(())
    }

    fn choice(&self, place: &[String]) -> Option<Side> {
        self.resolutions.get(&super::place(place)).copied()
    }

    fn conflict(
        &mut self,
        place: &[String],
        base: Option<String>,
        yours: Option<String>,
        render: Option<String>,
        span: Option<Range<usize>>,
    ) {
        self.conflicts.push(Conflict {
            place: super::place(place),
            hidden: false,
            base,
            yours,
            render,
            span,
        });
    }
}

fn same_kind(a: &Node, b: &Node) -> bool {
    matches!(
        (&a.kind, &b.kind),
        (Kind::Map(_), Kind::Map(_)) | (Kind::Seq(_), Kind::Seq(_))
    )
}
