//! News by `NOTIFY`, on a connection of their own. A pooled one would be somebody else's after a while.

use super::address::Target;
use super::connection::{Driver, Failure};
use crate::store::{News, StoreError};
use async_trait::async_trait;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client};

/// Tells all who listen when the transaction is committed.
pub(super) const TELL: &str = "SELECT pg_notify('samehand', '')";

/// Notifications as they come; those that come while nobody waits are one.
pub(super) struct Listening {
    told: mpsc::Receiver<()>,
    /// Why no more come.
    end: Arc<Mutex<Option<Failure>>>,
    place: String,
    /// The connection ends with it.
    _client: Client,
}

/// Listens. When this returns, the server has confirmed it.
pub(super) async fn listen(target: &Target, place: &str) -> Result<Listening, Failure> {
    let (client, driver) = target.connect().await?;
    let (tell, told) = mpsc::channel(1);
    let end = Arc::new(Mutex::new(None));
    tokio::spawn(pass_on(driver, tell, Arc::clone(&end)));
    client.batch_execute("LISTEN samehand").await?;
    Ok(Listening { told, end, place: place.to_owned(), _client: client })
}

async fn pass_on(mut driver: Driver, tell: mpsc::Sender<()>, end: Arc<Mutex<Option<Failure>>>) {
    loop {
        match poll_fn(|context| driver.poll_message(context)).await {
            // When the channel is full, whoever reads it has not looked yet and will.
            Some(Ok(AsyncMessage::Notification(_))) => drop(tell.try_send(())),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                *end.lock().unwrap_or_else(PoisonError::into_inner) = Some(Failure::Database(error));
                return;
            }
            None => return,
        }
    }
}

#[async_trait]
impl News for Listening {
    async fn next(&mut self) -> Result<(), StoreError> {
        if self.told.recv().await.is_some() {
            return Ok(());
        }
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = || StoreError::Away { place: self.place.clone(), problem: "the connection for news ended".into() };
        Err(end.map_or_else(ended, |failure| failure.at(&self.place)))
    }
}
