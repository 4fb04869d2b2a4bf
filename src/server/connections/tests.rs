//! Connections of a worker whose ticks pass when a test says so.

use super::*;

const BUSY: &[u8] = b"busy";

fn worker(most: usize) -> Rc<Connections> {
    Rc::new(Connections::new(most, Arc::default()))
}

fn pass(worker: &Connections, ticks: u32) {
    for _ in 0..ticks {
        worker.pass();
    }
}

/// A connection that has asked once and was answered.
fn idle(worker: &Rc<Connections>) -> Rc<Progress> {
    let progress = worker.open(BUSY);
    progress.begin(false);
    progress.answered();
    progress
}

#[test]
fn a_slow_head_is_refused_whether_it_is_the_first_or_a_later_one() {
    let worker = worker(9);
    let (silent, first, later) = (worker.open(BUSY), worker.open(BUSY), idle(&worker));
    first.came(1);
    pass(&worker, HEAD);
    later.came(1);
    assert_eq!([silent.end(), first.end(), later.end()], [None; 3]);
    pass(&worker, 1);
    assert_eq!(silent.end(), Some(End::Closed));
    assert!(matches!(first.end(), Some(End::Refused(_))));
    // A byte now and then wins nothing.
    pass(&worker, HEAD - 1);
    later.came(1);
    assert_eq!(later.end(), None);
    pass(&worker, 1);
    assert!(matches!(later.end(), Some(End::Refused(_))));
}

#[test]
fn the_rest_of_an_answered_body_is_cut_off_without_a_word() {
    let worker = worker(9);
    let progress = worker.open(BUSY);
    progress.begin(true);
    progress.answered();
    progress.came(1);
    pass(&worker, HEAD + 1);
    assert_eq!(progress.end(), Some(End::Closed));
    let too_much = worker.open(BUSY);
    too_much.begin(true);
    too_much.answered();
    too_much.refuse(b"431");
    assert_eq!(too_much.end(), Some(End::Closed));
}

#[test]
fn an_idle_connection_outlives_the_pools_of_proxies_unless_there_are_many() {
    let few = worker(9);
    let progress = idle(&few);
    pass(&few, ticks(3600));
    assert_eq!(progress.end(), None);
    pass(&few, ticks(101));
    assert_eq!(progress.end(), Some(End::Closed));

    let many = worker(2 * MANY);
    let all: Vec<_> = (0..=MANY).map(|_| idle(&many)).collect();
    pass(&many, IDLE_AMONG_MANY);
    assert!(all.iter().all(|progress| progress.end().is_none()));
    pass(&many, 1);
    assert!(all.iter().all(|progress| progress.end() == Some(End::Closed)));
}

#[test]
fn a_request_that_is_answered_is_given_all_the_time_it_takes() {
    let worker = worker(9);
    let progress = worker.open(BUSY);
    progress.begin(true);
    pass(&worker, ticks(3700));
    assert_eq!(progress.end(), None);
}

#[test]
fn who_does_not_take_an_answer_is_closed() {
    let worker = worker(9);
    let (stuck, slow) = (idle(&worker), idle(&worker));
    for _ in 0..=ANSWER {
        stuck.blocked(true);
        slow.blocked(true);
        slow.blocked(false);
        pass(&worker, 1);
    }
    assert_eq!((stuck.end(), slow.end()), (Some(End::Closed), None));
}

#[test]
fn the_longest_idle_one_goes_first_and_those_being_answered_stay() {
    let worker = worker(4);
    let (answered, older) = (worker.open(BUSY), idle(&worker));
    answered.begin(false);
    pass(&worker, 1);
    let (slow, newer) = (worker.open(BUSY), idle(&worker));
    slow.came(1);
    let ends = || [&answered, &older, &slow, &newer].map(|progress| progress.end().is_some());
    assert_eq!(ends(), [false; 4]);
    assert_eq!(worker.open(BUSY).end(), None);
    assert_eq!(ends(), [false, true, false, false]);
    assert_eq!(worker.open(BUSY).end(), None);
    assert_eq!(ends(), [false, true, false, true]);
}

#[test]
fn where_all_are_being_answered_the_new_one_is_told_so() {
    let worker = worker(2);
    let (uploading, waiting) = (worker.open(BUSY), worker.open(BUSY));
    uploading.begin(true);
    waiting.begin(false);
    assert_eq!(worker.open(BUSY).end(), Some(End::Refused(BUSY)));
    // A body that does not come holds nobody up.
    pass(&worker, BODY + 1);
    assert_eq!(worker.open(BUSY).end(), None);
    assert_eq!((uploading.end(), waiting.end()), (Some(End::Closed), None));
}

#[test]
fn those_who_leave_make_room() {
    let worker = worker(3);
    let [first, second, third] = [(); 3].map(|()| idle(&worker));
    first.leave();
    third.leave();
    assert_eq!(worker.open.borrow().len(), 1);
    second.leave();
    assert!(worker.open.borrow().is_empty());
}

#[test]
fn a_worker_is_quiet_when_nobody_has_come_lately_or_has_begun_to_ask() {
    let worker = worker(9);
    let quiet = || worker.quiet.load(Ordering::Relaxed);
    pass(&worker, 2);
    assert_eq!(quiet(), 2);
    let progress = idle(&worker);
    pass(&worker, 1);
    assert_eq!(quiet(), 0);
    pass(&worker, 2);
    assert_eq!(quiet(), 2);
    progress.came(1);
    pass(&worker, 2);
    assert_eq!(quiet(), 0);
    // Whoever is being answered is waited for by the server itself.
    progress.begin(false);
    pass(&worker, 2);
    assert_eq!(quiet(), 2);
}
