//! Every scenario passes on a port that works and names what a broken one does.

mod toy;

use serve::{Load, SCENARIOS, Service};
use suite::MSEC;
use toy::{Fault, Toy};

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
        time: 300 * MSEC,
        patience,
        seed: 7,
    };
    (scenario.run)(&Toy::new(fault), load, &|_| {}).expect(name)
}

fn names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name)
}

#[test]
fn a_port_that_works_is_clean() {
    for name in names() {
        let service = serve(name, Fault::None);
        assert!(service.is_clean(), "{name}: {:?}", service.tally.findings);
        assert!(service.taken > 100, "{name}: {service:?}");
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
        assert_eq!(findings.lost, 1, "{name}: {findings:?}");
        assert!(
            findings
                .failures
                .iter()
                .any(|line| line.starts_with("stuck: 1 events")),
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
    for name in names() {
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
    for name in names() {
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
    for name in ["go-poller", "thread-pool"] {
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
    for name in names() {
        let service = serve(name, Fault::Refuse(50));
        assert!(!service.is_clean());
        let failures = &service.tally.findings.failures;
        assert!(
            failures.iter().any(|why| why.contains("port_send: EINVAL")),
            "{name}: {failures:?}"
        );
    }
}
