//! Several sites at one proxy, by the files as they are shipped: pages on a host of their own or on that of the one
//! application, applications, and a site that has nothing to do with samehand and keeps all that it had.

use std::net::SocketAddr;

use crate::support::{
    CLIENT,
    backend::Backend,
    caddy,
    client::{Address, Reply, Request, ask},
    samehand::Samehand,
    shipped::Proxy,
    traefik,
};

use super::world::CHROME;

const OF_SAMEHAND: [&str; 6] = ["/login", "/logout", "/renew", "/account", "/whoami", "/.well-known/jwks.json"];
/// Paths that applications have, too, and that samehand has where nobody comes from outside.
const OF_APPLICATIONS: [&str; 6] = ["/", "/auth/callback", "/auth/traefik", "/auth/caddy", "/healthz", "/readyz"];
const PAGES: &str = "auth.example.com";
/// A site on the same proxy that nobody protects.
const STRANGER: &str = "grafana.example.net";

type Start = fn(&str, &Address, SocketAddr) -> Proxy;

fn behind_traefik(name: &str, samehand: &Address, application: SocketAddr) -> Proxy {
    let stranger = format!(
        "\n  routers:\n    stranger:\n      rule: \"Host(`{STRANGER}`)\"\n      service: stranger\n\
         \n  services:\n    stranger:\n      loadBalancer:\n        servers:\n          - url: \"http://{application}\"\n",
    );
    let (router, service) = stranger.split_once("\n  services:\n").expect("two sections");
    let changes = [("\n  routers:\n", format!("{router}\n")), ("\n  services:\n", format!("\n  services:\n{service}"))];
    traefik::start_as_shipped(name, samehand, application, &changes)
}

fn behind_caddy(name: &str, samehand: &Address, application: SocketAddr) -> Proxy {
    let import = "import samehand.caddy\n";
    let stranger =
        format!("{import}\nhttp://{STRANGER}:8080 {{\n\tbind 127.0.0.1\n\treverse_proxy {application}\n}}\n");
    caddy::start_as_shipped(name, samehand, application, &[(import, stranger)])
}

#[test]
fn traefik_keeps_sites_apart() {
    each_site_has_its_own(behind_traefik, traefik::FILES);
}

#[test]
fn where_the_entry_point_of_traefik_asks_no_router_can_forget_it() {
    let samehand = Samehand::start(&[("PUBLIC_URL", "https://auth.example.com:8443")]);
    samehand.add_user("alice", &[]);
    let application = Backend::start();
    let forgotten = "\n  routers:\n    forgotten:\n      rule: \"PathPrefix(`/api`)\"\n      priority: 5000\n      service: application\n";
    let stranger = format!(
        "{forgotten}    stranger:\n      entryPoints: [open]\n      rule: \"Host(`{STRANGER}`)\"\n      service: application\n",
    );
    let changes = [("\n  routers:\n", stranger)];
    let (proxy, open) = traefik::start_closed_by_default(&samehand.tcp, application.address, &changes);
    let token = samehand.mint("alice", CLIENT, CHROME);
    let mut sites = Sites { samehand, application, proxy, token };
    for path in OF_SAMEHAND.iter().chain(&OF_APPLICATIONS).chain(&["/api/x"]) {
        sites.is_protected("app.example.com", path);
    }
    sites.is_protected("nobody.example.org", "/api/x");
    sites.proxy.address = open;
    sites.pages_are_all_there_is_on_their_host();
    sites.a_stranger_keeps_everything();
    let (reply, seen) = sites.ask("app.example.com", Request::get("/"));
    assert_eq!((reply.status, seen), (404, false), "the application is not there: {reply:?}");
}

#[test]
fn pages_that_are_not_published_are_told_once_and_lead_nowhere() {
    for (start, name, line) in [
        (behind_traefik as Start, traefik::FILES[0], "rule: Host(`app.example.com`) && (Path(`/login`)"),
        (behind_caddy as Start, caddy::FILES[0], "import samehand_with_pages"),
    ] {
        // Where the proxy protects everything.
        let sites = Sites::start(name, start, "app.example.com");
        for _ in 0..2 {
            let page = Request::get("/login").header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html");
            let (reply, seen) = sites.ask("app.example.com", page);
            assert_eq!((reply.header("Location"), seen), (None, false), "{name}: {reply:?}");
            assert!(reply.status >= 400, "{name}: {reply:?}");
        }
        let told = |text: &str| text.contains("level=warn") && text.contains(line);
        sites.samehand.process.wait_for("the advice", |text| told(text).then_some(()));
        assert_eq!(sites.samehand.process.log().lines().filter(|text| told(text)).count(), 1, "{name}");
    }
}

#[test]
fn caddy_keeps_sites_apart() {
    each_site_has_its_own(behind_caddy, caddy::FILES);
}

#[track_caller]
fn each_site_has_its_own(start: Start, [several, one]: [&str; 2]) {
    let sites = Sites::start(several, start, PAGES);
    sites.pages_are_all_there_is_on_their_host();
    for host in ["app.example.com", "wiki.example.com"] {
        for path in OF_SAMEHAND.iter().chain(&OF_APPLICATIONS) {
            sites.is_protected(host, path);
        }
    }
    sites.a_stranger_keeps_everything();
    sites.the_port_of_the_address_counts();

    let sites = Sites::start(one, start, "app.example.com");
    for path in OF_SAMEHAND {
        sites.is_of_samehand("app.example.com", path);
    }
    for path in OF_APPLICATIONS {
        sites.is_protected("app.example.com", path);
    }
    sites.a_stranger_keeps_everything();
}

struct Sites {
    samehand: Samehand,
    application: Backend,
    proxy: Proxy,
    token: String,
}

impl Sites {
    #[track_caller]
    fn start(name: &str, start: Start, pages: &str) -> Self {
        let samehand = Samehand::start(&[("PUBLIC_URL", &format!("https://{pages}"))]);
        samehand.add_user("alice", &[]);
        let application = Backend::start();
        let proxy = start(name, &samehand.tcp, application.address);
        let token = samehand.mint("alice", CLIENT, CHROME);
        Self { samehand, application, proxy, token }
    }

    /// The answer, and whether the application saw the request.
    fn ask(&self, host: &str, request: Request) -> (Reply, bool) {
        let before = self.application.seen().requests;
        let reply = ask(CLIENT, &self.proxy.address, &request.host(host).header("User-Agent", CHROME));
        (reply, self.application.seen().requests > before)
    }

    #[track_caller]
    fn is_protected(&self, host: &str, path: &str) {
        let (reply, seen) = self.ask(host, Request::get(path));
        assert_eq!((reply.status, seen), (401, false), "{host}{path} without a token: {reply:?}");
        let (reply, seen) = self.ask(host, Request::get(path).bearer(&self.token).header("X-WebAuth-User", "root"));
        assert_eq!((reply.status, seen), (200, true), "{host}{path}: {reply:?}");
        let told = self.application.seen();
        assert_eq!(told.all("Remote-User"), ["alice"], "{host}{path}");
        assert_eq!(told.all("X-WebAuth-User").concat(), "", "{host}{path}: a claim of the client");
        assert_eq!((told.target(), told.all("Host")), (path, vec![host]), "{host}{path}");
    }

    #[track_caller]
    fn is_of_samehand(&self, host: &str, path: &str) {
        let (reply, seen) = self.ask(host, Request::get(path));
        assert!(!seen, "{host}{path} went to the application");
        // Every answer of samehand says so, and none of a proxy does.
        assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{host}{path}: {reply:?}");
    }

    #[track_caller]
    fn pages_are_all_there_is_on_their_host(&self) {
        for path in OF_SAMEHAND {
            self.is_of_samehand(PAGES, path);
        }
        for path in OF_APPLICATIONS {
            let (reply, seen) = self.ask(PAGES, Request::get(path).bearer(&self.token));
            assert_eq!((reply.status, seen), (404, false), "{PAGES}{path}: {reply:?}");
            assert!(reply.all("Cache-Control").is_empty(), "{PAGES}{path} was answered by samehand: {reply:?}");
        }
    }

    #[track_caller]
    fn a_stranger_keeps_everything(&self) {
        for path in OF_SAMEHAND.iter().chain(&OF_APPLICATIONS) {
            let (reply, seen) = self.ask(STRANGER, Request::get(path).header("Authorization", "Basic YTpi"));
            assert_eq!((reply.status, seen), (200, true), "{STRANGER}{path}: {reply:?}");
            let told = self.application.seen();
            assert_eq!((told.target(), told.all("Authorization")), (*path, vec!["Basic YTpi"]), "{STRANGER}{path}");
        }
        let (reply, seen) = self.ask("nobody.example.org", Request::get("/login"));
        assert!(!seen, "a name that nobody has: {reply:?}");
    }

    /// The application learns the port that the person typed.
    #[track_caller]
    fn the_port_of_the_address_counts(&self) {
        let host = "app.example.com:5001";
        let (reply, seen) = self.ask(host, Request::get("/page").bearer(&self.token));
        assert_eq!((reply.status, seen), (200, true), "{reply:?}");
        let told = self.application.seen();
        assert_eq!((told.all("Host"), told.all("X-Forwarded-Host")), (vec![host], vec![host]));
    }
}
