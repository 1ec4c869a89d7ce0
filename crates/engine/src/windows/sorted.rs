//! The numbers inside one window in order, so that the n-th is at hand: buckets of bounded size, each sorted.

/// A bucket of more is split in two.
const BUCKET_MAX: usize = 512;

/// A sorted multiset.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// None is empty.
    buckets: Vec<Vec<i128>>,
}

impl Sorted {
    pub(super) fn insert(&mut self, number: i128) {
        let at = self.bucket_of(number).min(self.buckets.len().saturating_sub(1));
        let Some(bucket) = self.buckets.get_mut(at) else {
            self.buckets.push(vec![number]);
            return;
        };
        bucket.insert(bucket.partition_point(|it| *it < number), number);
        if bucket.len() > BUCKET_MAX {
            let upper = bucket.split_off(BUCKET_MAX / 2);
            self.buckets.insert(at + 1, upper);
        }
    }

    /// Takes one away that is equal to `number`.
    pub(super) fn remove(&mut self, number: i128) {
        let at = self.bucket_of(number);
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        let place = bucket.partition_point(|it| *it < number);
        if bucket.get(place) == Some(&number) {
            bucket.remove(place);
        }
        if bucket.is_empty() {
            self.buckets.remove(at);
        }
    }

    /// The number that `below` others precede; 0 if there is none.
    pub(super) fn nth(&self, below: usize) -> i128 {
        let mut below = below;
        for bucket in &self.buckets {
            if let Some(number) = bucket.get(below) {
                return *number;
            }
            below -= bucket.len();
        }
        0
    }

    /// The first bucket that ends with `number` or more.
    fn bucket_of(&self, number: i128) -> usize {
        self.buckets.partition_point(|it| it.last().is_some_and(|last| *last < number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nth_is_that_of_a_sorted_vector(steps in prop::collection::vec((any::<bool>(), -50_i128..50), 1..3_000)) {
            let (mut sorted, mut naive) = (Sorted::default(), Vec::new());
            for (adds, number) in steps {
                if adds {
                    sorted.insert(number);
                    naive.push(number);
                } else if let Some(at) = naive.iter().position(|it| *it == number) {
                    sorted.remove(number);
                    naive.swap_remove(at);
                }
            }
            naive.sort_unstable();
            for (below, number) in naive.iter().enumerate() {
                prop_assert_eq!(sorted.nth(below), *number);
            }
        }
    }
}
