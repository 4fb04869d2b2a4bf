//! A proof is used once: at one replica, at two, and while their store is away. A proxy may repeat its question.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    CLIENT, caddy,
    client::{Reply, Request, ask},
    nginx,
    prover::{Draft, Prover},
    samehand::Samehand,
    shipped::{Kind, Place, tcp},
    store_server::StoreServer,
    traefik,
    waiting::until,
};
use crate::world::{PROGRAM, SITE, World};

pub(crate) fn a_proof_passes_once_whatever_name_a_client_gives_to_its_request(world: &World) {
    let path = world.path();
    let proof = world.prover.sign(&world.draft("GET", &format!("{SITE}{path}")));
    let request = || Request::get(&path).dpop(&world.token, &proof).header("X-Request-Id", "chosen-by-the-client");
    assert_eq!(world.ask(&path, request()).reply.status, 200);
    let before = world.application.seen().requests;
    for _ in 0..3 {
        let reply = world.ask(&path, request()).reply;
        assert_eq!(reply.status, 401, "{reply:?}");
        let challenge = reply.header("WWW-Authenticate").unwrap_or_default();
        assert!(challenge.contains("invalid_dpop_proof"), "{reply:?}");
    }
    assert_eq!(world.application.seen().requests, before, "the application saw a replay");
    until(Instant::now(), Duration::from_secs(120), "one is allowed in the log, and three are replays", || {
        let log = world.samehand.process.log();
        let lines = || log.lines().filter(|line| line.contains(&format!("path={path} ")));
        let about = |reason: &str| lines().filter(|line| line.contains(reason)).count();
        (about("reason=ok"), about("reason=proof-replayed")) == (1, 3)
    });
}

/// samehand asked directly, as a proxy asks.
pub(crate) struct Asked<'a> {
    pub(crate) prover: &'a Prover,
    pub(crate) token: &'a str,
    pub(crate) nonce: &'a str,
}

impl Asked<'_> {
    /// A proof for the page that [`Asked::status`] asks about.
    pub(crate) fn proof(&self) -> String {
        self.draft(|draft| draft)
    }

    pub(crate) fn draft(&self, change: impl FnOnce(Draft) -> Draft) -> String {
        let draft = self.prover.draft("GET", "https://app.example.com/page").with_token(self.token);
        self.prover.sign(&change(draft.with("nonce", self.nonce)))
    }

    /// What a replica answers to the question of a proxy of this kind, under this identifier.
    #[track_caller]
    pub(crate) fn reply(&self, replica: &Samehand, kind: &str, id: &str, proof: &str) -> Reply {
        let request = Request::get(&format!("/auth/{kind}")).header("X-Forwarded-For", CLIENT.to_string());
        let request = request.header("X-Forwarded-Method", "GET").header("X-Forwarded-Proto", "https");
        let request = request.header("X-Forwarded-Host", "app.example.com").header("X-Forwarded-Uri", "/page");
        let request = request.header("User-Agent", PROGRAM).header("X-Request-Id", id);
        ask(Ipv4Addr::LOCALHOST, &replica.tcp, &request.dpop(self.token, proof))
    }

    #[track_caller]
    pub(crate) fn status(&self, replica: &Samehand, id: &str, proof: &str) -> u16 {
        self.reply(replica, "traefik", id, proof).status
    }
}

/// A token for a prover's key, from the command line, and a nonce of the service.
#[track_caller]
pub(crate) fn given_out(samehand: &Samehand, prover: &Prover) -> (String, String) {
    let ip = CLIENT.to_string();
    let own = ["token", "mint", "--user", "alice", "--ip", &ip, "--user-agent", PROGRAM];
    let token = samehand.succeed(&[&own[..], &["--dpop-jkt", &prover.thumbprint()]].concat(), "");
    let asked = Asked { prover, token: &token, nonce: "none yet" };
    let reply = asked.reply(samehand, "traefik", "for-a-nonce", &asked.proof());
    let nonce = reply.header("DPoP-Nonce").unwrap_or_else(|| panic!("no nonce: {reply:?}")).to_owned();
    (token, nonce)
}

#[test]
fn a_proxy_may_repeat_its_question_where_the_identifier_is_its_own() {
    let samehand = Samehand::start(&[]);
    let prover = Prover::new();
    let (token, nonce) = given_out(&samehand, &prover);
    let asked = Asked { prover: &prover, token: &token, nonce: &nonce };
    for (kind, passes_again) in [("nginx", true), ("caddy", true), ("traefik", false)] {
        let proof = asked.proof();
        let status = |id: &str| asked.reply(&samehand, kind, id, &proof).status;
        let (one, other) = (format!("{kind}-1"), format!("{kind}-2"));
        assert_eq!(status(&one), 200, "{kind}");
        assert_eq!(status(&other), 401, "{kind}: the same proof with another request");
        assert_eq!(status(&one), if passes_again { 200 } else { 401 }, "{kind}: the same question");
        assert_eq!(status(&one), 401, "{kind}: a third time");
    }
    // What is no identifier names no question.
    let proof = asked.proof();
    assert_eq!(asked.reply(&samehand, "nginx", "two words", &proof).status, 200);
    assert_eq!(asked.reply(&samehand, "nginx", "two words", &proof).status, 401);
}

/// Passes bytes on to samehand, and loses an answer on command: the connection is gone when it was to come.
struct LosesAnswers {
    address: SocketAddr,
    loses_next: Arc<AtomicBool>,
}

impl LosesAnswers {
    fn before(samehand: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let loses_next = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&loses_next);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let loses_next = Arc::clone(&shared);
                thread::spawn(move || pass_on(client, samehand, &loses_next));
            }
        });
        Self { address, loses_next }
    }
}

fn pass_on(client: TcpStream, samehand: SocketAddr, loses_next: &AtomicBool) {
    let Ok(server) = TcpStream::connect(samehand) else { return };
    let (mut from_client, mut to_server) =
        (client.try_clone().expect("a descriptor"), server.try_clone().expect("a descriptor"));
    thread::spawn(move || io::copy(&mut from_client, &mut to_server));
    let (mut server, mut client) = (server, client);
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        if loses_next.swap(false, Ordering::SeqCst) || client.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Whichever side has gone knows already.
    let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
}

#[test]
fn an_answer_that_got_lost_is_asked_for_again_and_the_client_hears_nothing_of_it() {
    for (kind, status) in [(Kind::Nginx, 200), (Kind::Caddy, 200), (Kind::Traefik, 401)] {
        let mut loser = None;
        let mut world = World::start(|samehand, application| {
            let between = loser.insert(LosesAnswers::before(tcp(&samehand.tcp))).address.into();
            match kind {
                Kind::Nginx => nginx::start(Place::Edge, &between, application),
                Kind::Caddy => caddy::start(Place::Edge, &between, application),
                Kind::Traefik => traefik::start(Place::Edge, &between, application),
            }
        });
        let loser = loser.expect("it was put between them");
        // The proxy has a connection that was good before.
        world.page_with(|draft| draft).is_allowed("a first page");
        loser.loses_next.store(true, Ordering::SeqCst);
        let path = world.path();
        let proof = world.prover.sign(&world.draft("GET", &format!("{SITE}{path}")));
        let outcome = world.ask(&path, Request::get(&path).dpop(&world.token, &proof));
        assert!(!loser.loses_next.load(Ordering::SeqCst), "{kind:?}: nothing was lost");
        // Traefik has no name of its own for a request: the client's program makes a new proof, as with any 401.
        assert_eq!(outcome.reply.status, status, "{kind:?}: {:?}", outcome.reply);
        until(Instant::now(), Duration::from_secs(120), "samehand was asked twice", || {
            let log = world.samehand.process.log();
            log.lines().filter(|line| line.contains(&format!("path={path} "))).count() == 2
        });
        world.nothing_broke();
    }
}

const IN_COMMON: [(&str, &str); 2] =
    [("STORE_KEY", "sealed with this, 9fTq2vXw8Lr4Yd6Kc3"), ("SALT", "salted with this, 4hGq7sNw1Zk8Xv2Tb6")];

fn replicas(store: &str) -> [Samehand; 2] {
    [(); 2].map(|()| Samehand::start(&[&[("STORE", store)], &IN_COMMON[..]].concat()))
}

#[test]
fn a_proof_that_one_replica_has_seen_is_used_at_every_other() {
    for server in [StoreServer::postgres(), StoreServer::valkey()] {
        let [one, other] = replicas(&server.url());
        let prover = Prover::new();
        let (token, nonce) = given_out(&one, &prover);
        let asked = Asked { prover: &prover, token: &token, nonce: &nonce };
        let in_turn = [(&one, &other), (&other, &one)];
        for (number, (first, second)) in in_turn.into_iter().cycle().take(10).enumerate() {
            for round in 0.. {
                // The nonce of one replica is every other's, too.
                let (id, proof) = (format!("{number}-{round}"), asked.proof());
                assert_eq!(asked.status(first, &id, &proof), 200, "{}", first.process.log());
                let again = asked.status(second, &id, &proof);
                if is_alone(first) || is_alone(second) {
                    assert!(round < 100, "the store never answers in time");
                    continue;
                }
                assert_eq!(again, 401, "{}", second.process.log());
                assert_eq!(second.decision(&id).field("reason"), "proof-replayed");
                break;
            }
        }
    }
}

/// Whether a replica waited for the store for half a second, which is all that it waits, and went on without.
#[track_caller]
fn is_alone(replica: &Samehand) -> bool {
    let log = replica.process.log();
    let said = |words| log.matches(words).count();
    said("the store does not remember DPoP proofs") > said("the store remembers DPoP proofs again")
}

#[test]
fn while_the_store_is_away_each_replica_goes_on_with_what_it_remembers() {
    for mut server in [StoreServer::postgres(), StoreServer::valkey()] {
        let [one, other] = replicas(&server.url());
        let prover = Prover::new();
        let (token, nonce) = given_out(&one, &prover);
        let asked = Asked { prover: &prover, token: &token, nonce: &nonce };
        let before = asked.proof();
        assert_eq!(asked.status(&one, "before", &before), 200);
        server.kill_hard();
        assert_eq!(asked.status(&one, "again", &before), 401, "what was used stays used");
        for _ in 0..3 {
            let proof = asked.proof();
            assert_eq!(asked.status(&one, "good", &proof), 200, "a good proof is no worse for it");
            assert_eq!(asked.status(&one, "replay", &proof), 401);
        }
        let proof = asked.proof();
        assert_eq!((asked.status(&other, "good", &proof), asked.status(&other, "replay", &proof)), (200, 401));
        server.start_again();
        until(Instant::now(), Duration::from_secs(120), "they have a memory in common again", || {
            let proof = asked.proof();
            (asked.status(&one, "back", &proof), asked.status(&other, "back", &proof)) == (200, 401)
        });
    }
}

#[test]
fn the_embedded_store_remembers_a_proof_when_the_service_starts_again() {
    let samehand = Samehand::start(&[]);
    let prover = Prover::new();
    let (token, nonce) = given_out(&samehand, &prover);
    let asked = Asked { prover: &prover, token: &token, nonce: &nonce };
    let proof = asked.proof();
    assert_eq!(asked.status(&samehand, "before", &proof), 200);
    let samehand = samehand.restart(&[]);
    assert_eq!(asked.status(&samehand, "after", &proof), 401, "{}", samehand.process.log());
    assert_eq!(samehand.decision("after").field("reason"), "proof-replayed");
    assert_eq!(asked.status(&samehand, "new", &asked.proof()), 200);
}
