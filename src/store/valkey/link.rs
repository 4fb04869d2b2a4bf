//! The way to the server: one connection that many use at once, made anew after every failure, and every call in bounds.
//!
//! A call that fails because the server is away gives the connection up; the next call makes another, asks the sentinels
//! again, or learns the shape of the cluster anew. Whoever waits for a connection while another call fails to make it
//! fails with it, so that no queue forms before a server that is gone. Questions that change nothing are asked a second
//! time where the connection was found to be closed; a change never is, because it may have been made.

use super::connection::Connection;
use super::failed::{failed, is_dropped};
use super::scripts::Known;
use super::setup::Setup;
use super::url::{Servers, ValkeyUrl};
use crate::store::StoreError;
use redis::{Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value, cmd};
use std::future::Future;
use std::sync::{Arc, Mutex as Lock, PoisonError};
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
    place: String,
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
    /// When the sentinels last said that it leads to the primary.
    confirmed_at: Instant,
}

impl Link {
    pub(super) fn new(url: ValkeyUrl, place: String) -> Self {
        Self { url, place, held: Mutex::default(), waiting: Lock::default(), setup: Lock::default() }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn url(&self) -> &ValkeyUrl {
        &self.url
    }

    /// Asks what changes nothing.
    pub(super) async fn read<T: FromRedisValue>(&self, question: Question<'_>) -> Result<T, StoreError> {
        let answer = self.in_time(async {
            match self.ask_once(&question).await {
                Err(error) if is_dropped(&error) => self.ask_once(&question).await,
                answer => answer,
            }
        });
        self.understand(answer.await)
    }

    /// Makes a change that may be lost with the last second before a crash, where the server is set up so.
    pub(super) async fn change<T: FromRedisValue>(&self, question: Question<'_>) -> Result<T, StoreError> {
        let answer = self.in_time(self.ask_once(&question)).await;
        self.understand(answer)
    }

    /// Makes a change that is on disk when this returns, as far as the server can promise that.
    pub(super) async fn change_for_good<T: FromRedisValue>(&self, question: Question<'_>) -> Result<T, StoreError> {
        if !self.setup().await?.waits_for_disk {
            return self.change(question).await;
        }
        let answer = self.in_time(async {
            let mut line = self.waiting_line().await?;
            let answer = question.put(&mut line.connection).await?;
            let wait = cmd("WAITAOF").arg(1).arg(0).arg(DISK_MS).to_owned();
            let (own, _): (u64, u64) = redis::from_redis_value(line.connection.ask_home(&wait).await?)?;
            if own == 0 {
                let problem = "the change was made, but did not reach the disk in time";
                return Err(RedisError::from((ErrorKind::Io, problem)));
            }
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            Ok(answer)
        });
        let answer = answer.await;
        self.understand(answer)
    }

    /// What is known about the server's set-up; it is looked at again once in a while, and at every new connection.
    pub(super) async fn setup(&self) -> Result<Arc<Setup>, StoreError> {
        let found = self.in_time(async {
            let mut line = self.line().await?;
            let known = self.setup.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some((_, _, setup)) = known.filter(|(at, of, _)| at.elapsed() < SETUP && *of == line.number) {
                return Ok(setup);
            }
            let setup = Setup::of(&mut line.connection).await;
            let setup = Arc::new(self.kept(line.number, setup).await?);
            let known = Some((Instant::now(), line.number, Arc::clone(&setup)));
            *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = known;
            Ok(setup)
        });
        found.await.map_err(|error| failed(&self.place, &error))
    }

    /// Gives the connection up where the sentinels name another primary by now.
    pub(super) async fn confirm_primary(&self) -> Result<(), StoreError> {
        let Servers::Watched { .. } = self.url.servers else { return Ok(()) };
        let confirmed = self.in_time(async {
            let line = self.line().await?;
            if line.confirmed_at.elapsed() < ASK_SENTINELS {
                return Ok(());
            }
            // Sentinels that do not answer say nothing about the primary.
            let Ok(primary) = self.url.primary().await else { return Ok(()) };
            if line.connection.leads_to(&primary) {
                if let Some(held) = self.held.lock().await.line.as_mut().filter(|held| held.number == line.number) {
                    held.confirmed_at = Instant::now();
                }
                return Ok(());
            }
            self.give_up(line.number).await;
            Err(RedisError::from((ErrorKind::Io, "the sentinels name another primary now")))
        });
        confirmed.await.map_err(|error| failed(&self.place, &error))
    }

    async fn ask_once(&self, question: &Question<'_>) -> RedisResult<Value> {
        let mut line = self.line().await?;
        let answer = question.put(&mut line.connection).await;
        self.kept(line.number, answer).await
    }

    /// Gives the connection up where the answer says that the server is away.
    async fn kept<T>(&self, number: u64, answer: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &answer
            && failed(&self.place, error).is_passing()
        {
            self.give_up(number).await;
        }
        answer
    }

    async fn give_up(&self, number: u64) {
        let mut held = self.held.lock().await;
        held.line.take_if(|line| line.number == number);
    }

    /// The connection, made if there is none.
    async fn line(&self) -> RedisResult<Line> {
        let asked_at = Instant::now();
        let mut held = self.held.lock().await;
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
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.retain(|line| line.number == number);
            waiting.pop()
        };
        match idle {
            Some(line) => Ok(line),
            None => Ok(Line { number, connection: self.url.connect().await?, confirmed_at: Instant::now() }),
        }
    }

    /// A call ends, whatever the network does; then the connection is not trusted any more.
    async fn in_time<T>(&self, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        match tokio::time::timeout(LONGEST, call).await {
            Ok(answer) => answer,
            Err(_) => {
                if let Ok(mut held) = self.held.try_lock() {
                    held.line = None;
                }
                Err(RedisError::from((ErrorKind::Io, "no answer for some seconds")))
            }
        }
    }

    fn understand<T: FromRedisValue>(&self, answer: RedisResult<Value>) -> Result<T, StoreError> {
        let value = answer.map_err(|error| failed(&self.place, &error))?;
        redis::from_redis_value(value).map_err(|error| StoreError::Damaged {
            place: self.place.clone(),
            problem: format!("an answer is none that samehand understands: {error}"),
        })
    }
}

impl Question<'_> {
    async fn put(&self, connection: &mut Connection) -> RedisResult<Value> {
        match self {
            Self::Command(command) => command.query_async(connection).await,
            Self::Together(pipeline) => pipeline.query_async(connection).await,
            Self::Script { script, keys, arguments } => {
                let call =
                    |name: &str, what: &str| cmd(name).arg(what).arg(keys.len()).arg(*keys).arg(*arguments).to_owned();
                match call("EVALSHA", &script.digest).query_async(connection).await {
                    // The server was started anew, or is another one: it learns the script by running it.
                    Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                        call("EVAL", &script.code).query_async(connection).await
                    }
                    answer => answer,
                }
            }
        }
    }
}
