//! The profiles of the crate `baseline`, over a generated organisation: one day after another, peers looked at anew each night.

use crate::world::{Change, FIRST_DAY, Habitant};
use baseline::calibrate::Calibration;
use baseline::observation::Observation;
use baseline::peers::{Peers, Tally};
use baseline::person::{Person, Surprise};

pub(crate) struct Ours {
    pub(crate) peers: Peers,
    pub(crate) calibration: Calibration,
    pub(crate) people: Vec<Person>,
}

impl Ours {
    pub(crate) fn of(count: usize, peers: Peers) -> Self {
        Self { peers, calibration: Calibration::default(), people: vec![Person::default(); count] }
    }

    /// Lives through `day`; `each` sees every event of everybody, with its surprise.
    pub(crate) fn live(
        &mut self,
        day: u16,
        habitants: &mut [Habitant],
        change: &dyn Fn(usize) -> Change,
        mut each: impl FnMut(usize, &[Observation], usize, &Surprise),
    ) {
        let (mut events, mut surprise) = (Vec::new(), Surprise::default());
        for (at, habitant) in habitants.iter_mut().enumerate() {
            habitant.day(FIRST_DAY + day, change(at), &mut events);
            let person = &mut self.people[at];
            let group = self.peers.of(habitant.group);
            for (n, it) in events.iter().enumerate() {
                person.advance(group, &mut self.calibration, it);
                person.surprise(group, it, &mut surprise);
                person.learn(group, &mut self.calibration, it, &surprise);
                each(at, &events, n, &surprise);
            }
        }
        let mut tally = Tally::of(&self.peers);
        self.people.iter().for_each(|it| tally.add(it));
        self.peers.recalibrate(self.calibration.clone());
        self.peers.refresh(tally);
        self.calibration.decay(1.0);
    }
}
