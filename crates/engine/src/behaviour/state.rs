//! The profiles of a shard as bytes, and back to the bit.

use super::{Behaviour, BehaviourSettings, GroupKey, Names, Society};
use crate::bytes::Bytes;
use baseline::calibrate::Calibration;
use baseline::population::Population;
use std::sync::Arc;

type Saved<'b> = (Bytes<'b>, Calibration, Vec<GroupKey>, [u64; 4], Bytes<'b>);

impl Behaviour {
    /// Everything but [`Self::society`], which shards share.
    pub fn to_bytes(&self) -> Vec<u8> {
        let counts = [self.brought_back, self.forgotten, self.unmodelled, self.too_late];
        let (population, names) = (self.population.to_bytes(), self.names.to_bytes());
        let saved = (Bytes(&population), &self.calibration, &self.wanted, counts, Bytes(&names));
        postcard::to_allocvec(&saved).expect("writing to memory fails for no value of these types")
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// Says what is wrong with bytes of another version, cut off or damaged.
    pub fn from_bytes(settings: &BehaviourSettings, society: Arc<Society>, bytes: &[u8]) -> Result<Self, String> {
        let (population, calibration, wanted, counts, names): Saved<'_> =
            postcard::from_bytes(bytes).map_err(|it| it.to_string())?;
        let [brought_back, forgotten, unmodelled, too_late] = counts;
        let population = Population::from_bytes(population.0).map_err(|it| it.to_string())?;
        let wanted_known = wanted.iter().copied().collect();
        let names = Names::from_bytes(names.0)?;
        let restored = Self::with(settings.clone(), population, calibration, society);
        Ok(Self { wanted, wanted_known, names, brought_back, forgotten, unmodelled, too_late, ..restored })
    }
}
