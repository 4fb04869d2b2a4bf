//! The real Chromium: one for all tests that run at the same time, and a window with cookies of its own for each person.
//!
//! `driver/driver.js` speaks to the browser. What a test asks for goes there as one line of JSON, and the answer comes
//! back as one; a page that does not do what a test expects of it makes that test fail with what the driver says.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, Weak,
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{cookie::Cookie, support::authority::Authority};

/// Longer than the driver waits for a page.
const PATIENCE: Duration = Duration::from_secs(300);
/// Every name that a proxy of these tests has a certificate for.
const NAMES: &str = "DNS:example.com,DNS:*.example.com,DNS:*.team.example.com,DNS:*.example.net";

/// The running browser.
pub(crate) struct Chromium {
    /// Who signs the certificates that it trusts.
    pub(crate) authority: Authority,
    driver: Mutex<Driver>,
    waiting: Arc<Mutex<Waiting>>,
    process: Mutex<Child>,
    _home: TempDir,
}

/// `None` once it is closed: the driver ends with its input.
struct Driver {
    input: Option<ChildStdin>,
    asked: u64,
}

#[derive(Default)]
struct Waiting {
    tests: HashMap<u64, Sender<Value>>,
    has_ended: bool,
}

impl Chromium {
    /// The one that runs, or a new one. It ends with the last test that uses it.
    #[track_caller]
    pub(crate) fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Chromium>> = Mutex::new(Weak::new());
        // A test that failed to start one has said why; the next one tries again.
        let mut running = RUNNING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        running.upgrade().unwrap_or_else(|| {
            let chromium = Arc::new(Self::start());
            *running = Arc::downgrade(&chromium);
            chromium
        })
    }

    #[track_caller]
    fn start() -> Self {
        let (authority, home) = (Authority::new(NAMES), TempDir::new().expect("a temporary directory"));
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/driver/driver.js");
        let mut command = Command::new("node");
        command.arg(driver).arg(home.path()).arg(authority.certificate());
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let mut process = spawned.expect("node is not installed: run `make test` or scripts/install-test-tools.sh");
        let mut lines = BufReader::new(process.stdout.take().expect("stdout is piped")).lines().map_while(Result::ok);
        let ready = lines.next().unwrap_or_else(|| {
            panic!(
                "the driver said above why Chromium does not start; if something is missing, run `make test` or \
                 scripts/install-test-tools.sh"
            )
        });
        assert!(ready.contains("\"ready\""), "not what the driver begins with: {ready}");
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let tests = Arc::clone(&waiting);
        thread::spawn(move || {
            for line in lines {
                let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                let test = answer["id"].as_u64().and_then(|id| tests.lock().expect("nobody panics").tests.remove(&id));
                // A test that has failed meanwhile does not wait any more.
                test.map(|test| test.send(answer));
            }
            let mut tests = tests.lock().expect("nobody panics");
            tests.has_ended = true;
            tests.tests.clear();
        });
        let driver = Mutex::new(Driver { input: process.stdin.take(), asked: 0 });
        Self { authority, driver, waiting, process: Mutex::new(process), _home: home }
    }

    /// Has the driver do something and returns what came of it.
    #[track_caller]
    fn ask(&self, operation: &str, mut what: Value) -> Value {
        let (answers, answer) = channel();
        {
            let mut driver = self.driver.lock().expect("nobody panics with it");
            driver.asked += 1;
            what["id"] = driver.asked.into();
            what["operation"] = operation.into();
            let mut waiting = self.waiting.lock().expect("nobody panics with it");
            if !waiting.has_ended {
                waiting.tests.insert(driver.asked, answers);
            }
            drop(waiting);
            let line = format!("{what}\n");
            // A driver that has ended is noticed by the answer that does not come.
            let _ = driver.input.as_mut().expect("it is closed with the browser").write_all(line.as_bytes());
        }
        let answer = answer.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer to {what}"));
        match answer["error"].as_str() {
            Some(error) => panic!("{operation} {what}: {error}"),
            None => answer["result"].clone(),
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Its files are removed after this, so it has to have ended.
        if let Ok(driver) = self.driver.get_mut() {
            driver.input = None;
        }
        if let Ok(process) = self.process.get_mut() {
            let _ = process.wait();
        }
    }
}

/// What a window is like. The default is what most people have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) java_script: bool,
    pub(crate) dark: bool,
}

impl Default for Kind {
    fn default() -> Self {
        Self { java_script: true, dark: false }
    }
}

/// A person's browser: tabs that share cookies, which no other window sees.
pub(crate) struct Window {
    chromium: Arc<Chromium>,
    id: Value,
}

impl Window {
    /// Opens one whose connections all go to `road`; without it, to where the browser itself finds the name.
    #[track_caller]
    pub(crate) fn open(chromium: &Arc<Chromium>, road: Option<SocketAddr>, kind: Kind) -> Self {
        let what = json!({
            "socks": road.map(|road| road.to_string()),
            "javaScript": kind.java_script,
            "colorScheme": if kind.dark { "dark" } else { "light" },
        });
        Self { id: chromium.ask("window", what), chromium: Arc::clone(chromium) }
    }

    /// One more tab.
    #[track_caller]
    pub(crate) fn tab(&self) -> Tab {
        Tab { id: self.chromium.ask("tab", json!({ "window": self.id })), chromium: Arc::clone(&self.chromium) }
    }

    /// Every cookie that the browser has stored.
    #[track_caller]
    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        let cookies = self.chromium.ask("cookies", json!({ "window": self.id }));
        cookies.as_array().into_iter().flatten().map(|cookie| Cookie(cookie.clone())).collect()
    }

    /// The one cookie of this name.
    #[track_caller]
    pub(crate) fn cookie(&self, name: &str) -> Cookie {
        let mut cookies = self.cookies();
        cookies.retain(|cookie| cookie.text("name") == name);
        assert_eq!(cookies.len(), 1, "of the name {name}: {cookies:?}");
        cookies.remove(0)
    }

    /// Puts a cookie back that the browser has dropped, without a time at which it ends.
    #[track_caller]
    pub(crate) fn put_back(&self, cookie: &Cookie) {
        let mut cookie = cookie.0.clone();
        cookie["expires"] = (-1).into();
        self.has_cookie(cookie);
    }

    /// Puts a cookie into the browser as if a site had set it.
    #[track_caller]
    pub(crate) fn has_cookie(&self, cookie: Value) {
        self.chromium.ask("addCookies", json!({ "window": self.id, "cookies": [cookie] }));
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // A test that fails while the driver is gone shall say so once.
        if !thread::panicking() {
            self.chromium.ask("closeWindow", json!({ "window": self.id }));
        }
    }
}

/// A tab of a window.
pub(crate) struct Tab {
    chromium: Arc<Chromium>,
    id: Value,
}

impl Tab {
    #[track_caller]
    pub(crate) fn ask(&self, operation: &str, mut what: Value) -> Value {
        what["tab"] = self.id.clone();
        self.chromium.ask(operation, what)
    }

    #[track_caller]
    fn ask_for_text(&self, operation: &str) -> String {
        self.ask(operation, json!({})).as_str().unwrap_or_default().to_owned()
    }

    /// Goes where the address bar says; the status of the page that it ends at.
    #[track_caller]
    pub(crate) fn open(&self, address: &str) -> u64 {
        self.ask("open", json!({ "url": address })).as_u64().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn back(&self) {
        self.ask("back", json!({}));
    }

    #[track_caller]
    pub(crate) fn reload(&self) -> u64 {
        self.ask("reload", json!({})).as_u64().unwrap_or_default()
    }

    /// What the address bar shows.
    #[track_caller]
    pub(crate) fn address(&self) -> String {
        self.ask_for_text("address")
    }

    #[track_caller]
    pub(crate) fn title(&self) -> String {
        self.ask_for_text("title")
    }

    /// What a person reads on the page.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        self.ask_for_text("text")
    }

    /// Fails unless the page says this.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        let page = self.text();
        assert!(page.contains(text), "{} does not say {text:?}, but:\n{page}", self.address());
    }

    /// Fails if the page says this.
    #[track_caller]
    pub(crate) fn does_not_say(&self, text: &str) {
        let page = self.text();
        assert!(!page.contains(text), "{} says {text:?}:\n{page}", self.address());
    }

    /// Writes into the field with this label.
    #[track_caller]
    pub(crate) fn fill(&self, label: &str, text: &str) {
        self.ask("fill", json!({ "label": label, "text": text }));
    }

    /// What stands in the field with this label.
    #[track_caller]
    pub(crate) fn value(&self, label: &str) -> String {
        self.ask("value", json!({ "label": label })).as_str().unwrap_or_default().to_owned()
    }

    /// Presses the button of this name, which leads to a page.
    #[track_caller]
    pub(crate) fn press(&self, name: &str) {
        self.ask("click", json!({ "role": "button", "name": name }));
    }

    /// The same for the one in the row that says `row`.
    #[track_caller]
    pub(crate) fn press_in(&self, row: &str, name: &str) {
        self.ask("clickIn", json!({ "role": "button", "name": name, "within": row }));
    }

    /// Follows the link of this name.
    #[track_caller]
    pub(crate) fn follow(&self, name: &str) {
        self.ask("click", json!({ "role": "link", "name": name }));
    }

    /// Types on the keyboard, wherever the focus is.
    #[track_caller]
    pub(crate) fn type_text(&self, text: &str) {
        self.ask("type", json!({ "text": text }));
    }

    /// Presses a key such as `Tab`.
    #[track_caller]
    pub(crate) fn key(&self, key: &str) {
        self.ask("key", json!({ "key": key }));
    }

    /// Presses a key that leads to a page.
    #[track_caller]
    pub(crate) fn key_that_leaves(&self, key: &str) {
        self.ask("keyThatLeaves", json!({ "key": key }));
    }

    /// Waits until this has the focus: a field with the label, or a button with the words. A page is given it when it is
    /// first drawn, which is after it was loaded.
    #[track_caller]
    pub(crate) fn focus_comes_to(&self, name: &str) {
        self.ask("focusComesTo", json!({ "name": name }));
    }

    /// Removes every cookie of this tab's window.
    #[track_caller]
    pub(crate) fn forget_cookies(&self) {
        self.ask("forgetCookies", json!({}));
    }

    /// Runs a script in the page and waits for what it promises.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("evaluate", json!({ "script": script }))
    }

    /// Runs a script in the page that leads to another one.
    #[track_caller]
    pub(crate) fn run_and_leave(&self, script: &str) {
        self.ask("evaluateAndLeave", json!({ "script": script }));
    }

    /// From now on the browser calls itself this.
    #[track_caller]
    pub(crate) fn calls_itself(&self, user_agent: &str) {
        self.ask("userAgent", json!({ "value": user_agent }));
    }

    /// Fails when axe finds something that keeps people out.
    #[track_caller]
    pub(crate) fn is_accessible(&self) {
        let found = self.ask("axe", json!({}));
        assert!(found["passes"].as_u64() > Some(0), "axe looked at nothing");
        assert_eq!(found["violations"], json!([]), "{}", self.address());
    }

    /// A picture of what stands on the page.
    #[track_caller]
    pub(crate) fn picture(&self, path: &PathBuf) {
        self.ask("screenshot", json!({ "path": path }));
    }

    /// A window of this size.
    #[track_caller]
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.ask("viewport", json!({ "width": width, "height": height }));
    }
}
