//! The key ring on disk and in settings.

pub mod pem;
