use super::*;
use proptest::prelude::*;

/// A list beside a plain one that is sorted anew with every entry: time, value, and where it is said to be.
#[derive(Default)]
struct Twin {
    list: List,
    naive: Vec<(i64, u32, u32)>,
}

impl Twin {
    fn insert(&mut self, timeline: &mut Timeline<u32>, time_ms: i64, value: u32) {
        let (event, actor) = texts(value);
        let entry = Entry { time_ms, value, event: &event, actor: &actor };
        let naive = &mut self.naive;
        let at = timeline.insert(&mut self.list, &entry, |value, from, to| {
            let known = naive.iter_mut().find(|it| it.1 == value).expect("only what is there moves");
            assert_eq!(known.2, from);
            known.2 = to;
        });
        naive.push((time_ms, value, at));
        naive.sort_by_key(|it| it.0);
    }

    fn remove(&mut self, timeline: &mut Timeline<u32>, which: usize) {
        if !self.naive.is_empty() {
            let (_, _, at) = self.naive.remove(which % self.naive.len());
            timeline.remove(&mut self.list, at);
        }
    }

    fn check(&self, timeline: &Timeline<u32>) {
        let places: Vec<u32> = timeline.places(&self.list).collect();
        let ours: Vec<_> = places.iter().map(|it| (timeline.time(*it), timeline.value(*it), *it)).collect();
        assert_eq!(ours, self.naive);
        assert_eq!(self.list.len as usize, self.naive.len());
        let mut back: Vec<u32> = timeline.latest(&self.list).into_iter().flat_map(|it| timeline.back_from(it)).collect();
        back.reverse();
        assert_eq!(back, places);
        for &(_, value, at) in &self.naive {
            let (event, actor) = texts(value);
            let sign = timeline.sign(at);
            assert_eq!((sign.event, sign.actor.cloned().unwrap_or_default()), (&event, actor));
        }
    }
}

fn texts(value: u32) -> (SmallText, SmallText) {
    let actor = if value.is_multiple_of(3) { format!("a{value}") } else { String::new() };
    (SmallText::from(&*format!("e{value}")), SmallText::from(&*actor))
}

proptest! {
    #[test]
    fn lists_hold_what_was_put_in_and_not_taken_out_in_order_and_say_what_moves(
        steps in prop::collection::vec((0_usize..4, -3_i64..12, prop::option::weighted(0.35, 0_usize..100)), 1..200),
    ) {
        let mut timeline = Timeline::new(true);
        let mut twins: [Twin; 4] = std::array::from_fn(|_| Twin::default());
        let mut now_ms = 0;
        for (value, (which, step_ms, removed)) in (0..).zip(steps) {
            now_ms += step_ms;
            match removed {
                Some(at) => twins[which].remove(&mut timeline, at),
                None => twins[which].insert(&mut timeline, now_ms, value),
            }
            twins.iter().for_each(|it| it.check(&timeline));
            prop_assert_eq!(timeline.used(), twins.iter().map(|it| it.naive.len()).sum::<usize>());
        }
    }
}

#[test]
fn a_window_of_two_takes_no_chunk_and_one_that_has_grown_gives_its_pair_back() {
    let mut timeline = Timeline::new(true);
    let mut twins: Vec<Twin> = (0..100).map(|_| Twin::default()).collect();
    for twin in &mut twins {
        twin.insert(&mut timeline, 0, 0);
        twin.insert(&mut timeline, 1, 1);
    }
    assert_eq!((timeline.pairs.len(), timeline.chunks.len()), (100, 0));
    twins[7].insert(&mut timeline, 2, 2);
    assert_eq!((timeline.chunks.len(), timeline.free_pairs.len()), (1, 1));
    let mut another = Twin::default();
    another.insert(&mut timeline, 0, 0);
    assert_eq!((timeline.pairs.len(), timeline.free_pairs.len()), (100, 0), "the pair is used again");
    while let Some(it) = timeline.first_chunk(&twins[7].list) {
        timeline.remove_chunk(&mut twins[7].list, it.chunk);
    }
    twins[7].naive.clear();
    twins[7].insert(&mut timeline, 9, 9);
    assert_eq!((timeline.pairs.len(), timeline.free.len()), (101, 1), "what was emptied begins with a pair again");
    twins.iter().for_each(|it| it.check(&timeline));
}
