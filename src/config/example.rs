//! stub until the generated example is merged
/// What to fill in.
pub enum Fill {
    /// Placeholders.
    Placeholders,
    /// Values of a demo; the function makes a secret for a key.
    Demo(Box<dyn Fn(&str) -> String>),
}
/// The text.
pub fn text(fill: &Fill) -> String {
    let secret = |key: &str| match fill {
        Fill::Placeholders => "x".to_owned(),
        Fill::Demo(make) => make(key),
    };
    let node = |i: u8, c: bool| {
        format!(
            "  - name: k8s-{i}\n    address: 10.10.10.{}\n    controller: {c}\n    disk: /dev/sda\n    mac_addr: bc:24:11:0a:00:0{i}\n    schematic_id: 376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba\n",
            10 + i
        )
    };
    format!(
        "# yaml-language-server: $schema=.clusterwright/cluster.schema.json\nnode_cidr: 10.10.10.0/24\ncluster_api_addr: 10.10.10.254\ncluster_gateway_addr: 10.10.10.252\ncluster_dns_gateway_addr: 10.10.10.253\ncloudflare_gateway_addr: 10.10.10.251\nrepository_name: example/home-ops\ncloudflare_domain: example.com\ncloudflare_token: {}\nmonitoring_enabled: true\ngrafana_admin_password: {}\nloki_enabled: true\ntracing_enabled: true\nhubble_enabled: true\nstorage_class_external: true\nnodes:\n{}{}{}{}",
        secret("cloudflare_token"),
        secret("grafana_admin_password"),
        node(1, true),
        node(2, true),
        node(3, true),
        node(4, false)
    )
}
