//! Every `User-Agent` that a client of the model can send, and its family as samehand tells it: the histories of
//! `tests/data/user_agents`, and what they become in desktop mode.

use crate::agents;
use samehand::check::user_agent::UserAgent;
use std::{collections::BTreeMap, ops::Range};

pub(crate) struct Agents {
    values: Vec<String>,
    families: Vec<Vec<u8>>,
    versions: BTreeMap<&'static str, Range<usize>>,
    in_desktop_mode: BTreeMap<String, usize>,
}

impl Agents {
    pub(crate) fn read() -> Self {
        let (mut values, mut versions) = (Vec::new(), BTreeMap::new());
        for (browser, _) in agents::BROWSERS {
            let first = values.len();
            values.extend(agents::history(browser));
            versions.insert(browser, first..values.len());
        }
        let mut in_desktop_mode = BTreeMap::new();
        for (browser, _, desktop) in agents::desktop_mode() {
            in_desktop_mode.insert(browser, values.len());
            values.push(desktop);
        }
        let families = values.iter().map(|value| {
            let mut family = Vec::new();
            UserAgent::from_bytes(Some(value.as_bytes())).family(&mut family);
            family
        });
        Self { families: families.collect(), values, versions, in_desktop_mode }
    }

    /// The places of a browser's values, oldest first.
    pub(crate) fn versions(&self, browser: &str) -> Range<usize> {
        self.versions[browser].clone()
    }

    /// The place of what a browser sends in desktop mode.
    pub(crate) fn in_desktop_mode(&self, browser: &str) -> usize {
        self.in_desktop_mode[browser]
    }

    pub(crate) fn get(&self, place: usize) -> UserAgent<'_> {
        UserAgent::from_bytes(Some(self.values[place].as_bytes()))
    }

    pub(crate) fn are_one_family(&self, one: usize, other: usize) -> bool {
        self.families[one] == self.families[other]
    }
}
