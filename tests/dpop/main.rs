//! Tokens that are bound to a key, and the proofs that come with them (RFC 9449), through the real proxies with the shipped
//! configurations. Every request asks for a path of its own, by which the decision is found in samehand's log.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod checks;
mod clocks;
mod endpoints;
mod replays;
mod world;

use support::{caddy, nginx, shipped::Place, traefik};
use world::World;

#[test]
fn behind_nginx() {
    every_row(World::start(|samehand, application| nginx::start(Place::Edge, &samehand.unix, application)));
}

#[test]
fn behind_traefik() {
    every_row(World::start(|samehand, application| traefik::start(Place::Edge, &samehand.tcp, application)));
}

#[test]
fn behind_traefik_with_the_labels_of_the_compose_file() {
    every_row(World::start(|samehand, application| traefik::start_with_labels(&samehand.tcp, application)));
}

#[test]
fn behind_caddy() {
    every_row(World::start(|samehand, application| caddy::start(Place::Edge, &samehand.tcp, application)));
}

fn every_row(mut world: World) {
    checks::a_good_proof_lets_the_token_through(&world);
    checks::each_check_refuses_alone(&world);
    checks::a_token_is_used_in_the_way_it_was_given_out_only(&world);
    checks::a_nonce_is_asked_for_and_told(&world);
    addresses::an_address_counts_and_not_how_it_is_written(&world);
    replays::a_proof_passes_once_whatever_name_a_client_gives_to_its_request(&world);
    endpoints::a_session_is_renewed_shown_and_ended_with_proofs(&world);
    world.nothing_broke();
}
