//! Medians and spreads.

use crate::report::Measured;

/// Median, lowest and highest of some values.
pub(crate) fn spread(values: &[f64]) -> Measured {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let highest = sorted[sorted.len() - 1];
    Measured { median: (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0, lowest: sorted[0], highest }
}

/// The ratios of what was measured in the same round.
pub(crate) fn ratios(of: &[f64], to: &[f64]) -> Measured {
    spread(&of.iter().zip(to).map(|(of, to)| of / to).collect::<Vec<_>>())
}

/// The differences of what was measured in the same round.
pub(crate) fn differences(of: &[f64], to: &[f64]) -> Measured {
    spread(&of.iter().zip(to).map(|(of, to)| of - to).collect::<Vec<_>>())
}

/// The value that this share of the values (0 to 1) does not exceed. The values are sorted.
pub(crate) fn quantile(sorted: &[u64], share: f64) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "a few million values")]
    let rank = (sorted.len() as f64 * share).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between nothing and all")]
    let place = (rank as usize).clamp(1, sorted.len()) - 1;
    sorted[place]
}
