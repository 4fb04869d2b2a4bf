//! A cluster of three nodes on loopback, each with a third of the slots.

use super::{PASSWORD_IN_URL, Program, Server, ask, free_address, until};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex as Lock, PoisonError, Weak};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The slots of the three nodes.
const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

/// Three nodes that know each other.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    /// Starts them; returns when every node knows that the cluster is whole.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let (nodes, buses): (Vec<Server>, Vec<SocketAddr>) = SLOTS.iter().map(|_| node()).unzip();
        for (epoch, (node, (first, last))) in (1..).zip(nodes.iter().zip(SLOTS)) {
            node.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
            node.ask::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()]);
        }
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            let (ip, port) = (node.address().ip().to_string(), node.address().port().to_string());
            nodes[0].ask::<()>(&["CLUSTER", "MEET", &ip, &port, &bus.port().to_string()]);
        }
        let cluster = Self { nodes };
        cluster.wait_for_state("ok", &[]);
        // A node that waits for its disk, or for its turn on a busy machine, is not one that is gone.
        cluster.takes_a_node_for_gone_after(60_000);
        cluster
    }

    /// From now on a node that is killed is soon found to be gone, and one that is slow, too.
    #[track_caller]
    pub(crate) fn notices_soon(&self) {
        self.takes_a_node_for_gone_after(2000);
    }

    fn takes_a_node_for_gone_after(&self, milliseconds: u32) {
        for node in &self.nodes {
            node.ask::<()>(&["CONFIG", "SET", "cluster-node-timeout", &milliseconds.to_string()]);
        }
    }

    /// Waits until every node, but for those that are `gone`, says that this is the state of the cluster of three.
    #[track_caller]
    pub(crate) fn wait_for_state(&self, state: &str, gone: &[usize]) {
        let said = format!("cluster_state:{state}\r");
        for (_, node) in self.nodes.iter().enumerate().filter(|(at, _)| !gone.contains(at)) {
            until(&said, || {
                let info: String = node.ask(&["CLUSTER", "INFO"]);
                info.contains(&said) && info.contains("cluster_known_nodes:3")
            });
        }
    }

    /// The URL of its store.
    pub(crate) fn url(&self) -> String {
        let addresses: Vec<_> = self.nodes.iter().map(|node| node.address().to_string()).collect();
        format!("redis-cluster://:{PASSWORD_IN_URL}@{}", addresses.join(","))
    }

    /// The node that holds the keys of samehand.
    #[track_caller]
    pub(crate) fn home(&self) -> &Server {
        let slot: u16 = self.nodes[0].ask(&["CLUSTER", "KEYSLOT", "{samehand}"]);
        let holds = |(first, last): &(&str, &str)| {
            (first.parse().expect("a slot")..=last.parse().expect("a slot")).contains(&slot)
        };
        &self.nodes[SLOTS.iter().position(holds).expect("every slot has its node")]
    }
}

fn node() -> (Server, SocketAddr) {
    let bus = free_address();
    let port = bus.port().to_string();
    let settings = ["--cluster-enabled", "yes", "--cluster-port", &port, "--cluster-node-timeout", "2000"];
    (Server::start_with(Program::Valkey, &[&settings[..], &super::DURABLE].concat()), bus)
}

/// A cluster that tests take turns at, each with an empty one. It takes seconds to start, and has no databases.
pub(crate) struct Shared {
    cluster: Arc<SharedCluster>,
    _turn: OwnedMutexGuard<()>,
}

struct SharedCluster {
    cluster: Cluster,
    turn: Arc<Mutex<()>>,
}

impl Shared {
    /// Waits for the turn. The cluster lives as long as somebody has it or waits for it.
    pub(crate) async fn take() -> Self {
        static SHARED: Lock<Weak<SharedCluster>> = Lock::new(Weak::new());
        let cluster = {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            shared.upgrade().unwrap_or_else(|| {
                let cluster = Arc::new(SharedCluster { cluster: Cluster::start(), turn: Arc::default() });
                *shared = Arc::downgrade(&cluster);
                cluster
            })
        };
        let turn = Arc::clone(&cluster.turn).lock_owned().await;
        for node in &cluster.cluster.nodes {
            ask::<()>(node.address(), &["FLUSHALL"]);
        }
        Self { cluster, _turn: turn }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster.cluster
    }
}
