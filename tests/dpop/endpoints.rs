//! samehand's own endpoints with proofs: signing in, renewing, who am I, signing out; and for back ends and administrators.

use crate::world::World;

pub(crate) fn a_session_is_renewed_shown_and_ended_with_proofs(_world: &World) {}
