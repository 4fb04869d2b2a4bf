//! Traefik with the files of `traefik/`. One Traefik watches one file, in which one text after the other is written; each
//! text has a router of its own by whose answer it shows that Traefik has taken it over.

use std::{cell::Cell, collections::BTreeSet, fs, net::SocketAddr, path::PathBuf, time::Duration, time::Instant};

use tempfile::TempDir;

use crate::{
    lines::{self, Line, Slip},
    page,
    support::{
        CLIENT,
        client::{Request, ask},
        compose_labels,
        process::{Process, accepts, free_address},
        shipped::{APPLICATION, PROXY, SAMEHAND, file, fill_in, tcp},
        waiting::until,
    },
    world::{Application, Open, Outcome, World},
};

const DYNAMIC: &str = "traefik/dynamic.yml";
const STATIC: &str = "traefik/traefik.yml";
const COMPOSE: &str = "traefik/docker-compose.yml";
const APP: &str = "app.example.com";
const ROUTERS: &str = "\n  routers:\n";
const PATIENCE: Duration = Duration::from_secs(60);
/// What Traefik says of a file that it cannot read.
const REFUSED: &str = "watcher callback";
/// The one line without which a router is open. docs/traefik.md opens with it.
const ASKS: &str = "middlewares: [samehand]";

/// A running Traefik that takes one dynamic configuration after the other.
struct Traefik {
    own: SocketAddr,
    application: Application,
    dynamic: PathBuf,
    turn: Cell<usize>,
    process: Process,
    _directory: TempDir,
}

impl Traefik {
    /// With this static configuration; `None` when it does not start with it.
    #[track_caller]
    fn start(world: &World, static_configuration: &str, dynamic_configuration: &str) -> Option<Self> {
        let (own, application) = (free_address(), Application::start());
        let directory = TempDir::new().expect("a temporary directory");
        let (path, dynamic) = (directory.path().join("traefik.yml"), directory.path().join("dynamic.yml"));
        let changes = [(PROXY, own.to_string()), (DYNAMIC, dynamic.display().to_string())];
        let text = changes.iter().fold(static_configuration.to_owned(), |text, (from, to)| text.replace(from, to));
        let text = text.replace("\nproviders:\n", "\nproviders:\n  providersThrottleDuration: 1ms\n");
        fs::write(&path, text).expect("a temporary file");
        fs::write(&dynamic, filled_in(world, &application, dynamic_configuration, 0)).expect("a temporary file");
        let mut process = Process::start_tool("traefik", |command| {
            command.arg(format!("--configFile={}", path.display()));
        });
        process.wait_until(|| accepts(own)).ok()?;
        let this = Self { own, application, dynamic, turn: Cell::new(0), process, _directory: directory };
        Some(this)
    }

    fn marks(&self, turn: usize) -> bool {
        ask(CLIENT, &self.own.into(), &Request::get("/").host(&marker(turn))).status == 418
    }

    /// Runs this configuration from now on, or says that Traefik refuses it.
    #[track_caller]
    fn takes(&self, world: &World, text: &str) -> bool {
        let turn = self.turn.get() + 1;
        self.turn.set(turn);
        let refusals = || self.process.log().matches(REFUSED).count();
        let before = refusals();
        let next = self.dynamic.with_file_name("next");
        fs::write(&next, filled_in(world, &self.application, text, turn)).expect("a temporary file");
        // At once, so that Traefik does not read half of it.
        fs::rename(&next, &self.dynamic).expect("in its place");
        let mut refused = false;
        until(Instant::now(), PATIENCE, "Traefik takes the file or refuses it", || {
            refused = refusals() > before;
            refused || self.marks(turn)
        });
        // What came in between was for the text before.
        self.application.take_requests();
        !refused
    }

    #[track_caller]
    fn outcome(&self, world: &World, text: &str, path: &str) -> Result<Outcome, Open> {
        if !self.takes(world, text) {
            return Ok(Outcome::RefusesToStart);
        }
        world.try_out(&self.own.into(), &self.application, APP, path)
    }
}

fn marker(turn: usize) -> String {
    format!("turn-{turn}.example.net")
}

/// With addresses, and a router that says which text it is.
fn filled_in(world: &World, application: &Application, text: &str, turn: usize) -> String {
    let text = text.replace(APPLICATION, &application.address().to_string());
    let text = text.replace(SAMEHAND, &tcp(&world.samehand.tcp).to_string());
    let own = format!(
        "    turn:\n      rule: \"Host(`{}`)\"\n      priority: 100000\n      service: noop@internal\n",
        marker(turn),
    );
    text.replacen(ROUTERS, &format!("{ROUTERS}{own}"), 1)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Behind the last line of what begins on this line: what is further in, lists over several lines included.
fn end(lines: &[&str], index: usize) -> usize {
    let deeper = |line: &&&str| lines::is_comment(line) || indent(line) > indent(lines[index]);
    let mut end = index + 1 + lines[index + 1..].iter().take_while(deeper).count();
    while end > index + 1 && lines::is_comment(lines[end - 1]) {
        end -= 1;
    }
    end
}

/// The lines of a YAML file that can be forgotten. What goes on with a list belongs to the line that begins it.
fn of(name: &str, text: &str) -> Vec<Line> {
    let mut is_inside = false;
    let mut own = Vec::new();
    for line in lines::of(name, text) {
        let begins_inside = is_inside;
        if line.text.contains(": [") || begins_inside {
            is_inside = !line.text.trim_end().ends_with(']');
        }
        if !begins_inside {
            own.push(line);
        }
    }
    own
}

/// The text after this happened to the line of this number. `None`: it cannot stand further out.
fn in_yaml(text: &str, number: usize, slip: Slip) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let start = number - 1;
    let end = end(&lines, start);
    let (before, own, after) = (&lines[..start], &lines[start..end], &lines[end..]);
    let moved = || own.iter().map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned());
    let strings = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let whole = match slip {
        Slip::LeftOut => [strings(before), strings(after)].concat(),
        Slip::Doubled => [strings(before), strings(own), strings(own), strings(after)].concat(),
        Slip::OneLevelUp => {
            let is_outer = |line: &&str| !lines::is_comment(line) && indent(line) < indent(lines[start]);
            let opener = before.iter().rposition(is_outer)?;
            [strings(&before[..opener]), moved().collect(), strings(&before[opener..]), strings(after)].concat()
        }
    };
    Some(whole.join("\n") + "\n")
}

/// What people may forget and nothing closes is named, and is nothing but the line of the router.
fn named_if_known(line: &Line, slip: Slip, result: Result<Outcome, Open>) -> Result<Outcome, Open> {
    let is_the_router = line.text == ASKS || line.text.contains("routers.application.middlewares=");
    match result {
        Err(Open(_)) if is_the_router && slip != Slip::Doubled => Ok(Outcome::Open),
        Ok(_) | Err(_) => result,
    }
}

#[test]
fn no_line_but_that_of_the_router_opens_traefik() {
    let world = World::start();
    let traefik = Traefik::start(&world, &file(STATIC), &file(DYNAMIC)).expect("Traefik starts");
    let (mut results, mut tried) = (Vec::new(), BTreeSet::new());
    for name in [DYNAMIC, "traefik/one-host.yml", "traefik/behind-load-balancer/dynamic.yml"] {
        let text = file(name);
        let untouched = traefik.outcome(&world, &text, "/");
        assert!(matches!(untouched, Ok(Outcome::ServedRight)), "{name} with nothing forgotten: {untouched:?}");
        for line in of(name, &text) {
            // What the files have in common is tried in the first; the middleware's router in each.
            if line.text != ASKS && tried.contains(&line.text) {
                continue;
            }
            for slip in Slip::ALL {
                let Some(slipped) = in_yaml(&text, line.number, slip) else { continue };
                let result = if slipped.contains(ROUTERS) {
                    traefik.outcome(&world, &slipped, "/")
                } else {
                    // Nothing of it can show that it was taken over.
                    let alone = Traefik::start(&world, &file(STATIC), &slipped).expect("Traefik starts");
                    world.try_out(&alone.own.into(), &alone.application, APP, "/")
                };
                results.push((line.clone(), slip, named_if_known(&line, slip, result)));
            }
        }
        tried.extend(of(name, &text).into_iter().map(|line| line.text));
    }
    let labels = file(COMPOSE);
    for line in lines::of(COMPOSE, &labels) {
        if !line.text.starts_with("- \"traefik.http.") {
            continue;
        }
        let without = in_yaml(&labels, line.number, Slip::LeftOut).expect("a line less");
        let json = compose_labels::as_file(&without, tcp(&world.samehand.tcp), traefik.application.address());
        let result = traefik.outcome(&world, &as_yaml(&json), "/");
        results.push((line.clone(), Slip::LeftOut, named_if_known(&line, Slip::LeftOut, result)));
    }
    page::hold_lines("traefik", results);
}

/// JSON is YAML, but for the place at which the router of the trial goes in.
fn as_yaml(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let sections = value["http"].as_object().expect("a section").iter();
    let sections = sections.map(|(section, entries)| {
        let entries = entries.as_object().expect("entries").iter();
        let entries: String = entries.map(|(name, entry)| format!("    {name}: {entry}\n")).collect();
        format!("  {section}:\n{entries}")
    });
    format!("\nhttp:\n{}", sections.collect::<String>())
}

#[test]
fn no_line_of_the_static_configuration_opens_traefik() {
    let world = World::start();
    let text = file(STATIC);
    let mut results = Vec::new();
    for line in of(STATIC, &text) {
        // Without its address Traefik would listen to everybody, and without its file it has nothing to do.
        let is_tried = ![
            "address:",
            "web:",
            "entryPoints:",
            "filename:",
            "file:",
            "providers:",
            "global:",
            "checkNew",
            "sendAnon",
        ]
        .iter()
        .any(|start| line.text.starts_with(start));
        for slip in Slip::ALL.into_iter().filter(|_| is_tried) {
            let Some(slipped) = in_yaml(&text, line.number, slip) else { continue };
            let result = match Traefik::start(&world, &slipped, &file(DYNAMIC)) {
                None => Ok(Outcome::RefusesToStart),
                Some(traefik) => {
                    until(Instant::now(), PATIENCE, "Traefik takes its file", || traefik.marks(0));
                    world.try_out(&traefik.own.into(), &traefik.application, APP, "/")
                }
            };
            results.push((line.clone(), slip, result));
        }
    }
    page::hold_lines("traefik-static", results);
}

#[test]
fn no_slip_of_copying_with_the_line_opens_traefik() {
    let world = World::start();
    let shipped = file(DYNAMIC);
    let traefik = Traefik::start(&world, &file(STATIC), &shipped).expect("Traefik starts");
    let router = |rule: &str, middlewares: &str| {
        format!("    more:\n      rule: \"{rule}\"\n      {middlewares}\n      service: application\n")
    };
    let mut results = Vec::new();
    for (what, added, path) in [
        ("one more router for a path", router("Host(`app.example.com`) && PathPrefix(`/api`)", ASKS), "/api/x"),
        ("one with a regular expression", router("Host(`app.example.com`) && PathRegexp(`^/api`)", ASKS), "/api/x"),
        ("one for every host", router("PathPrefix(`/api`)", ASKS), "/api/x"),
        (
            "a name that nobody declared",
            router("Host(`app.example.com`) && PathPrefix(`/api`)", "middlewares: [samehands]"),
            "/api/x",
        ),
        (
            "the name of another provider",
            router("Host(`app.example.com`) && PathPrefix(`/api`)", "middlewares: [samehand@docker]"),
            "/api/x",
        ),
        (
            "the middleware twice",
            router("Host(`app.example.com`) && PathPrefix(`/api`)", "middlewares: [samehand, samehand]"),
            "/api/x",
        ),
        (
            "`middleware` for `middlewares`",
            router("Host(`app.example.com`) && PathPrefix(`/api`)", "middleware: [samehand]"),
            "/api/x",
        ),
    ] {
        let text = fill_in(&shipped, &[(ROUTERS, format!("{ROUTERS}{added}"))]);
        results.push((what, traefik.outcome(&world, &text, path)));
    }
    let open = router("Host(`app.example.com`) && PathPrefix(`/api`)", "priority: 50");
    let text = fill_in(&shipped, &[(ROUTERS, format!("{ROUTERS}{open}"))]);
    let result = traefik.outcome(&world, &text, "/api/x");
    assert!(result.is_err(), "docs/traefik.md says that it is open: {result:?}");
    results.push(("one more router without the middleware", Ok(Outcome::Open)));
    page::hold_slips("traefik-slips", results);
}
