//! One samehand, one application, one proxy before them, and people with browsers.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    chromium::{Chromium, Kind, Tab, Window},
    road::Road,
    support::{
        CLIENT,
        backend::Backend,
        caddy, nginx,
        samehand::Samehand,
        shipped::{self, Proxy},
        traefik,
        waiting::until,
    },
};

const PATIENCE: Duration = Duration::from_secs(20);

/// samehand's pages at a host of their own, the application at another one.
pub(crate) const HTTPS: &[(&str, &str)] = &[("PUBLIC_URL", "https://auth.example.com")];
/// Everything at one host.
pub(crate) const ONE_HOST: &[(&str, &str)] = &[("PUBLIC_URL", "https://app.example.com"), ("COOKIE_DOMAIN", "host")];

/// Everything that a person's browser meets.
pub(crate) struct World {
    pub(crate) samehand: Samehand,
    pub(crate) application: Backend,
    pub(crate) proxy: Proxy,
    pub(crate) road: Road,
    chromium: Arc<Chromium>,
}

impl World {
    /// Plays a scenario behind each proxy, over https, with these settings of samehand. alice may sign in.
    ///
    /// All three at once: what takes its time in a scenario is mostly that time has to pass.
    pub(crate) fn each(settings: &[(&str, &str)], scenario: impl Fn(&mut Self) + Sync) {
        thread::scope(|scope| {
            for kind in [shipped::Kind::Nginx, shipped::Kind::Traefik, shipped::Kind::Caddy] {
                let (scenario, settings) = (&scenario, settings);
                let play = move || {
                    let mut world = Self::start(kind, settings);
                    scenario(&mut world);
                    assert!(world.samehand.process.is_alive(), "samehand ended:\n{}", world.samehand.process.log());
                    assert!(world.proxy.process.is_alive(), "the proxy ended:\n{}", world.proxy.process.log());
                };
                thread::Builder::new().name(format!("behind {kind:?}")).spawn_scoped(scope, play).expect("a thread");
            }
        });
    }

    fn start(kind: shipped::Kind, settings: &[(&str, &str)]) -> Self {
        let chromium = Chromium::shared();
        let samehand = Samehand::start(settings);
        samehand.add_user("alice", &["--group", "staff", "--display-name", "Alice Doe"]);
        let application = Backend::start();
        let (authority, tcp, behind) = (&chromium.authority, &samehand.tcp, application.address);
        let proxy = match kind {
            shipped::Kind::Nginx => nginx::start_https(authority, &samehand.unix, behind),
            shipped::Kind::Traefik => traefik::start_https(authority, tcp, behind),
            shipped::Kind::Caddy => caddy::start_https(authority, tcp, behind),
        };
        let road = Road::build(CLIENT, shipped::tcp(&proxy.address));
        Self { samehand, application, proxy, road, chromium }
    }

    /// Waits until something holds that another process has to hear of first.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, holds: impl FnMut() -> bool) {
        until(Instant::now(), PATIENCE, what, holds);
    }

    /// Opens the page until it leads to the sign-in page, and that gives this reason. For the first ten seconds after a
    /// sign-in it takes the reason for a fault of the set-up, and says that.
    #[track_caller]
    pub(crate) fn until_asked_to_sign_in(&self, tab: &Tab, address: &str, reason: &str) {
        self.until("the page asks to sign in, and says why", || {
            tab.open(address);
            tab.title().starts_with("Sign in") && tab.text().contains(reason)
        });
    }

    /// Somebody's browser, as most people have it.
    #[track_caller]
    pub(crate) fn window(&self) -> Window {
        self.window_of(Kind::default())
    }

    /// Somebody's browser.
    #[track_caller]
    pub(crate) fn window_of(&self, kind: Kind) -> Window {
        Window::open(&self.chromium, Some(self.road.address), kind)
    }
}
