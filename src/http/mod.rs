//! The route table, nothing else. What a route does stands in the file of its name.

mod authorize;
mod health;
mod json;
mod jwks;
mod login;
mod metrics;
mod mint;
mod request_id;
mod respond;
mod whoami;

pub use respond::{IDENTITY_HEADERS, status_of};

use actix_web::web::{ServiceConfig, get, post, resource, route, to};

/// The routes of `SAMEHAND_LISTEN`.
pub fn public_routes(routes: &mut ServiceConfig) {
    routes
        .service(resource(["/auth/nginx", "/auth/nginx/{rest:.*}"]).to(authorize::nginx))
        .service(resource(["/auth/traefik", "/auth/traefik/{rest:.*}"]).to(authorize::traefik))
        .service(resource(["/auth/caddy", "/auth/caddy/{rest:.*}"]).to(authorize::caddy))
        .service(resource("/login").route(post().to(login::login)).default_service(to(json::method_not_allowed)))
        .service(resource("/whoami").route(get().to(whoami::whoami)).default_service(to(json::method_not_allowed)))
        .service(resource("/.well-known/jwks.json").route(get().to(jwks::jwks)))
        .configure(health_routes)
        .default_service(route().to(json::not_found));
}

/// The routes of `SAMEHAND_ADMIN_LISTEN`.
pub fn admin_routes(routes: &mut ServiceConfig) {
    routes
        .service(resource("/metrics").route(get().to(metrics::metrics)))
        .service(resource("/mint").to(mint::mint))
        .configure(health_routes)
        .default_service(route().to(json::not_found));
}

fn health_routes(routes: &mut ServiceConfig) {
    routes
        .service(resource("/healthz").route(get().to(health::live)))
        .service(resource("/readyz").route(get().to(health::ready)));
}
