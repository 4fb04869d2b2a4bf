//! nginx with the files of `nginx/`, put together into one text so that any line of any file can be forgotten.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tempfile::TempDir;

use crate::{
    lines::{self, Line, Slip},
    page,
    support::{
        client::Address,
        process::{Process, accepts, free_address},
        shipped::{APPLICATION, PROXY, file},
    },
    world::{Application, Open, Outcome, World},
};

const APP: &str = "app.example.com";

/// A line of the whole configuration, with the lines that brought it in: `include` lines from the outermost on, then itself.
pub(crate) struct Expanded {
    origins: Vec<Line>,
    text: String,
}

/// A file of `nginx/` with all that it includes.
#[track_caller]
pub(crate) fn expand(name: &str) -> Vec<Expanded> {
    expand_text(name, &file(name))
}

#[track_caller]
pub(crate) fn expand_text(name: &str, text: &str) -> Vec<Expanded> {
    let mut expanded = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let own = Line { file: name.to_owned(), number: at + 1, text: line.trim().to_owned() };
        let included = own.text.strip_prefix("include samehand-").and_then(|rest| rest.split(';').next());
        match included.filter(|included| !included.contains('*')) {
            Some(included) => {
                expanded.extend(expand(&format!("nginx/samehand-{included}")).into_iter().map(|mut line| {
                    line.origins.insert(0, own.clone());
                    line
                }))
            }
            None => expanded.push(Expanded { origins: vec![own], text: line.to_owned() }),
        }
    }
    expanded
}

pub(crate) fn text_of(whole: &[Expanded]) -> String {
    whole.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The whole configuration after this happened to the line, wherever its file is included.
fn slipped(whole: &[Expanded], line: &Line, slip: Slip) -> Option<String> {
    let texts: Vec<&str> = whole.iter().map(|line| line.text.as_str()).collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < whole.len() {
        let Some(depth) = whole[at].origins.iter().position(|origin| origin == line) else {
            at += 1;
            continue;
        };
        let key = &whole[at].origins[..=depth];
        let same = whole[at..].iter().take_while(|other| other.origins.starts_with(key)).count();
        let end = lines::end(&texts, at).max(at + same);
        ranges.push(at..end);
        at = end;
    }
    Some(lines::slipped(&texts, ranges, slip)?.join("\n"))
}

/// nginx that runs with this configuration, or `None` when it refuses to start.
fn start(directory: &Path, address: SocketAddr, configuration: &str) -> Option<Process> {
    let path = directory.join("nginx.conf");
    fs::write(&path, configuration).expect("a file in the temporary directory");
    let mut process = Process::start_tool("nginx", |command| {
        let ours = format!("daemon off; master_process off; pid {}/pid;", directory.display());
        command.args(["-e", "stderr", "-g", &ours, "-c"]).arg(&path).arg("-p").arg(directory);
    });
    match process.wait_until(|| accepts(address)) {
        Ok(()) => Some(process),
        Err(said) if said.contains("in use") => panic!("{address} is taken: {said}"),
        Err(_) => None,
    }
}

/// The configuration with addresses filled in where it names the defaults.
fn fill(
    configuration: &str,
    directory: &Path,
    world: &World,
    address: SocketAddr,
    application: &Application,
) -> String {
    let Address::Unix(socket) = &world.samehand.unix else { panic!("a Unix socket") };
    let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!(" {what}_temp_path {}/{what};", directory.display()))
        .concat();
    configuration
        .replace(PROXY, &address.to_string())
        .replace(APPLICATION, &application.address().to_string())
        .replace("/run/samehand/samehand.sock", &socket.display().to_string())
        .replacen("http {", &format!("http {{ access_log off;{places}"), 1)
}

/// Runs each configuration and says what came of it, on as many threads as there are cores.
pub(crate) fn try_all<T: Sync>(
    world: &World,
    rows: &[(T, String)],
    check: impl Fn(&T, &Address, &Application) -> Result<Outcome, Open> + Sync,
) -> Vec<Result<Outcome, Open>> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let (application, address) = (Application::start(), free_address());
                let directory = TempDir::new().expect("a temporary directory");
                while let Some((row, text)) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let text = fill(text, directory.path(), world, address, &application);
                    let result = match start(directory.path(), address, &text) {
                        None => Ok(Outcome::RefusesToStart),
                        Some(_running) => check(row, &address.into(), &application),
                    };
                    let at = rows.iter().position(|(other, _)| std::ptr::eq(other, row)).expect("one of them");
                    results.lock().expect("no worker panics").push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no worker panics");
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Every line of ours that can be forgotten: not the example's own lines about addresses.
fn own_lines(whole: &[Expanded]) -> Vec<Line> {
    let mut known: Vec<Line> = Vec::new();
    for origin in whole.iter().flat_map(|line| &line.origins) {
        // Without `listen` nginx would listen to everybody.
        let is_own = origin.text != "}" && !lines::is_comment(&origin.text) && !origin.text.starts_with("listen ");
        if is_own && !known.contains(origin) {
            known.push(origin.clone());
        }
    }
    known.sort();
    known
}

#[test]
fn no_line_that_is_forgotten_opens_nginx() {
    let world = World::start();
    let whole = expand("nginx/nginx.conf");
    let mut rows = vec![(None, text_of(&whole))];
    for line in own_lines(&whole) {
        for slip in Slip::ALL {
            let text = slipped(&whole, &line, slip).filter(|text| text.contains(&format!("listen {PROXY}")));
            rows.extend(text.map(|text| (Some((line.clone(), slip)), text)));
        }
    }
    let results = try_all(&world, &rows, |_, proxy, application| world.try_out(proxy, application, APP, "/"));
    let mut results = rows.into_iter().map(|(row, _)| row).zip(results);
    let untouched = results.next();
    assert!(matches!(untouched, Some((None, Ok(Outcome::ServedRight)))), "with nothing forgotten: {untouched:?}");
    let results = results.map(|(row, result)| {
        let (line, slip) = row.expect("a line");
        (line, slip, result)
    });
    page::hold_lines("nginx", results.collect());
}
