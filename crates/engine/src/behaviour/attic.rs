//! Where profiles go that have to make way, and come from when their people act again.

/// Keeps the profiles for which there is no room in memory, as bytes. What it does not keep is forgotten, and that is counted.
pub trait Attic: std::fmt::Debug + Send {
    /// Takes a profile in; one of the same person that is there already is replaced. Whether it could be kept.
    fn keep(&mut self, id: u128, profile: Vec<u8>) -> bool;
    /// Gives a profile back, and keeps it no longer.
    fn bring(&mut self, id: u128) -> Brought;
}

/// What an [`Attic`] has of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// Nothing was kept.
    Nothing,
    /// The profile, as it was given.
    Profile(Vec<u8>),
    /// It was kept and can't be read.
    Lost,
}
