//! How many distinct targets, in constant space.

mod horizon;
mod linear;
#[cfg(test)]
mod tests;
mod ultra;

pub use horizon::Horizon;
pub use linear::LinearCounting;
pub use ultra::Ultra;

use crate::counts::of_variance;
use crate::tails::NegativeBinomial;

/// What is predicted of an *estimate*: the prediction of the number, whose variance grows by that of the sketch, (e·x)² for a relative
/// standard error e at the estimate x. So a sketch's error is not mistaken for behaviour.
#[must_use]
pub fn predicted_estimate(predicted: NegativeBinomial, estimate: f64, relative_error: f64) -> NegativeBinomial {
    let error = relative_error * estimate;
    of_variance(predicted.mean(), predicted.variance() + error * error)
}
