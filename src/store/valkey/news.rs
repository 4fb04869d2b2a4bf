//! News from other processes: what scripts publish on one channel. A message says only that something changed.

use super::failed::Place;
use super::link::Link;
use super::scripts::NEWS;
use crate::store::{News, StoreError};
use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisResult};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A subscription that is not confirmed for so long is none.
const CONFIRM: Duration = Duration::from_secs(4);

/// A subscription on a connection of its own.
pub(super) struct Subscription {
    place: Arc<Place>,
    heard: UnboundedReceiver<PushInfo>,
    /// Closed with the subscription.
    _connection: MultiplexedConnection,
}

impl Subscription {
    /// Subscribes; returns when the server has confirmed it.
    pub(super) async fn new(link: &Link) -> Result<Self, StoreError> {
        let (tell, heard) = unbounded_channel();
        let subscribed = async {
            let mut connection = link.url().listen(tell).await?;
            connection.subscribe(NEWS).await?;
            RedisResult::Ok(connection)
        };
        let place = link.place();
        match tokio::time::timeout(CONFIRM, subscribed).await {
            Ok(Ok(connection)) => Ok(Self { place, heard, _connection: connection }),
            Ok(Err(error)) => Err(place.failed(&error)),
            Err(_) => Err(place.away("it confirms no subscription".into())),
        }
    }

    fn lost(&self) -> StoreError {
        self.place.away("the subscription was lost".into())
    }
}

#[async_trait]
impl News for Subscription {
    async fn next(&mut self) -> Result<(), StoreError> {
        loop {
            let push = self.heard.recv().await.ok_or_else(|| self.lost())?;
            if push.kind == PushKind::Disconnection {
                return Err(self.lost());
            }
            if push.kind == PushKind::Message {
                return Ok(());
            }
        }
    }
}
