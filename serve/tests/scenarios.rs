//! Every scenario passes on a port that works and names what a broken one does.

mod toy;

use serve::{Load, SCENARIOS, Service};
use suite::MSEC;
use toy::{Fault, Toy};

/// Enough for two active descriptors in `idle`.
const CONNECTIONS: u32 = 203;

/// Runs a scenario for 0.3 s with 3 threads.
fn serve(name: &str, fault: Fault) -> Service {
    let scenario = SCENARIOS
        .iter()
        .find(|scenario| scenario.name == name)
        .expect(name);
    let patience = match fault {
        Fault::None => 20_000 * MSEC,
        _ => 1_000 * MSEC,
    };
    let load = Load {
        threads: 3,
        connections: CONNECTIONS,
        time: 300 * MSEC,
        patience,
        seed: 7,
    };
    (scenario.run)(&Toy::new(fault), load, &|_| {}).expect(name)
}

fn names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name)
}

/// The scenarios whose events are user events: each stands for itself.
fn of_user_events() -> impl Iterator<Item = &'static str> {
    let without = SCENARIOS.iter().filter(|one| one.connections.is_none());
    without.map(|scenario| scenario.name)
}

/// The scenarios whose events say that there is something to read.
fn of_descriptors() -> [&'static str; 2] {
    ["echo", "idle"]
}

/// Is there a failure with these words?
fn says(service: &Service, words: &str) -> bool {
    let failures = &service.tally.findings.failures;
    failures.iter().any(|line| line.contains(words))
}

#[test]
fn a_port_that_works_is_clean() {
    for name in names() {
        let service = serve(name, Fault::None);
        assert!(service.is_clean(), "{name}: {:?}", service.tally.findings);
        assert!(service.taken > 100, "{name}: {}", service.taken);
        assert_eq!(service.tally.latency.total(), service.taken, "{name}");
        assert!(service.elapsed >= 300 * MSEC, "{name}: {}", service.elapsed);
        assert!(service.rate() > 0.0 && service.tally.calls > 0, "{name}");
    }
}

#[test]
fn scenarios_use_what_they_are_for() {
    let go = serve("go-poller", Fault::None);
    assert_eq!((go.retrievers, go.senders), (3, 2));
    assert!(go.alerts > 0 && go.tally.alerted >= go.alerts, "{go:?}");
    assert!(go.tally.interrupted > 0, "{:?}", go.tally.interrupted);
    let reader = serve("batch-reader", Fault::None);
    assert_eq!((reader.retrievers, reader.senders), (1, 3));
    assert!(
        reader.tally.calls < reader.taken,
        "batches hold more than one event"
    );
}

#[test]
fn a_lost_event_is_noticed() {
    for name in names() {
        let findings = serve(name, Fault::Lose(50)).tally.findings;
        // One event of a descriptor stands for all that was sent since the last.
        let most = if of_descriptors().contains(&name) {
            u64::MAX
        } else {
            1
        };
        assert!((1..=most).contains(&findings.lost), "{name}: {findings:?}");
        assert!(
            findings
                .failures
                .iter()
                .any(|line| line.starts_with("stuck: ") && line.contains("did not arrive")),
            "{findings:?}"
        );
        assert!(
            findings
                .examples
                .iter()
                .any(|line| line.starts_with("lost: event ")),
            "{findings:?}"
        );
    }
}

#[test]
fn a_duplicated_event_is_noticed() {
    for name in of_user_events() {
        let findings = serve(name, Fault::Duplicate(50)).tally.findings;
        assert_eq!(
            (findings.duplicated, findings.lost),
            (1, 0),
            "{name}: {findings:?}"
        );
    }
}

#[test]
fn an_overtaken_event_is_noticed() {
    // With several retrievers the two events may go to different threads.
    let findings = serve("batch-reader", Fault::Overtake(50)).tally.findings;
    assert!(findings.out_of_order >= 1, "{findings:?}");
    assert_eq!(
        (findings.duplicated, findings.lost, findings.foreign),
        (0, 0, 0),
        "{findings:?}"
    );
}

#[test]
fn an_event_with_other_content_is_noticed() {
    for name in of_user_events() {
        let findings = serve(name, Fault::Garble(50)).tally.findings;
        assert_eq!(
            (findings.foreign, findings.lost),
            (1, 1),
            "{name}: {findings:?}"
        );
    }
}

#[test]
fn a_lost_wakeup_is_noticed() {
    for name in ["go-poller", "thread-pool", "echo", "idle"] {
        let findings = serve(name, Fault::WakeNobody(50)).tally.findings;
        assert!(
            findings
                .failures
                .iter()
                .any(|line| line.starts_with("stuck: ")),
            "{name}: {findings:?}"
        );
    }
}

#[test]
fn a_backlog_that_is_not_delivered_is_noticed() {
    let findings = serve("batch-reader", Fault::FallShort).tally.findings;
    assert!(
        findings
            .failures
            .iter()
            .any(|line| line.contains("backlog")),
        "{findings:?}"
    );
}

#[test]
fn an_unexpected_error_ends_the_scenario() {
    for name in of_user_events() {
        let service = serve(name, Fault::Refuse(50));
        assert!(!service.is_clean());
        let failures = &service.tally.findings.failures;
        assert!(
            failures.iter().any(|why| why.contains("port_send: EINVAL")),
            "{name}: {failures:?}"
        );
    }
}

#[test]
fn descriptors_are_counted() {
    let echo = serve("echo", Fault::None);
    assert_eq!((echo.retrievers, echo.senders), (3, 2));
    assert_eq!(echo.connections, Some(CONNECTIONS));
    assert!(echo.tally.renewed > 0, "{}", echo.tally.renewed);
    let idle = serve("idle", Fault::None);
    assert_eq!((idle.retrievers, idle.senders), (3, 2));
    assert_eq!(idle.connections, Some(CONNECTIONS));
    assert!(idle.tally.calls > 0 && idle.taken > 0);
}

#[test]
fn an_event_of_a_descriptor_that_is_not_associated_is_noticed() {
    for name in of_descriptors() {
        let service = serve(name, Fault::Stutter(50));
        let words = "of a descriptor that is not associated";
        assert!(
            says(&service, words),
            "{name}: {:?}",
            service.tally.findings
        );
    }
}

#[test]
fn a_garbled_event_of_a_descriptor_is_noticed() {
    for name in of_descriptors() {
        let service = serve(name, Fault::Garble(50));
        let words = "not the event of an association";
        assert!(
            says(&service, words),
            "{name}: {:?}",
            service.tally.findings
        );
    }
}

#[test]
fn what_is_ready_when_it_is_associated_must_not_be_missed() {
    let service = serve("echo", Fault::NoLevelCheck);
    assert!(
        says(&service, "did not arrive"),
        "{:?}",
        service.tally.findings
    );
}

#[test]
fn a_connection_that_is_not_told_of_its_end_is_noticed() {
    let service = serve("echo", Fault::NoHangup);
    let words = format!("stuck: {CONNECTIONS} connections are not told");
    assert!(says(&service, &words), "{:?}", service.tally.findings);
}

#[test]
fn events_and_slots_that_survive_their_descriptor_are_noticed() {
    let service = serve("idle", Fault::KeepAtClose);
    let words = "events are queued although no descriptor is left";
    assert!(says(&service, words), "{:?}", service.tally.findings);
    let service = serve("idle", Fault::KeepSlots);
    let words = "slots are free without associations: EAGAIN";
    assert!(says(&service, words), "{:?}", service.tally.findings);
}
