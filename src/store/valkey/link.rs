//! The way to the server: one connection that many use at once, made anew after every failure, and every call in bounds.
//!
//! A call that fails because the server is away gives the connection up; the next call makes another, and asks sentinels
//! or the cluster anew where it leads. Whoever waits for a connection while another call fails to make it fails with it,
//! so that no queue forms before a server that is gone. Questions that change nothing are asked a second time where the
//! connection broke; a change never is, because it may have been made, unless the server says that it was not.

use super::connection::Connection;
use super::failed::{Place, is_elsewhere, is_passing};
use super::scripts::Known;
use super::setup::Setup;
use super::url::{Servers, ValkeyUrl};
use crate::store::StoreError;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use std::future::Future;
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The longest that a call takes: an answer, or a connection and an answer that is not the slowest. Whoever signs in or
/// revokes is told within three seconds that it cannot be.
const LONGEST: Duration = Duration::from_millis(2500);
/// How long a change waits for the disk of a server that writes its file once a second.
const DISK_MS: u64 = 1500;
/// How long what was found out about the server's set-up is believed.
const SETUP: Duration = Duration::from_secs(60);
/// How often sentinels are asked whether the primary is still the one that is connected to: a primary that was cut off
/// does not know that it is none any more.
const ASK_SENTINELS: Duration = Duration::from_secs(5);

/// What can be asked.
pub(super) enum Question<'a> {
    Command(&'a Cmd),
    /// Several commands, all at once or none.
    Together(&'a Pipeline),
    Script {
        script: &'static Known,
        keys: &'a [Vec<u8>],
        arguments: &'a [Vec<u8>],
    },
}

/// The way to the server.
pub(super) struct Link {
    url: ValkeyUrl,
    place: Arc<Place>,
    held: Mutex<Held>,
    /// Connections on which a change may wait for the disk: nobody else's questions stand behind it.
    waiting: Lock<Vec<Line>>,
    setup: Lock<Option<(Instant, u64, Arc<Setup>)>>,
}

#[derive(Default)]
struct Held {
    line: Option<Line>,
    made: u64,
    failure: Option<(Instant, RedisError)>,
}

/// A connection, and the how manieth it is.
#[derive(Clone)]
struct Line {
    number: u64,
    connection: Connection,
    /// When it was last known to lead to the primary.
    confirmed_at: Instant,
}

impl Link {
    /// `place` is the URL without its password.
    pub(super) fn new(url: ValkeyUrl, place: String) -> Self {
        let place = Arc::new(Place { text: place, is_cluster: matches!(url.servers, Servers::Cluster(_)) });
        Self { url, place, held: Mutex::default(), waiting: Lock::default(), setup: Lock::default() }
    }

    pub(super) fn place(&self) -> Arc<Place> {
        Arc::clone(&self.place)
    }

    pub(super) fn url(&self) -> &ValkeyUrl {
        &self.url
    }

    /// Asks what changes nothing.
    pub(super) async fn read<T: FromRedisValue>(&self, question: Question<'_>) -> Result<T, StoreError> {
        self.in_time(async {
            match self.ask(&question).await {
                Err(error) if error.is_connection_dropped() || is_elsewhere(&error) => self.ask(&question).await,
                answer => answer,
            }
        })
        .await
    }

    /// Makes a change that may be lost with the last second before a crash, where the server is set up so.
    pub(super) async fn change<T: FromRedisValue>(&self, question: Question<'_>) -> Result<T, StoreError> {
        self.in_time(async {
            match self.ask(&question).await {
                Err(error) if is_elsewhere(&error) => self.ask(&question).await,
                answer => answer,
            }
        })
        .await
    }

    /// Makes a change that is on disk when this returns, as far as the server can promise that.
    pub(super) async fn change_for_good<T: FromRedisValue>(&self, question: Question<'_>) -> Result<T, StoreError> {
        if !self.setup().await?.waits_for_disk {
            return self.change(question).await;
        }
        self.in_time(async {
            let mut line = self.waiting_line().await?;
            let answer = question.put(&mut line.connection).await;
            let answer = self.kept(line.number, answer).await?;
            let wait = cmd("WAITAOF").arg(1).arg(0).arg(DISK_MS).to_owned();
            let (own, _): (u64, u64) = wait.query_async(&mut line.connection.client).await?;
            if own == 0 {
                let problem = "the change was made, but did not reach the disk in time";
                return Err(RedisError::from((ErrorKind::Io, problem)));
            }
            lock(&self.waiting).push(line);
            Ok(answer)
        })
        .await
    }

    /// What is known about the server's set-up; it is looked at again once in a while, and at every new connection.
    pub(super) async fn setup(&self) -> Result<Arc<Setup>, StoreError> {
        let found = self.limited(async {
            let mut line = self.line().await?;
            let known = lock(&self.setup).clone();
            if let Some((_, _, setup)) = known.filter(|(at, of, _)| at.elapsed() < SETUP && *of == line.number) {
                return Ok(setup);
            }
            let setup = Setup::of(&mut line.connection).await;
            let setup = Arc::new(self.kept(line.number, setup).await?);
            *lock(&self.setup) = Some((Instant::now(), line.number, Arc::clone(&setup)));
            Ok(setup)
        });
        found.await.map_err(|error| self.place.failed(&error))
    }

    /// Gives the connection up where the sentinels name another primary by now, and says that the store is away: whoever
    /// follows it subscribes anew and compares everything, because the new primary need not have all that the old one had.
    pub(super) async fn confirm_primary(&self) -> Result<(), StoreError> {
        let Servers::Watched { .. } = self.url.servers else { return Ok(()) };
        let confirmed = self.limited(async {
            let line = self.line().await?;
            if line.confirmed_at.elapsed() < ASK_SENTINELS {
                return Ok(true);
            }
            // Sentinels that do not answer say nothing about the primary.
            let primary = self.url.find().await.unwrap_or_else(|_| line.connection.host.clone());
            if primary != line.connection.host {
                self.give_up(line.number).await;
                return Ok(false);
            }
            if let Some(held) = &mut self.held.lock().await.line {
                held.confirmed_at = Instant::now();
            }
            Ok(true)
        });
        match confirmed.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.place.away("the sentinels name another primary by now".into())),
            Err(error) => Err(self.place.failed(&error)),
        }
    }

    async fn ask(&self, question: &Question<'_>) -> RedisResult<Value> {
        let mut line = self.line().await?;
        let answer = question.put(&mut line.connection).await;
        self.kept(line.number, answer).await
    }

    /// Gives the connection up where the answer says that the server is away, or the keys are elsewhere.
    async fn kept<T>(&self, number: u64, answer: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &answer
            && (is_passing(error) || is_elsewhere(error))
        {
            self.give_up(number).await;
        }
        answer
    }

    async fn give_up(&self, number: u64) {
        self.held.lock().await.line.take_if(|line| line.number == number);
    }

    /// The connection, made if there is none.
    async fn line(&self) -> RedisResult<Line> {
        let asked_at = Instant::now();
        let mut held = self.held.lock().await;
        held.line.take_if(|line| line.connection.is_closed());
        if let Some(line) = &held.line {
            return Ok(line.clone());
        }
        if let Some((_, error)) = held.failure.as_ref().filter(|(at, _)| *at > asked_at) {
            return Err(error.clone());
        }
        match self.url.connect().await {
            Ok(connection) => {
                held.made += 1;
                let line = Line { number: held.made, connection, confirmed_at: Instant::now() };
                held.line = Some(line.clone());
                Ok(line)
            }
            Err(error) => {
                held.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// A connection for one who waits for the disk. Those from before the last failure are not used any more.
    async fn waiting_line(&self) -> RedisResult<Line> {
        let number = self.line().await?.number;
        let idle = {
            let mut waiting = lock(&self.waiting);
            waiting.retain(|line| line.number == number && !line.connection.is_closed());
            waiting.pop()
        };
        match idle {
            Some(line) => Ok(line),
            None => Ok(Line { number, connection: self.url.connect().await?, confirmed_at: Instant::now() }),
        }
    }

    async fn in_time<T: FromRedisValue>(
        &self,
        call: impl Future<Output = RedisResult<Value>>,
    ) -> Result<T, StoreError> {
        let value = self.limited(call).await.map_err(|error| self.place.failed(&error))?;
        redis::from_redis_value(value)
            .map_err(|error| self.place.damaged(format!("an answer is none that samehand understands: {error}")))
    }

    /// A call ends, whatever the network does; then the connection is not trusted any more.
    async fn limited<T>(&self, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        match tokio::time::timeout(LONGEST, call).await {
            Ok(answer) => answer,
            Err(_) => {
                // Who holds it is making another.
                if let Ok(mut held) = self.held.try_lock() {
                    held.line = None;
                }
                Err(RedisError::from((ErrorKind::Io, "no answer for some seconds")))
            }
        }
    }
}

fn lock<T>(shared: &Lock<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Question<'_> {
    async fn put(&self, connection: &mut Connection) -> RedisResult<Value> {
        let client = &mut connection.client;
        match self {
            Self::Command(command) => command.query_async(client).await,
            Self::Together(pipeline) => pipeline.query_async(client).await,
            Self::Script { script, keys, arguments } => {
                let call =
                    |name: &str, what: &str| cmd(name).arg(what).arg(keys.len()).arg(*keys).arg(*arguments).to_owned();
                match call("EVALSHA", &script.digest).query_async(client).await {
                    // The server was started anew, or is another one: it learns the script by running it.
                    Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                        call("EVAL", &script.code).query_async(client).await
                    }
                    answer => answer,
                }
            }
        }
    }
}
