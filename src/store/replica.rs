//! What a replica says about itself, as stores keep it.

use super::Replica;

/// Replicas that were silent for so many seconds, a day, are forgotten.
pub(super) const MEMORY: u64 = 24 * 60 * 60;

impl Replica {
    /// The settings as one text.
    pub(super) fn settings_text(&self) -> Result<String, String> {
        serde_json::to_string(&self.settings).map_err(|error| error.to_string())
    }

    /// The replica, or what is wrong with the row.
    pub(super) fn read(name: String, settings: &str) -> Result<Self, String> {
        match serde_json::from_str(settings) {
            Ok(settings) => Ok(Self { name, settings }),
            Err(error) => Err(format!("what the replica {name} said: {error}")),
        }
    }
}
