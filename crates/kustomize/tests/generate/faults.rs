//! Trees that kustomize refuses, and some that only look so.

use super::Generator;

const OVERLAY: [&str; 3] = [
    "overlay/kustomization.yaml",
    "overlay/kustomization.yml",
    "overlay/Kustomization",
];

impl Generator {
    fn overlay_file(&self) -> String {
        let found = OVERLAY.iter().find(|path| self.tree.files.contains_key(**path));
        (*found.expect("there is an overlay")).to_owned()
    }

    fn add_line(&mut self, line: &str) {
        let path = self.overlay_file();
        if let Some(text) = self.tree.files.get_mut(&path) {
            text.extend_from_slice(line.as_bytes());
        }
    }

    fn replace(&mut self, from: &str, to: &str) {
        let path = self.overlay_file();
        if let Some(text) = self.tree.files.get_mut(&path) {
            let changed = String::from_utf8_lossy(text).replacen(from, to, 1);
            *text = changed.into_bytes();
        }
    }

    /// Breaks the overlay, or does something that is allowed and looks like that.
    pub fn break_something(&mut self) {
        let fault = self.dice.below(20);
        self.feature(match fault {
            0..=3 => "fault: files",
            4..=7 => "fault: build file",
            8..=11 => "fault: manifests",
            12..=15 => "fault: folders",
            _ => "fault: text",
        });
        match fault {
            0 => self.replace("../base", "../nothing"),
            1 => self.replace("../base", "../base/nothing.yaml"),
            2 => self.replace("- ../base", "- ../base/file-0.yaml"),
            3 => self.add_line("crds: [nothing.yaml]\n"),
            4 => self.add_line("unknownField: 1\n"),
            5 => self.add_line("helmGlobals: {}\nvalidators: []\nResources: []\n"),
            6 => self.add_line("openapi: 3\n"),
            7 => self.add_line("metadata: {name: x, other: y}\n"),
            8 => self.put("base/file-0.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"),
            9 => self.put("base/file-0.yaml", "apiVersion: v1\nmetadata: {name: x}\n"),
            10 => self.put("base/file-0.yaml", "# nothing\n"),
            11 => self.put(
                "base/file-0.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n",
            ),
            12 => self.replace("../base", ".."),
            13 => self.put("overlay/kustomization.yml", "resources: []\n"),
            14 => {
                self.put("base/back/kustomization.yaml", "resources: [../../overlay]\n");
                self.replace("../base", "../base/back");
            }
            15 => {
                self.put("base/inner/kustomization.yaml", "resources: [..]\n");
                self.replace("../base", "../base/inner");
            }
            16 => self.put("base/file-0.yaml", "a: [1\n"),
            17 => self.put("base/file-0.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: n}\ndata: {1: a, true: b}\n"),
            18 => self.put("base/file-0.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: n}\ndata: {a: 1, a: 2}\n"),
            _ => self.put("base/file-0.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: n}\ndata: {a: *none}\n"),
        }
    }
}
