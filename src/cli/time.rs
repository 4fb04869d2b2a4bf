//! Times as people and scripts read them: RFC 3339 in UTC, to the second.

const DAY: u64 = 24 * 60 * 60;

/// `2026-01-31T23:59:59Z`, of seconds since 1970.
pub(super) fn rfc_3339(seconds: u64) -> String {
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day, of days since 1970. A year begins in March here, so that the odd day is its last; 400 of them
/// have the same number of days always.
fn date(days: u64) -> (u64, u64, u64) {
    const FROM_YEAR_0: u64 = 719_468;
    const IN_400_YEARS: u64 = 146_097;
    let days = days + FROM_YEAR_0;
    let (era, day_of_era) = (days / IN_400_YEARS, days % IN_400_YEARS);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_date_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_764_110_645, "2025-11-25T22:44:05Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc_3339(seconds), expected);
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut before = date(0);
        for day in 1..200_000 {
            let today = date(day);
            let follows = today.0 == before.0 && today.1 == before.1 && today.2 == before.2 + 1;
            let begins = today.2 == 1 && (28..=31).contains(&before.2) && {
                (today.0 == before.0 && today.1 == before.1 + 1)
                    || (today.0 == before.0 + 1 && (today.1, before.1) == (1, 12))
            };
            assert!(follows || begins, "{before:?} {today:?}");
            before = today;
        }
    }
}
