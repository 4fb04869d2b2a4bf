//! The labels of `traefik/docker-compose.yml`, translated one to one into the form of Traefik's file provider.
//!
//! What the Docker provider would look up is filled in: the address of a container for its port, and the name of the
//! provider behind an @. Each host has every name. Nothing else is added, left out or corrected.

use std::{net::SocketAddr, path::Path};

use serde_json::{Map, Value, json};

/// Options that hold several values, which labels separate by commas.
const LISTS: [&str; 5] =
    ["entrypoints", "middlewares", "authrequestheaders", "authresponseheaders", "addauthcookiestoresponse"];

/// The hosts of the file, in whose place every name counts that tests use.
const HOSTS: [&str; 2] = ["app.demo.localhost", "auth.demo.localhost"];

/// The dynamic configuration. JSON is YAML.
#[track_caller]
pub(crate) fn as_file(compose: &str, samehand: SocketAddr, application: SocketAddr) -> String {
    let mut root = Value::Object(Map::new());
    for label in items(compose, "\"traefik.") {
        let (key, value) = label.split_once('=').unwrap_or_else(|| panic!("a label without a value: {label}"));
        if key == "enable" {
            assert_eq!(value, "true", "a label that takes a container away from Traefik");
            continue;
        }
        let value =
            value.replace("$$", "$").replace("samehand:9180", &samehand.to_string()).replace("@docker", "@file");
        let value =
            HOSTS.iter().fold(value, |value, host| value.replace(&format!("Host(`{host}`)"), "HostRegexp(`^`)"));
        match key.strip_suffix(".server.port") {
            None => insert(&mut root, key, typed(key, &value)),
            Some(service) => {
                let address = if service.contains(".samehand.") { samehand } else { application };
                insert(&mut root, &format!("{service}.servers"), json!([{ "url": format!("http://{address}") }]));
            }
        }
    }
    root.to_string()
}

/// The command line of the container, with the file in place of the Docker provider.
pub(crate) fn arguments(compose: &str, own: SocketAddr, dynamic: &Path) -> Vec<String> {
    let file = format!("--providers.file.filename={}", dynamic.display());
    items(compose, "--")
        .filter(|option| !option.starts_with("providers.docker"))
        .map(|option| format!("--{}", option.replace("web.address=:80", &format!("web.address={own}"))))
        .chain([file])
        .collect()
}

/// The list items of the file that start so, without that start and without the quote at the end.
fn items<'text>(compose: &'text str, start: &'text str) -> impl Iterator<Item = &'text str> {
    let item = move |line: &'text str| line.trim_start().strip_prefix("- ")?.strip_prefix(start);
    compose.lines().filter_map(item).map(|item| item.trim_end_matches('"'))
}

fn typed(key: &str, value: &str) -> Value {
    let option = key.rsplit('.').next().unwrap_or_default();
    if LISTS.contains(&option) {
        return value.split(',').collect();
    }
    // Numbers and truth are the same text in both forms.
    serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
}

fn insert(root: &mut Value, key: &str, value: Value) {
    let place = key.split('.').fold(root, |place, name| &mut place[name]);
    assert!(place.is_null(), "two labels say what {key} is");
    *place = value;
}
