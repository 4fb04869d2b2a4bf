//! A wire between samehand and its store that misbehaves on command: it cuts, swallows, delays, and holds back a question.
//!
//! It reads and changes nothing of what passes, but for looking for the words of a question that is to be held back.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything that is waited for takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A wire to a server; it lies there as long as this is kept.
pub(crate) struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: SocketAddr,
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Default)]
struct Now {
    behaviour: Behaviour,
    /// Both ends of every connection.
    ends: Vec<TcpStream>,
    /// The words of a question that does not pass.
    held_back: Option<&'static str>,
    /// Whether one has come.
    holds: bool,
    /// What clients have asked since the wire was last [watched](Wire::watch), with what is held back.
    asked: Vec<u8>,
    is_over: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Behaviour {
    /// Passes everything on.
    #[default]
    Good,
    /// Takes connections and closes them at once.
    Cut,
    /// Takes connections and bytes, and passes nothing on; nobody is told.
    Swallowing,
    /// Passes everything on so much later.
    Slow(Duration),
}

impl Wire {
    /// A wire to this address.
    pub(crate) fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared { to, now: Mutex::default(), changed: Condvar::new() });
        let own = Arc::clone(&shared);
        thread::spawn(move || own.accept(&listener));
        Self { address, shared }
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and each new one as soon as it comes.
    pub(crate) fn cut(&self) {
        let mut now = self.behave(Behaviour::Cut);
        end(&mut now);
    }

    /// Ends every connection; new ones are welcome.
    pub(crate) fn cut_once(&self) {
        end(&mut self.shared.now());
    }

    /// From now on bytes go in and do not come out.
    pub(crate) fn swallow(&self) {
        drop(self.behave(Behaviour::Swallowing));
    }

    /// From now on everything comes out so much later.
    pub(crate) fn delay(&self, delay: Duration) {
        drop(self.behave(Behaviour::Slow(delay)));
    }

    /// It is a good wire again; what was swallowed comes out, where somebody still waits for it.
    pub(crate) fn mend(&self) {
        drop(self.behave(Behaviour::Good));
    }

    /// From now on what clients ask is kept, and the question with these words is held back on its connection.
    pub(crate) fn hold_back(&self, words: &'static str) {
        let mut now = self.shared.now();
        (now.held_back, now.holds) = (Some(words), false);
        now.asked.clear();
    }

    /// Waits until such a question is held; returns what was asked up to then, in the order in which it came.
    #[track_caller]
    pub(crate) fn wait_until_it_holds(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut now = self.shared.now();
        while !now.holds {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "nobody asked {:?}", now.held_back);
            now = self.shared.changed.wait_timeout(now, left).expect("no holder panics").0;
        }
        String::from_utf8_lossy(&now.asked).into_owned()
    }

    /// Lets the question go that is held.
    pub(crate) fn let_go(&self) {
        let mut now = self.shared.now();
        (now.held_back, now.holds) = (None, false);
        self.shared.changed.notify_all();
    }

    fn behave(&self, behaviour: Behaviour) -> MutexGuard<'_, Now> {
        let mut now = self.shared.now();
        now.behaviour = behaviour;
        self.shared.changed.notify_all();
        now
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let mut now = self.shared.now();
        now.is_over = true;
        end(&mut now);
        self.shared.changed.notify_all();
        drop(now);
        // Whoever waits for the next connection gets one, and finds that it is over.
        drop(TcpStream::connect(self.address));
    }
}

fn end(now: &mut Now) {
    for connection in now.ends.drain(..) {
        // One that has ended by itself needs no end.
        let _ = connection.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().expect("no holder panics")
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().map_while(Result::ok) {
            let mut now = self.now();
            if now.is_over {
                return;
            }
            if now.behaviour == Behaviour::Cut {
                continue;
            }
            // A server that is not there ends the connection, as it would have ended one without a wire.
            let Ok(server) = TcpStream::connect(self.to) else { continue };
            for end in [&client, &server] {
                end.set_nodelay(true).expect("a TCP connection");
                now.ends.push(end.try_clone().expect("a descriptor"));
            }
            drop(now);
            self.pass_on(&client, &server, true);
            self.pass_on(&server, &client, false);
        }
    }

    fn pass_on(self: &Arc<Self>, from: &TcpStream, to: &TcpStream, is_question: bool) {
        let shared = Arc::clone(self);
        let (mut from, mut to) = (from.try_clone().expect("a descriptor"), to.try_clone().expect("a descriptor"));
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                shared.wait(&buffer[..length], is_question);
                if to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
        });
    }

    /// Waits until these bytes may pass.
    fn wait(&self, bytes: &[u8], is_question: bool) {
        let come_at = Instant::now();
        let mut now = self.now();
        if is_question && now.held_back.is_some() && !now.holds {
            now.asked.extend_from_slice(bytes);
        }
        let mut is_held = is_question && !now.holds && now.held_back.is_some_and(|words| holds(bytes, words));
        if is_held {
            now.holds = true;
            self.changed.notify_all();
        }
        loop {
            is_held = is_held && now.holds;
            let left = match now.behaviour {
                Behaviour::Swallowing => PATIENCE,
                Behaviour::Slow(delay) => delay.saturating_sub(come_at.elapsed()),
                Behaviour::Good | Behaviour::Cut => Duration::ZERO,
            };
            if now.is_over || left.is_zero() && !is_held {
                return;
            }
            now = self.changed.wait_timeout(now, if is_held { PATIENCE } else { left }).expect("no holder panics").0;
        }
    }
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}
