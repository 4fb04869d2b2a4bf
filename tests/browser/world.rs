//! One samehand, one application, one proxy before them, and people with browsers.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    chromium::{Chromium, Kind, Tab, Window},
    demo::Demo,
    road::Road,
    support::{
        CLIENT,
        backend::Backend,
        caddy,
        client::Address,
        nginx,
        process::free_address,
        samehand::Samehand,
        shipped::{self, Place, Proxy},
        traefik,
        waiting::until,
    },
};

const PATIENCE: Duration = Duration::from_secs(120);

/// samehand's pages at a host of their own, the application at another one.
pub(crate) const HTTPS: &[(&str, &str)] = &[("PUBLIC_URL", "https://auth.example.com")];
/// Everything at one host.
pub(crate) const ONE_HOST: &[(&str, &str)] = &[("PUBLIC_URL", "https://app.example.com"), ("COOKIE_DOMAIN", "host")];

/// Everything that a person's browser meets.
pub(crate) struct World {
    pub(crate) samehand: Samehand,
    pub(crate) road: Road,
    proxy: Proxy,
    chromium: Arc<Chromium>,
    pub(crate) application: Backend,
    /// What stands beside samehand and the application.
    _demo: Option<Demo>,
}

impl World {
    /// Plays a scenario behind each proxy, over https, with these settings of samehand. alice may sign in.
    ///
    /// All three at once: what takes its time in a scenario is mostly that time has to pass.
    pub(crate) fn each(settings: &[(&str, &str)], scenario: impl Fn(&Self) + Sync) {
        Self::each_of(|kind| Self::start(kind, settings), scenario);
    }

    /// The same with the demo of DPoP beside the application.
    pub(crate) fn each_with_demo(settings: &[(&str, &str)], scenario: impl Fn(&Self) + Sync) {
        Self::each_of(|kind| Self::start_with_demo(kind, settings), scenario);
    }

    /// The same over http, at a port, by names below `localhost`.
    pub(crate) fn each_at_localhost(scenario: impl Fn(&Self) + Sync) {
        Self::each_of(Self::start_at_localhost, scenario);
    }

    fn each_of(start: impl Fn(shipped::Kind) -> Self + Sync, scenario: impl Fn(&Self) + Sync) {
        thread::scope(|scope| {
            for kind in [shipped::Kind::Nginx, shipped::Kind::Traefik, shipped::Kind::Caddy] {
                let (start, scenario) = (&start, &scenario);
                let play = move || {
                    let mut world = start(kind);
                    scenario(&world);
                    assert!(world.samehand.process.is_alive(), "samehand ended:\n{}", world.samehand.process.log());
                    assert!(world.proxy.process.is_alive(), "the proxy ended:\n{}", world.proxy.process.log());
                };
                thread::Builder::new().name(format!("behind {kind:?}")).spawn_scoped(scope, play).expect("a thread");
            }
        });
    }

    /// Everything over https behind this proxy.
    #[track_caller]
    pub(crate) fn start(kind: shipped::Kind, settings: &[(&str, &str)]) -> Self {
        let chromium = Chromium::shared();
        let samehand = samehand_with_alice(settings);
        let application = Backend::start();
        let (authority, tcp, behind) = (&chromium.authority, &samehand.tcp, application.address);
        let proxy = match kind {
            shipped::Kind::Nginx => nginx::start_https(authority, &samehand.unix, behind),
            shipped::Kind::Traefik => traefik::start_https(authority, tcp, behind),
            shipped::Kind::Caddy => caddy::start_https(authority, tcp, behind),
        };
        Self::with(samehand, proxy, chromium, application)
    }

    /// The same with the demo of DPoP: on the application's host, and behind Traefik on one of its own.
    #[track_caller]
    pub(crate) fn start_with_demo(kind: shipped::Kind, settings: &[(&str, &str)]) -> Self {
        let (chromium, demo) = (Chromium::shared(), Demo::new(kind));
        let samehand = samehand_with_alice(settings);
        let application = Backend::start();
        let proxy = demo.start_proxy(&chromium.authority, &samehand, application.address);
        Self { _demo: Some(demo), ..Self::with(samehand, proxy, chromium, application) }
    }

    /// samehand has to know the port, which the proxy chooses, which has to know where samehand is: so samehand starts
    /// twice, at the same place.
    #[track_caller]
    fn start_at_localhost(kind: shipped::Kind) -> Self {
        let chromium = Chromium::shared();
        let samehand = samehand_with_alice(&[]);
        let Address::Unix(socket) = samehand.unix.clone() else { panic!("a Unix socket") };
        let listen = format!("{},unix:{}", free_address(), socket.display());
        let samehand = samehand.restart(&[("LISTEN", &listen)]);
        let application = Backend::start();
        let (unix, tcp, behind) = (&samehand.unix, &samehand.tcp, application.address);
        let proxy = match kind {
            shipped::Kind::Nginx => nginx::start(Place::Edge, unix, behind),
            // As the compose file has it, which is where these names are used.
            shipped::Kind::Traefik => traefik::start_with_labels(tcp, behind),
            shipped::Kind::Caddy => caddy::start(Place::Edge, tcp, behind),
        };
        let port = shipped::tcp(&proxy.address).port();
        let samehand = samehand.restart(&[("PUBLIC_URL", &format!("http://auth.demo.localhost:{port}"))]);
        Self::with(samehand, proxy, chromium, application)
    }

    fn with(samehand: Samehand, proxy: Proxy, chromium: Arc<Chromium>, application: Backend) -> Self {
        let road = Road::build(CLIENT, shipped::tcp(&proxy.address));
        Self { samehand, road, proxy, chromium, application, _demo: None }
    }

    /// Which proxy it is.
    pub(crate) fn kind(&self) -> shipped::Kind {
        self.proxy.kind
    }

    /// The port of the proxy, for browsers that find it by themselves.
    pub(crate) fn port(&self) -> u16 {
        shipped::tcp(&self.proxy.address).port()
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

    /// A browser that looks names up by itself, and connects from where it is.
    #[track_caller]
    pub(crate) fn window_without_road(&self) -> Window {
        Window::open(&self.chromium, None, Kind::default())
    }
}

#[track_caller]
fn samehand_with_alice(settings: &[(&str, &str)]) -> Samehand {
    let samehand = Samehand::start(settings);
    samehand.add_user("alice", &["--group", "staff", "--display-name", "Alice Doe"]);
    samehand
}
