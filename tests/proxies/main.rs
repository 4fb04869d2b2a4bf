//! The whole path on real proxies: client, proxy with the shipped configuration, samehand, application.
//!
//! [`rows`] is one table that every proxy has to pass; the other files hold what needs a set-up of its own. Every request
//! has a name of its own, `X-Request-Id`, by which the decision is found in samehand's log.

#[path = "../support/mod.rs"]
mod support;

mod cookies;
mod failures;
mod forged;
mod hops;
mod letters;
mod nginx_answers;
mod pages;
mod proof_cookie;
mod question;
mod replicas;
mod rows;
mod sign_in;
mod sites;
mod world;

use support::{
    authority::Authority,
    caddy,
    client::Address,
    nginx,
    shipped::{Place, Proxy, tcp},
    traefik,
};
use world::World;

#[test]
fn nginx_over_a_unix_socket() {
    every_row(World::start(|samehand, application| nginx::start(Place::Edge, &samehand.unix, application)));
}

#[test]
fn nginx_over_tcp() {
    every_row(World::start(|samehand, application| nginx::start(Place::Edge, &samehand.tcp, application)));
}

#[test]
fn traefik_with_the_file_provider() {
    every_row(World::start(|samehand, application| traefik::start(Place::Edge, &samehand.tcp, application)));
}

#[test]
fn traefik_with_the_labels_of_the_compose_file() {
    every_row(World::start(|samehand, application| traefik::start_with_labels(&samehand.tcp, application)));
}

#[test]
fn traefik_with_client_certificates() {
    // It believes forwarded headers, so more could go wrong there.
    let authority = Authority::new("DNS:app.example.com");
    every_row(World::start(|samehand, application| {
        let proxy = traefik::start_mtls(&authority, &samehand.tcp, application);
        Proxy { address: Address::Tls(tcp(&proxy.address), authority.greeting(None)), ..proxy }
    }));
}

#[test]
fn caddy_with_the_caddyfile() {
    every_row(World::start(|samehand, application| caddy::start(Place::Edge, &samehand.tcp, application)));
}

#[test]
fn caddy_over_a_unix_socket() {
    every_row(World::start(|samehand, application| caddy::start(Place::Edge, &samehand.unix, application)));
}

#[test]
fn nginx_behind_a_cdn() {
    every_hop(World::start(|samehand, application| nginx::start(Place::BehindFrontHop, &samehand.unix, application)));
}

#[test]
fn traefik_behind_a_load_balancer() {
    every_hop(World::start(|samehand, application| traefik::start(Place::BehindFrontHop, &samehand.tcp, application)));
}

#[test]
fn caddy_behind_a_cdn() {
    every_hop(World::start(|samehand, application| caddy::start(Place::BehindFrontHop, &samehand.tcp, application)));
}

/// What holds for a proxy that clients connect to.
fn every_row(mut world: World) {
    rows::a_token_works_for_its_client_only(&world);
    rows::broken_tokens_are_refused(&world);
    rows::every_kind_of_request_gets_through(&world);
    rows::the_application_learns_the_name_in_the_log(&world);
    rows::a_web_socket_gets_through(&world);
    letters::an_address_with_raw_letters_is_served(&world);
    letters::a_control_character_in_an_address_is_not_served(&world);
    letters::the_application_learns_every_letter_of_a_name(&world);
    forged::no_forged_header_is_believed(&world);
    sign_in::published_paths_reach_samehand_and_no_others(&world);
    sign_in::a_token_from_login_is_bound_to_the_client_and_not_to_the_proxy(&world);
    sign_in::renewing_and_signing_out_work_for_the_right_client_and_its_own_pages(&world);
    world.nothing_broke();
}

/// What holds for a proxy that a CDN or load balancer connects to.
fn every_hop(mut world: World) {
    hops::the_client_is_found_through_the_front_hop(&world);
    hops::nobody_else_can_claim_to_be_a_front_hop(&world);
    forged::no_forged_header_is_believed(&world);
    world.nothing_broke();
}
