//! A day in milliseconds and moments of one clock that cannot be set; the other one is whatever a row says.

use super::*;

const START: u64 = 1_800_000_000_000;
const HOUR: u64 = 3_600_000;

fn noted(mark_ms: u64) -> Noted {
    Noted { mark_ms, said_ms: mark_ms, said_by: 1, ..Noted::default() }
}

/// Listens once a second for so long, to a clock that is so far ahead, and returns what there was to say.
fn listen(clock: &mut StoreClock, from: Instant, seconds: u64, ahead: i64, noted: &Noted) -> Vec<Event> {
    let mut events = Vec::new();
    for second in 0..=seconds {
        let clock_ms = (START + second * 1000).saturating_add_signed(ahead);
        events.extend(clock.hear(from + Duration::from_secs(second), clock_ms, noted));
    }
    events
}

#[test]
fn a_clock_at_the_start_is_believed_as_far_as_its_mark_explains() {
    let now = Instant::now();
    for (mark, believed, event) in [
        (0, true, None),
        (START, true, None),
        (START - HOUR, true, None),
        (START - HOUR - 1000, false, Some(Event::Unexplained(3601))),
        (START - 400 * 24 * HOUR, false, Some(Event::Unexplained(400 * 86_400))),
        (START + 30_000, true, None),
        (START + 10 * HOUR, true, Some(Event::BehindMark(36_000))),
    ] {
        let mut clock = StoreClock::new(7, true, now);
        assert_eq!(clock.hear(now, START, &noted(mark)), Vec::from_iter(event), "{mark}");
        assert_eq!(clock.believed_ms(now).is_some(), believed, "{mark}");
        assert!(clock.hear(now, START, &noted(mark)).is_empty(), "once");
    }
}

#[test]
fn a_jump_while_it_runs_is_said_and_believed_after_an_hour_that_went_evenly() {
    let start = Instant::now();
    for hours in [10, 40 * 24, 400 * 24, -10, -40 * 24] {
        let mut clock = StoreClock::new(7, true, start);
        let mark = noted(START);
        assert!(clock.hear(start, START, &mark).is_empty());
        let ahead = hours * 3_600_000;
        let events = listen(&mut clock, start, 3598, ahead, &mark);
        assert_eq!(events[0], Event::Jumped(ahead / 1000));
        let late = start + Duration::from_secs(3598);
        assert_eq!(clock.believed_ms(late).is_some(), hours < 0, "{hours}");
        let later = start + CONFIRMED + Duration::from_secs(1);
        let events = clock.hear(later, (START + HOUR + 1000).saturating_add_signed(ahead), &mark);
        assert_eq!(events, Vec::from_iter((hours > 0).then_some(Event::Believed)), "{hours}");
        assert!(clock.believed_ms(later).is_some());
    }
}

#[test]
fn a_jump_that_is_undone_was_never_believed() {
    let start = Instant::now();
    let (mut clock, mark) = (StoreClock::new(7, true, start), noted(START));
    let moment = |seconds| start + Duration::from_secs(seconds);
    assert!(clock.hear(start, START, &mark).is_empty());
    assert_eq!(clock.hear(moment(1), START + 10 * HOUR, &mark).len(), 2);
    assert_eq!(clock.believed_ms(moment(1)), None);
    assert_eq!(clock.hear(moment(2), START + 2000, &mark), [Event::Jumped(-35_999), Event::Believed]);
    assert_eq!(clock.believed_ms(moment(3)), Some(START + 3000));
}

#[test]
fn while_another_process_says_something_else_nobody_is_believed() {
    let start = Instant::now();
    let moment = |seconds| start + Duration::from_secs(seconds);
    for (said, event) in [(START - HOUR, Event::Apart(3600)), (START + HOUR, Event::Apart(-3600))] {
        let mut clock = StoreClock::new(7, true, start);
        let others = |at: u64| Noted { said_ms: said + at * 1000, said_by: 9, ..noted(START) };
        assert!(!clock.hear(start, START, &others(0)).contains(&event), "it may be long ago");
        assert_eq!(clock.hear(moment(1), START + 1000, &others(1)), [event]);
        assert!(clock.hear(moment(31), START + 31_000, &others(31)).is_empty(), "once");
        assert_eq!(clock.believed_ms(moment(31)), None);
        assert_eq!(clock.ahead_of_others_ms(moment(31)) > 0, said < START);
        let own = Noted { said_by: 7, said_ms: START, ..noted(START) };
        assert!(clock.hear(moment(122), START + 122_000, &own).is_empty());
        assert!(clock.believed_ms(moment(122)).is_some(), "the other one is gone");
        assert_eq!(clock.ahead_of_others_ms(moment(122)), 0);
        // Where all share one clock, what was said before it was set is no other clock.
        let mut shared = StoreClock::new(7, false, start);
        shared.hear(start, START, &others(0));
        assert!(shared.hear(moment(1), START + 1000, &others(1)).is_empty());
    }
}

#[test]
fn what_is_remembered_is_forgotten_by_a_clock_that_its_mark_explains() {
    let noted = noted(START);
    assert_eq!(noted.at_most_believed(START + 60_000), START + 60_000);
    assert_eq!(noted.at_most_believed(START + 10 * HOUR), START + 120_000);
    assert_eq!(noted.at_most_believed(START - HOUR), START - HOUR);
    assert_eq!(Noted::default().at_most_believed(START), START);
}
