//! The Kafka edge against real brokers and against the embedded Kafka: real clients and sockets.
//!
//! Each case runs on every kind of broker that can show it. A case that a kind cannot show is listed as ignored, with the reason in
//! brackets; so are all cases on a real broker where there is none (`tests/kafka/cluster fetch` brings it).
//!
//! Nothing here sleeps: tests wait for what the runtime reports. Joining a group takes the embedded Kafka 3 s, and every
//! further change of the group almost a session timeout.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../../../../tests/kafka/cluster.rs"]
mod cluster;
mod faults;
mod members;
mod openings;
#[cfg(feature = "tls")]
mod secure;
mod support;
mod transactions;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Trial};
use support::{Kind, Site};

/// A test, and what a broker has to be able to.
struct Case {
    name: &'static str,
    run: fn(&Site),
    /// The kinds that cannot show it, with the reason.
    not_on: &'static [(Kind, &'static str)],
}

/// Faults are injected into the embedded Kafka only.
const MOCK_ONLY: &[(Kind, &str)] =
    &[(Kind::Apache, "a real broker does not refuse on command"), (Kind::Transactions, "a real broker does not refuse on command")];
/// No broker takes part.
const ONCE: &[(Kind, &str)] = &[(Kind::Apache, "there is no broker in it"), (Kind::Transactions, "there is no broker in it")];
/// What the embedded Kafka lacks.
const ISOLATION: &[(Kind, &str)] =
    &[(Kind::Mock, "the embedded Kafka has no read_committed isolation"), (Kind::Apache, "it is about transactions")];
const FENCING: &[(Kind, &str)] = &[(Kind::Mock, "the embedded Kafka does not fence"), (Kind::Apache, "it is about transactions")];
const REFUSING: &[(Kind, &str)] =
    &[(Kind::Mock, "the embedded Kafka has no topic that refuses long records"), (Kind::Apache, "it is about transactions")];
/// The same.
const TIMES: &[(Kind, &str)] = &[(Kind::Mock, "the embedded Kafka has no offsets_for_times")];
const RETENTION: &[(Kind, &str)] = &[(Kind::Mock, "the embedded Kafka has no retention and deletes no topics")];
const DELETING: &[(Kind, &str)] = &[
    (Kind::Mock, "the embedded Kafka has no retention and deletes no topics"),
    (Kind::Apache, "what is committed at least once may come late, and then counts for the topic that is made anew"),
];
const MARKERS: &[(Kind, &str)] = &[(Kind::Mock, "the embedded Kafka writes no markers")];
const GROWING: &[(Kind, &str)] = &[(Kind::Mock, "topics of the embedded Kafka don't grow")];
#[cfg(feature = "tls")]
const RENEWING: &[(Kind, &str)] = &[
    (Kind::Mock, "the embedded Kafka has neither TLS nor SASL"),
    (Kind::Apache, "at least once, what was under way when the broker went may come twice"),
];
#[cfg(feature = "tls")]
const SECURE: &[(Kind, &str)] = &[(Kind::Mock, "the embedded Kafka has neither TLS nor SASL")];
#[cfg(not(feature = "tls"))]
const WITHOUT_TLS: &[(Kind, &str)] = &[
    (Kind::Mock, "this build is without the feature `tls`"),
    (Kind::Apache, "this build is without the feature `tls`"),
    (Kind::Transactions, "this build is without the feature `tls`"),
];
const RESTARTING: &[(Kind, &str)] =
    &[(Kind::Mock, "the embedded Kafka forgets all when it ends"), (Kind::Apache, "it gives up after delivery_timeout_ms")];

macro_rules! case {
    ($($path:ident)::+, $not_on:expr) => {{
        let name = stringify!($($path)::+);
        Case { name: name.rsplit("::").next().unwrap_or(name).trim(), run: $($path)::+, not_on: $not_on }
    }};
}

fn cases() -> Vec<Case> {
    let mut cases = open_cases();
    #[cfg(feature = "tls")]
    cases.extend([
        case!(secure::an_expired_certificate_is_told_and_nothing_is_lost_until_it_is_renewed, RENEWING),
        case!(secure::a_password_is_proved_by_scram, SECURE),
    ]);
    #[cfg(not(feature = "tls"))]
    cases.extend(
        ["an_expired_certificate_is_told_and_nothing_is_lost_until_it_is_renewed", "a_password_is_proved_by_scram"]
            .map(|name| Case { name, run: |_| {}, not_on: WITHOUT_TLS }),
    );
    cases
}

fn open_cases() -> Vec<Case> {
    vec![
        case!(members::every_alert_arrives_the_ends_are_committed_and_a_restart_goes_on_there, &[]),
        case!(members::a_slow_handler_pauses_its_partition_and_loses_nothing, &[]),
        case!(members::an_oversize_message_is_reported_and_its_dead_letter_arrives, &[]),
        case!(members::messages_are_read_whatever_they_are_compressed_with, &[]),
        case!(members::a_panicking_handler_stops_the_member_without_committing_its_batch, &[]),
        case!(members::a_factory_that_fails_stops_the_member, &[]),
        case!(members::a_member_can_be_stopped_before_it_has_joined, &[]),
        case!(members::a_second_member_takes_over_partitions_and_gives_them_back_without_loss, &[]),
        case!(members::a_group_that_has_committed_nothing_begins_where_it_is_told, TIMES),
        case!(members::a_paced_producer_never_runs_out_of_what_the_broker_keeps, &[]),
        case!(openings::where_a_group_has_begun_is_remembered_though_nothing_came, &[]),
        case!(openings::what_retention_has_taken_is_told_in_an_alert_and_the_rest_is_read, RETENTION),
        case!(openings::retention_that_overtakes_a_running_member_is_told, RETENTION),
        case!(openings::a_topic_that_was_made_anew_is_read_from_its_beginning, RETENTION),
        case!(openings::partitions_are_loaded_beside_each_other_while_the_member_polls, &[]),
        case!(openings::a_partition_can_be_given_up_while_it_is_loaded, &[]),
        case!(openings::a_partition_that_is_added_is_read_from_its_beginning, GROWING),
        case!(openings::nothing_is_suppressed_or_repeated_where_what_was_committed_ends_at_a_marker, MARKERS),
        case!(openings::a_topic_that_is_deleted_while_it_is_read_is_told_and_the_others_go_on, DELETING),
        case!(transactions::what_an_aborted_transaction_wrote_is_never_seen_and_comes_once_with_the_next_start, ISOLATION),
        case!(transactions::an_instance_whose_name_another_takes_ends_and_commits_nothing_more, FENCING),
        case!(transactions::a_record_that_is_refused_for_good_ends_the_member_and_its_transaction, REFUSING),
        case!(transactions::a_broker_that_goes_and_comes_back_costs_nothing_and_repeats_nothing, RESTARTING),
        case!(transactions::an_instance_with_a_name_goes_on_when_its_own_transaction_has_timed_out, FENCING),
        case!(faults::a_record_that_is_refused_stops_the_member_without_committing_its_input, MOCK_ONLY),
        case!(faults::a_passing_trouble_of_the_broker_is_retried_without_loss, MOCK_ONLY),
        case!(faults::a_named_member_that_was_put_out_in_silence_takes_up_its_partitions_anew, MOCK_ONLY),
        case!(faults::offsets_for_which_no_coordinator_is_found_are_not_waited_for_for_ever, MOCK_ONLY),
        case!(faults::a_member_ends_in_time_while_no_coordinator_is_found, MOCK_ONLY),
        case!(faults::a_broker_that_is_not_there_is_named, ONCE),
    ]
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = cluster::missing();
    // Started by the first case that wants it, for all of them; it ends with this function.
    let shared: Arc<OnceLock<cluster::Cluster>> = Arc::default();
    let mut trials = Vec::new();
    for case in cases() {
        for kind in Kind::ALL {
            let lacks = case.not_on.iter().find(|it| it.0 == kind).map(|it| it.1);
            let lacks = lacks.or(missing.as_deref().filter(|_| kind != Kind::Mock));
            let shared = Arc::clone(&shared);
            let trial = Trial::test(format!("{}::{}", kind.as_str(), case.name), move || {
                (case.run)(&Site::new(kind, case.name, &shared));
                Ok(())
            });
            trials.push(match lacks {
                Some(why) => trial.with_kind(format!("skipped: {why}")).with_ignored_flag(true),
                None => trial,
            });
        }
    }
    let done = libtest_mimic::run(&arguments, trials);
    drop(shared);
    done.exit_code()
}
