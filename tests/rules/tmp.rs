#[test]
fn tmp_all() {
    let mut all = std::collections::BTreeMap::<String, Vec<String>>::new();
    for f in std::fs::read_dir("/tmp/rules/trees").unwrap() {
        let f = f.unwrap().path();
        let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&f).unwrap()).unwrap();
        let tree = json["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| {
                (
                    f["path"].as_str().unwrap().to_owned(),
                    f["text"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        for x in super::findings(&tree) {
            all.entry(x)
                .or_default()
                .push(f.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    for (k, v) in all {
        println!("{k}\n    {} {:?}", v.len(), &v[..v.len().min(3)]);
    }
}
