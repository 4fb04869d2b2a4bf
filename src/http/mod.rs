//! The route table, nothing else. What a route does stands in the file of its name.

mod account;
mod administration;
mod attempt;
mod authorize;
mod continuing;
mod cookie;
mod dpop;
mod exchange;
mod health;
mod json;
mod jwks;
mod login;
mod logout;
mod metrics;
mod mint;
mod names;
mod on_the_way;
mod opening;
mod origin;
mod pages;
mod refusal;
mod renew;
mod request_id;
mod respond;
mod revoke;
mod trail;
mod whoami;

pub use authorize::{answer_in_place_of_continue, note_unix_socket};
pub use names::Names;
pub use respond::{IDENTITY_HEADERS, status_of};

use actix_web::middleware::from_fn;
use actix_web::web::{ServiceConfig, get, head, post, resource, route, scope, to};
use actix_web::{FromRequest, Handler, Resource, Responder};

/// The routes of `SAMEHAND_LISTEN`. The subrequest comes first: every request to a protected application asks it.
pub fn public_routes(routes: &mut ServiceConfig) {
    subrequest(routes, "/auth/nginx", authorize::nginx);
    subrequest(routes, "/auth/traefik", authorize::traefik);
    subrequest(routes, "/auth/caddy", authorize::caddy);
    routes.service(
        scope("")
            .wrap(from_fn(request_id::tag))
            .service(page("/login", login::page, login::login))
            .service(only_post("/renew", renew::renew))
            .service(page("/logout", pages::sign_out::show, logout::logout))
            .service(page("/account", account::show, account::submitted))
            .service(read_only("/", account::root))
            .service(read_only("/whoami", whoami::whoami))
            .service(read_only("/.well-known/jwks.json", jwks::jwks))
            .configure(health_routes)
            .default_service(route().to(json::not_found)),
    );
}

/// A path and everything below it, by any method. Two plain patterns, because one with a variable part is matched by a
/// regular expression on every request.
fn subrequest<F, Args>(routes: &mut ServiceConfig, path: &str, handler: F)
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    routes.service(resource(path).to(handler.clone())).service(scope(path).default_service(to(handler)));
}

/// The routes of `SAMEHAND_ADMIN_LISTEN`.
pub fn admin_routes(routes: &mut ServiceConfig) {
    routes.service(
        scope("")
            .wrap(from_fn(names::own))
            .wrap(from_fn(request_id::tag))
            .service(read_only("/metrics", metrics::metrics))
            .service(resource("/mint").to(mint::mint))
            .service(resource("/revoke").to(revoke::revoke))
            .configure(health_routes)
            .default_service(route().to(json::not_found)),
    );
}

fn health_routes(routes: &mut ServiceConfig) {
    routes.service(read_only("/healthz", health::live)).service(read_only("/readyz", health::ready));
}

/// A resource that answers POST.
fn only_post<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource(path).route(post().to(handler)).default_service(to(json::only_post))
}

/// A page, and what its form does.
fn page<Page, PageArgs, Form, FormArgs>(path: &str, shown: Page, submitted: Form) -> Resource
where
    Page: Handler<PageArgs>,
    PageArgs: FromRequest + 'static,
    Page::Output: Responder + 'static,
    Form: Handler<FormArgs>,
    FormArgs: FromRequest + 'static,
    Form::Output: Responder + 'static,
{
    resource(path)
        .route(get().to(shown.clone()))
        .route(head().to(shown))
        .route(post().to(submitted))
        .default_service(to(json::only_post))
}

/// A resource that answers GET and HEAD.
fn read_only<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    resource(path).route(get().to(handler.clone())).route(head().to(handler)).default_service(to(json::only_get))
}
