//! Processes that die, or sleep for longer than the group waits.

use std::time::{Duration, SystemTime};

use crate::cluster::Cluster;
use crate::instance::{Instance, Stage};

/// Events for each life of the process.
const EVENTS: usize = 1_500;

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|it| it.parse().expect("it is a number"))
}

/// Steele, Lea and Flood's `SplitMix64`.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut it = *state;
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// `NIGHTJAR_KILLS` says how often, `NIGHTJAR_SEED` when.
pub(crate) fn alerts_are_those_of_one_uninterrupted_run_however_often_the_process_is_killed(cluster: &Cluster) {
    let kills = number("NIGHTJAR_KILLS").unwrap_or(4);
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = number("NIGHTJAR_SEED").unwrap_or(u64::from(clock));
    let about = format!("NIGHTJAR_KILLS={kills} NIGHTJAR_SEED={seed}");
    eprintln!("{about}");
    let mut random = seed;
    let mut stage = Stage::new("crash", cluster);
    for life in 0..kills {
        stage.write(EVENTS);
        // With a name the next life aborts what this one leaves open, without one it times out.
        let named: &[(&str, &str)] = if life % 2 == 0 { &[("NIGHTJAR_KAFKA__INSTANCE_ID", "one")] } else { &[] };
        let instance = stage.start(named);
        // Mostly at work; one in five while it starts.
        if !next(&mut random).is_multiple_of(5) {
            instance.logged("partition assigned");
        }
        // One in three while it reloads its rules, or soon after.
        let is_reloading = next(&mut random).is_multiple_of(3);
        if is_reloading {
            instance.listen(Duration::from_millis(next(&mut random) % 300));
            stage.change_rules();
            instance.signal("-HUP");
        }
        instance.listen(Duration::from_millis(next(&mut random) % if is_reloading { 200 } else { 500 }));
        instance.kill();
    }
    stage.write(EVENTS);
    let last = stage.start(&[]);
    stage.await_committed(&[&last]);
    stage.await_alerts(&[&last]);
    last.stop();
    stage.check(&about);
}

/// With a session of minutes, so that nobody could take the partitions up for as long as that.
pub(crate) fn an_instance_that_starts_again_under_its_name_goes_on_at_once_though_the_group_would_wait_for_minutes(
    cluster: &Cluster,
) {
    let mut stage = Stage::new("again", cluster);
    let file = stage.path.join("nightjar.toml");
    let (two_seconds, minutes) = ("\"session.timeout.ms\" = 2_000", "\"session.timeout.ms\" = 240_000");
    let configuration = std::fs::read_to_string(&file).unwrap();
    assert!(configuration.contains(two_seconds));
    std::fs::write(&file, configuration.replace(two_seconds, minutes)).unwrap();
    for is_killed in [true, false, true] {
        stage.write(EVENTS);
        let instance = stage.start(&[("NIGHTJAR_KAFKA__INSTANCE_ID", "one")]);
        stage.await_committed(&[&instance]);
        if is_killed { instance.kill() } else { instance.stop() }
    }
    stage.write(EVENTS);
    let last = stage.start(&[("NIGHTJAR_KAFKA__INSTANCE_ID", "one")]);
    stage.await_committed(&[&last]);
    stage.await_alerts(&[&last]);
    last.stop();
    stage.check("under its name");
}

/// Half of the partitions when it joins, the other half when the first one dies.
pub(crate) fn an_instance_that_stands_by_takes_partitions_up_with_what_it_has_in_memory(cluster: &Cluster) {
    let mut stage = Stage::new("standby", cluster);
    stage.write(4 * EVENTS);
    let first = stage.start(&[]);
    stage.await_committed(&[&first]);
    // The last of its checkpoints are written when there is nothing more to do.
    first.listen(Duration::from_secs(1));
    let second = stage.start(&[("NIGHTJAR_CHECKPOINTS__STANDBY", "true")]);
    let found = second.logged("standing by");
    assert!(found["partitions"].as_u64() >= Some(4) && found["bytes"].as_u64() > Some(10_000), "{found}");
    second.logged("its checkpoint was in memory");
    stage.write(EVENTS);
    stage.await_committed(&[&first, &second]);
    first.kill();
    stage.write(EVENTS);
    for _ in 0..2 {
        second.logged("its checkpoint was in memory");
    }
    stage.await_committed(&[&second]);
    stage.await_alerts(&[&second]);
    second.stop();
    stage.check("standing by");
}

/// Three places for instances: in each round one of them is filled, or whoever is there is killed or ends in order; once the broker dies.
pub(crate) fn alerts_are_those_of_one_uninterrupted_run_while_three_instances_come_go_and_die_and_the_broker_too(_: &Cluster) {
    let rounds = number("NIGHTJAR_KILLS").unwrap_or(8);
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = number("NIGHTJAR_SEED").unwrap_or(u64::from(clock));
    let about = format!("NIGHTJAR_KILLS={rounds} NIGHTJAR_SEED={seed}");
    eprintln!("{about}");
    let mut random = seed;
    // One of its own, since it dies.
    let cluster = Cluster::start(1);
    let mut stage = Stage::new("three", &cluster);
    let mut places: [Option<Instance>; 3] = [None, None, None];
    for round in 0..rounds {
        stage.write(EVENTS);
        let at = usize::try_from(next(&mut random) % 3).unwrap();
        match places[at].take() {
            None => {
                let [name, standby] = [["a", "false"], ["b", "true"], ["c", "true"]][at];
                let environment = [("NIGHTJAR_KAFKA__INSTANCE_ID", name), ("NIGHTJAR_CHECKPOINTS__STANDBY", standby)];
                places[at] = Some(stage.start(&environment));
            }
            Some(it) if next(&mut random).is_multiple_of(3) => it.stop(),
            Some(it) => it.kill(),
        }
        // Each looks at its rules once a second: for a while they have different ones.
        if next(&mut random).is_multiple_of(3) {
            stage.change_rules();
        }
        if round == rounds / 2 {
            cluster.order("kill", 1);
            cluster.order("start", 1);
        }
        let time = Duration::from_millis(next(&mut random) % 1_500 / places.len() as u64);
        places.iter().flatten().for_each(|it| it.listen(time));
    }
    stage.write(EVENTS);
    let last = stage.start(&[]);
    let all: Vec<&Instance> = places.iter().flatten().chain([&last]).collect();
    stage.await_committed(&all);
    stage.await_alerts(&all);
    places.into_iter().flatten().for_each(Instance::stop);
    last.stop();
    stage.check(&about);
}

pub(crate) fn an_instance_that_was_frozen_and_wakes_up_commits_nothing_that_another_has(cluster: &Cluster) {
    let mut stage = Stage::new("frozen", cluster);
    stage.write(EVENTS);
    let sleeper = stage.start(&[]);
    sleeper.logged("partition assigned");
    sleeper.listen(Duration::from_millis(150));
    sleeper.signal("-STOP");
    stage.write(EVENTS);
    let other = stage.start(&[]);
    stage.await_committed(&[&other]);
    sleeper.signal("-CONT");
    sleeper.logged("partition given up");
    stage.write(EVENTS);
    stage.await_committed(&[&sleeper, &other]);
    stage.await_alerts(&[&sleeper, &other]);
    sleeper.stop();
    other.stop();
    stage.check("an instance that was frozen");
}
