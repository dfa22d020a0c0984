//! Random trees for kustomize: the same for a seed everywhere, with every feature of a build file, right ones and wrong ones.

#![allow(dead_code, reason = "each of those who include this uses a part of it")]
#![allow(unreachable_pub, reason = "a module of tests, and of a tool")]

mod build_files;
mod faults;
mod manifests;
mod patches;
mod write;

use std::collections::{BTreeMap, BTreeSet};

/// A tree with the folder to build.
#[derive(Debug, Default)]
pub struct Tree {
    pub files: BTreeMap<String, Vec<u8>>,
    pub root: String,
    /// What is in it.
    pub features: BTreeSet<&'static str>,
}

/// Numbers that depend on a seed alone (splitmix64).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }

    /// Whether one of `of` comes up.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

/// What is known of an object that was written.
#[derive(Debug, Clone)]
pub struct Made {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub name: String,
    pub namespace: Option<&'static str>,
    pub labels: Vec<&'static str>,
}

impl Made {
    pub fn group(&self) -> &'static str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// A generator of one tree.
pub struct Generator {
    pub dice: Dice,
    pub tree: Tree,
}

/// Makes the tree of a seed.
pub fn generate(seed: u64) -> Tree {
    let mut generator = Generator {
        dice: Dice::new(seed),
        tree: Tree::default(),
    };
    generator.grow();
    generator.tree
}

impl Generator {
    fn grow(&mut self) {
        let base = self.base("base", false);
        let mut folders = vec!["base".to_owned()];
        let mut objects = base;
        if self.dice.one_in(3) {
            self.tree.features.insert("second base");
            objects.extend(self.base("other", false));
            folders.push("other".to_owned());
        }
        let mut components = Vec::new();
        if self.dice.one_in(3) {
            self.tree.features.insert("component");
            objects.extend(self.component("component", &objects));
            components.push("component".to_owned());
        }
        self.overlay("overlay", &folders, &components, &objects);
        "overlay".clone_into(&mut self.tree.root);
        if self.dice.one_in(4) {
            self.tree.features.insert("three levels");
            self.overlay("top", &["overlay".to_owned()], &[], &objects);
            "top".clone_into(&mut self.tree.root);
        }
        if self.dice.one_in(7) {
            self.break_something();
        }
    }

    pub fn put(&mut self, path: &str, text: impl Into<Vec<u8>>) {
        self.tree.files.insert(path.to_owned(), text.into());
    }

    pub fn feature(&mut self, name: &'static str) {
        self.tree.features.insert(name);
    }
}
