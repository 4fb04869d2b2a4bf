//! The demo of DPoP, `examples/dpop/browser`, with the configurations that stand beside it. Nothing in it is changed but
//! paths and addresses, and, where the pages have an origin of their own, the line that names the application's.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::json;
use tempfile::TempDir;

use crate::chromium::Tab;
use crate::support::{
    authority::Authority,
    caddy, nginx,
    process::Process,
    samehand::Samehand,
    shipped::{Kind, Proxy, file, fill_in},
    traefik,
};

/// The origin of the application.
pub(crate) const APPLICATION: &str = "https://app.example.com";

/// The pages, as files that a proxy may serve.
pub(crate) struct Demo {
    kind: Kind,
    directory: TempDir,
    /// Serves the files for a proxy that does not.
    server: Option<(Process, SocketAddr)>,
}

impl Demo {
    #[track_caller]
    pub(crate) fn new(kind: Kind) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        for name in ["index.html", "demo.js", "dpop.js"] {
            let mut text = file(Path::new("examples/dpop/browser").join(name));
            if kind == Kind::Traefik && name == "index.html" {
                let named = format!("name=\"server\" content=\"{APPLICATION}\"");
                text = fill_in(&text, &[("name=\"server\" content=\"\"", named)]);
            }
            fs::write(directory.path().join(name), text).expect("a file in the temporary directory");
        }
        let server = (kind == Kind::Traefik).then(|| caddy::serve_files(directory.path()));
        Self { kind, directory, server }
    }

    /// Where its page is.
    pub(crate) fn address(kind: Kind) -> &'static str {
        match kind {
            Kind::Nginx | Kind::Caddy => "https://app.example.com/demo/",
            Kind::Traefik => "https://demo.example.com/",
        }
    }

    /// Starts the proxy with the shipped configuration and what the demo adds to it.
    #[track_caller]
    pub(crate) fn start_proxy(&self, authority: &Authority, samehand: &Samehand, application: SocketAddr) -> Proxy {
        match self.kind {
            Kind::Nginx => {
                let pages = self.filled_in("nginx.conf", "/srv/demo/", format!("{}/", self.directory.path().display()));
                let before = "        location / {\n            # Opens this location";
                let changes = [(before, format!("{pages}{before}"))];
                nginx::start_https_with(authority, &samehand.unix, application, &changes)
            }
            Kind::Caddy => {
                let pages = self.filled_in("Caddyfile", "/srv/demo", self.directory.path().display().to_string());
                let whole = format!("import samehand_with_pages {application}");
                let changes = [(whole.as_str(), format!("{pages}\nhandle {{\n{whole}\n}}"))];
                caddy::start_https_with(authority, &samehand.tcp, application, &changes)
            }
            Kind::Traefik => {
                let (_, server) = self.server.as_ref().expect("Traefik serves no files");
                let pages = self.filled_in("traefik.yml", "127.0.0.1:9292", server.to_string());
                let mut changes = vec![
                    ("middlewares: [samehand]", "middlewares: [other-origin, samehand]".to_owned()),
                    ("priority: 1000\n", "priority: 1000\n      middlewares: [other-origin]\n".to_owned()),
                ];
                let sections = ["\n  routers:\n", "\n  middlewares:\n", "\n  services:\n"];
                changes.extend(sections.map(|head| (head, format!("{head}{}\n", section(&pages, head).trim_end()))));
                traefik::start_https_with(authority, &samehand.tcp, application, &changes)
            }
        }
    }

    #[track_caller]
    fn filled_in(&self, name: &str, from: &str, to: String) -> String {
        fill_in(&file(Path::new("examples/dpop/browser").join(name)), &[(from, to)])
    }
}

/// What a page with a script takes: it stays, and says something else.
impl Tab {
    /// Waits until the page says this.
    #[track_caller]
    pub(crate) fn comes_to_say(&self, text: &str) {
        self.ask("comesToSay", json!({ "text": text }));
    }

    /// Presses the button of this name, which leads to no page.
    #[track_caller]
    pub(crate) fn press_here(&self, name: &str) {
        self.ask("clickHere", json!({ "name": name }));
    }
}

/// What stands below this line, up to the next one that is not further in.
#[track_caller]
fn section<'a>(text: &'a str, head: &str) -> &'a str {
    let (_, below) = text.split_once(head).unwrap_or_else(|| panic!("{head} is missing"));
    below.split_once("\n\n").map_or(below, |(section, _)| section)
}
