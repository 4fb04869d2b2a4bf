//! Caddy with the files of `examples/caddy/`, put together into one text so that any line can be forgotten. One Caddy loads
//! one text after the other by its administration port, as `caddy reload` does.

use std::net::SocketAddr;

use tempfile::TempDir;

use crate::{
    lines::{self, Line, Slip},
    page,
    support::{
        CLIENT,
        client::{Address, Request, ask},
        process::{Process, accepts, free_address},
        shipped::{APPLICATION, SAMEHAND, file, fill_in, tcp},
    },
    world::{Application, Open, Outcome, World},
};

const COMMON: &str = "examples/caddy/samehand.caddy";
const IMPORT: &str = "import samehand.caddy\n";
const APP: &str = "app.example.com";
/// A path of an application, and one that would be something else to samehand if it were asked for it.
const PATHS: [&str; 2] = ["/", "/healthz"];

/// A running Caddy that takes one configuration after the other.
struct Caddy {
    own: SocketAddr,
    admin: SocketAddr,
    application: Application,
    _process: Process,
    _directory: TempDir,
}

impl Caddy {
    #[track_caller]
    fn start() -> Self {
        let (own, admin) = (free_address(), free_address());
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path();
        let mut process = Process::start_tool("caddy", |command| {
            command.arg("run").env("CADDY_ADMIN", admin.to_string());
            // It keeps its own files under the home directory.
            command.env("HOME", path).env("XDG_DATA_HOME", path).env("XDG_CONFIG_HOME", path).current_dir(path);
        });
        process.wait_until(|| accepts(admin)).expect("Caddy starts");
        Self { own, admin, application: Application::start(), _process: process, _directory: directory }
    }

    /// Runs this configuration from now on, or says that Caddy refuses it.
    fn takes(&self, world: &World, caddyfile: &str) -> bool {
        let text = fill_in(caddyfile, &[("admin off", format!("admin {}", self.admin))]);
        let text = text.replace(":8080 {", &format!(":{} {{", self.own.port()));
        let text = text.replace(APPLICATION, &self.application.address().to_string());
        let text = text.replace(SAMEHAND, &tcp(&world.samehand.tcp).to_string());
        let load = Request::post("/load", text).host(&self.admin.to_string()).header("Content-Type", "text/caddyfile");
        ask(CLIENT, &Address::Tcp(self.admin), &load).status == 200
    }

    fn outcome(&self, world: &World, caddyfile: &str, paths: &[&str]) -> Result<Outcome, Open> {
        if !self.takes(world, caddyfile) {
            return Ok(Outcome::RefusesToStart);
        }
        let tried = paths.iter().map(|path| world.try_out(&self.own.into(), &self.application, APP, path));
        // The best that any of the paths got.
        tried.collect::<Result<Vec<_>, _>>().map(|outcomes| outcomes.into_iter().max().expect("a path"))
    }
}

/// The Caddyfile with the common part in it.
fn whole(name: &str, common: &str) -> String {
    fill_in(&file(name), &[(IMPORT, common.to_owned())])
}

/// Not a line about who may connect to Caddy, which the trial itself needs.
fn is_tried(line: &Line) -> bool {
    !["admin off", "persist_config off", "bind 127.0.0.1", "{"].contains(&line.text.as_str())
}

#[test]
fn no_line_that_is_forgotten_opens_caddy() {
    let (world, caddy) = (World::start(), Caddy::start());
    let common = file(COMMON);
    let (several, one) = ("examples/caddy/Caddyfile", "examples/caddy/Caddyfile.one-host");
    for name in [several, one] {
        let untouched = caddy.outcome(&world, &whole(name, &common), &["/"]);
        assert!(matches!(untouched, Ok(Outcome::ServedRight)), "{name} with nothing forgotten: {untouched:?}");
    }
    let mut results = Vec::new();
    for name in [COMMON, several, one] {
        let text = file(name);
        for line in lines::of(name, &text).into_iter().filter(is_tried) {
            for slip in Slip::ALL {
                let Some(slipped) = lines::in_braces(&text, line.number, slip) else { continue };
                if name == one && !slipped.contains(":8080 {") {
                    // There is no site any more that could be tried.
                    continue;
                }
                let caddyfile = match name {
                    COMMON => whole(several, &slipped),
                    _ => slipped.replace(IMPORT, &common),
                };
                let paths = if slip == Slip::LeftOut && name != one { &PATHS[..] } else { &PATHS[..1] };
                results.push((line.clone(), slip, caddy.outcome(&world, &caddyfile, paths)));
            }
        }
    }
    page::hold_lines("caddy", results);
}

#[test]
fn no_slip_of_copying_opens_caddy() {
    let (world, caddy) = (World::start(), Caddy::start());
    let shipped = whole("examples/caddy/Caddyfile", &file(COMMON));
    let import = "\timport samehand 127.0.0.1:9191\n";
    let site = "http://app.example.com:8080 {\n\tbind 127.0.0.1\n\timport samehand 127.0.0.1:9191\n}\n";
    let mut results = Vec::new();
    for (what, added, path) in [
        ("one more `handle` beside the import", "handle /api/* {\n\t\treverse_proxy 127.0.0.1:9191\n\t}", "/api/x"),
        (
            "a `handle` in a `handle`",
            "handle /api/* {\n\t\thandle /api/v1/* {\n\t\t\treverse_proxy 127.0.0.1:9191\n\t\t}\n\t}",
            "/api/v1/x",
        ),
        (
            "a `handle` with a regular expression",
            "@api path_regexp ^/api\n\thandle @api {\n\t\treverse_proxy 127.0.0.1:9191\n\t}",
            "/api/x",
        ),
        ("a `handle_path`", "handle_path /api/* {\n\t\treverse_proxy 127.0.0.1:9191\n\t}", "/api/x"),
        ("a `route`", "route /api/* {\n\t\treverse_proxy 127.0.0.1:9191\n\t}", "/api/x"),
        ("a second `reverse_proxy`", "reverse_proxy /api/* 127.0.0.1:9191", "/api/x"),
        ("a `rewrite` to another path", "rewrite /api/* /login", "/api/x"),
        ("the import a second time", "import samehand 127.0.0.1:9191", "/"),
        ("`import samehand_asks` besides", "import samehand_asks", "/"),
    ] {
        for text in [
            shipped.replacen(site, &site.replace(import, &format!("{import}\t{added}\n")), 1),
            shipped.replacen(site, &site.replace(import, &format!("\t{added}\n{import}")), 1),
        ] {
            assert_ne!(text, shipped, "{what}");
            results.push((what, caddy.outcome(&world, &text, &[path])));
        }
        results.pop().filter(|(_, result)| result.is_err()).into_iter().for_each(|row| results.push(row));
    }
    for (what, with) in [
        ("the import without an address", "\timport samehand\n"),
        ("the import forgotten", ""),
        ("another name of it", "\timport samehands 127.0.0.1:9191\n"),
        (
            "`import samehand_asks` with a `reverse_proxy` of one's own",
            "\timport samehand_asks\n\treverse_proxy 127.0.0.1:9191\n",
        ),
        ("the same the other way round", "\treverse_proxy 127.0.0.1:9191\n\timport samehand_asks\n"),
    ] {
        let text = shipped.replacen(site, &site.replace(import, with), 1);
        results.push((what, caddy.outcome(&world, &text, &["/"])));
    }
    page::hold_slips("caddy-slips", results);
}
