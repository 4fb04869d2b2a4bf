//! Chances that are the same on every machine: PCG XSL RR 128/64 (O'Neill 2014), begun at states that SplitMix64 (Steele,
//! Lea, Flood 2014) makes of the seed, and whole numbers only. It never reads a clock or the system's randomness.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;

/// The seed of everything in `docs/efficacy.md`.
pub(crate) const SEED: u64 = 20_261_126;

/// What is drawn for a client, each from chances of its own: another value for one figure leaves all else as it was.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Matter {
    Line,
    FourAtHome,
    SixAtHome,
    Places,
    Browser,
    Visits,
    Connections,
    Thieves,
}

pub(crate) struct Chance(Pcg64);

impl Chance {
    pub(crate) fn of(client: u32, matter: Matter) -> Self {
        let mut seed = SEED ^ (u64::from(client) << 32 | matter as u64);
        let mut word = || u128::from(split_mix(&mut seed));
        let (state, stream) = (word() << 64 | word(), word());
        Self(Pcg64::new(state, stream))
    }

    /// Any number below `end`. The high word of a product (Lemire 2019, without the rejection: the numbers here are so
    /// small against 2^64 that nobody could see the bias).
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        let product = u128::from(self.0.next_u64()) * u128::from(end);
        u32::try_from(product >> 64).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// True once in `cases` cases.
    pub(crate) fn once_in(&mut self, cases: u32) -> bool {
        self.below(cases) == 0
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[test]
fn the_chances_are_those_of_the_page() {
    // The first outputs of SplitMix64 for the state 0.
    let mut state = 0;
    assert_eq!([split_mix(&mut state), split_mix(&mut state)], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    let mut chance = Chance::of(7, Matter::Line);
    let ones = (0..100_000).filter(|_| chance.percent(30)).count();
    assert!((29_500..30_500).contains(&ones), "{ones} of 100000 where 30 % were asked for");
}
