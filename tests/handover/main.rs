//! One samehand after the other on the same sockets, while requests come through the real nginx: no request fails. Sockets
//! that systemd passes, with systemd's own tool and the units that are shipped.

#[path = "../support/mod.rs"]
mod support;

mod activation;
mod replacing;

use std::{
    net::Ipv4Addr,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};
use support::{
    CLIENT,
    backend::Backend,
    client::{Address, Connection, Reply, Request},
    nginx,
    samehand::said,
    shipped::{Place, Proxy},
};

/// Where a proxy asks from.
const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
/// Clients that ask at once.
const CLIENTS: usize = 8;
/// Answers that have to come between any two changes, and after the last.
const IN_BETWEEN: usize = 200;

/// Sends requests through nginx, each client over a kept connection of its own, from the first to the last of `changes`;
/// all of them have to be answered as if nothing happened.
#[track_caller]
fn nobody_notices(samehand: &Address, token: &str, changes: impl FnOnce(&dyn Fn())) {
    let backend = Backend::start();
    let proxy: Proxy = nginx::start(Place::Edge, samehand, backend.address);
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let tell = tell.clone();
            let (over, answered, proxy) = (&over, &answered, &proxy);
            scope.spawn(move || {
                let mut connection = Connection::open(CLIENT, &proxy.address);
                while !over.load(Ordering::Relaxed) {
                    let reply = connection.ask(&page(token));
                    if reply.status != 200 {
                        over.store(true, Ordering::Relaxed);
                        panic!("after {answered:?} answers: {reply:?}\n{}", proxy.process.log());
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                    if reply.header("Connection") == Some("close") {
                        // nginx has answered as many on it as it does (`keepalive_requests`).
                        connection = Connection::open(CLIENT, &proxy.address);
                    }
                    // Whoever waits for answers is gone once there were enough.
                    let _ = tell.send(());
                }
            });
        }
        drop(tell);
        // Also where a change fails: nobody would wait for it to be told otherwise.
        let _stop = Stop(&over);
        let some_more = || {
            while told.try_recv().is_ok() {}
            for _ in 0..IN_BETWEEN {
                told.recv().expect("the clients go on asking");
            }
        };
        some_more();
        changes(&some_more);
        some_more();
    });
    assert!(answered.into_inner() > 2 * IN_BETWEEN);
}

/// Ends the clients when it goes.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn page(token: &str) -> Request {
    Request::get("/page").header("User-Agent", FIREFOX).bearer(token)
}

/// What a proxy asks about a request with this token.
fn question(token: &str) -> Request {
    Request::about_page(CLIENT, FIREFOX).bearer(token)
}

#[track_caller]
fn assert_good(reply: &Reply) {
    assert_eq!((reply.status, reply.header("Remote-User")), (200, Some("alice")), "{reply:?}");
}

/// The address in a line of the log that says that one side listens.
fn listening(line: &str, side: &str) -> Option<String> {
    (said(line, "msg")? == "listening" && said(line, "side")? == side).then(|| said(line, "address"))?
}
