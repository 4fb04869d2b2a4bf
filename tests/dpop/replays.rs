//! A proof is used once: at one replica, at two, and while their store is away. A proxy may repeat its question.

use crate::support::client::Request;
use crate::world::{SITE, World};

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
    let log = world.samehand.process.log();
    let about = |reason: &str| {
        log.lines().filter(|line| line.contains(&format!("path={path} ")) && line.contains(reason)).count()
    };
    assert_eq!((about("reason=ok"), about("reason=proof-replayed")), (1, 3), "{log}");
}
