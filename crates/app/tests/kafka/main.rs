//! The binary against a real Kafka: what its alerts topic has in the end, whatever happens to its processes.
//!
//! Without a broker all cases are listed as ignored, with the reason; `tests/kafka/cluster fetch` brings one. The embedded Kafka can't show
//! any of them: it has no isolation, stores no offsets of transactions and fences nobody.

#![allow(clippy::unwrap_used, missing_docs)]

mod blind;
#[path = "../../../../tests/kafka/cluster.rs"]
mod cluster;
mod crash;
mod instance;
mod startup;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Trial};

type Case = (&'static str, fn(&cluster::Cluster));

macro_rules! case {
    ($module:ident::$name:ident) => {
        (stringify!($name), $module::$name)
    };
}

const CASES: &[Case] = &[
    case!(crash::alerts_are_those_of_one_uninterrupted_run_however_often_the_process_is_killed),
    case!(crash::alerts_are_those_of_one_uninterrupted_run_while_three_instances_come_go_and_die_and_the_broker_too),
    case!(crash::an_instance_that_starts_again_under_its_name_goes_on_at_once_though_the_group_would_wait_for_minutes),
    case!(crash::an_instance_that_stands_by_takes_partitions_up_with_what_it_has_in_memory),
    case!(crash::an_instance_that_was_frozen_and_wakes_up_commits_nothing_that_another_has),
    case!(blind::numbers_that_are_missing_are_told_once_whichever_instances_have_the_partitions),
    case!(startup::a_topic_that_is_not_there_is_named_before_anything_is_read),
    case!(startup::wrong_credentials_are_told_at_once),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let missing = cluster::missing();
    // Started by the first case that wants it, for all of them; it ends with this function.
    let shared: Arc<OnceLock<cluster::Cluster>> = Arc::default();
    let trials = CASES.iter().map(|(name, run)| {
        let shared = Arc::clone(&shared);
        let trial = Trial::test(*name, move || {
            run(shared.get_or_init(|| cluster::Cluster::start(1)));
            Ok(())
        });
        match &missing {
            Some(why) => trial.with_kind(format!("skipped: {why}")).with_ignored_flag(true),
            None => trial,
        }
    });
    let done = libtest_mimic::run(&arguments, trials.collect());
    drop(shared);
    done.exit_code()
}
