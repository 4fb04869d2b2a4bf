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

pub use authorize::note_unix_socket;
pub use respond::{IDENTITY_HEADERS, status_of};

use actix_web::middleware::from_fn;
use actix_web::web::{ServiceConfig, get, head, post, resource, route, scope, to};
use actix_web::{Handler, Resource, Responder};

/// The routes of `SAMEHAND_LISTEN`. The subrequest comes first: every request to a protected application asks it.
pub fn public_routes(routes: &mut ServiceConfig) {
    routes
        .service(resource(["/auth/nginx", "/auth/nginx/{rest:.*}"]).to(authorize::nginx))
        .service(resource(["/auth/traefik", "/auth/traefik/{rest:.*}"]).to(authorize::traefik))
        .service(resource(["/auth/caddy", "/auth/caddy/{rest:.*}"]).to(authorize::caddy))
        .service(
            scope("")
                .wrap(from_fn(request_id::tag))
                .service(resource("/login").route(post().to(login::login)).default_service(to(json::only_post)))
                .service(read_only("/whoami", whoami::whoami))
                .service(read_only("/.well-known/jwks.json", jwks::jwks))
                .configure(health_routes)
                .default_service(route().to(json::not_found)),
        );
}

/// The routes of `SAMEHAND_ADMIN_LISTEN`.
pub fn admin_routes(routes: &mut ServiceConfig) {
    routes.service(
        scope("")
            .wrap(from_fn(request_id::tag))
            .service(read_only("/metrics", metrics::metrics))
            .service(resource("/mint").to(mint::mint))
            .configure(health_routes)
            .default_service(route().to(json::not_found)),
    );
}

fn health_routes(routes: &mut ServiceConfig) {
    routes.service(read_only("/healthz", health::live)).service(read_only("/readyz", health::ready));
}

/// A resource that answers GET and HEAD.
fn read_only<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource(path).route(get().to(handler.clone())).route(head().to(handler)).default_service(to(json::only_get))
}
