//! The two pieces of the saddle-point form: Stirling's remainder, and how far a count is from where it was expected.

/// ln sqrt(2π).
pub(super) const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_8;

/// Coefficients B(2k)/(2k(2k-1)) of the expansion of ln Γ (DLMF 5.11.1).
const SERIES: [f64; 8] =
    [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0, 1.0 / 156.0, -3617.0 / 122_400.0];

/// From here on the series is exact to a double's last bit or two.
const SERIES_FROM: f64 = 8.0;

/// The remainder of 1…7, since most counts are small integers.
const SMALL: [f64; 7] = [
    0.081_061_466_795_327_26,
    0.041_340_695_955_409_3,
    0.027_677_925_684_998_34,
    0.020_790_672_103_765_093,
    0.016_644_691_189_821_193,
    0.013_876_128_823_070_748,
    0.011_896_709_945_891_77,
];

/// ln Γ(z+1) - (z+1/2) ln z + z - ln sqrt(2π), for z > 0. Below [`SERIES_FROM`] by Γ(z+1) = Γ(z+1+m)/((z+1)…(z+m)).
pub(super) fn remainder(z: f64) -> f64 {
    if z >= SERIES_FROM {
        return series(z);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and below 8")]
    let whole = z as usize;
    if crate::pareto::float(whole).to_bits() == z.to_bits() {
        return SMALL[whole - 1];
    }
    let (mut far, mut product) = (z, 1.0);
    while far < SERIES_FROM {
        far += 1.0;
        product *= far;
    }
    series(far) + (far + 0.5) * libm::log(far) - (far - z) - (z + 0.5) * libm::log(z) - libm::log(product)
}

fn series(z: f64) -> f64 {
    let square = 1.0 / (z * z);
    SERIES.iter().rev().fold(0.0, |sum, it| sum * square + it) / z
}

/// x ln(x/m) + m - x, given the difference x - m apart, since the caller often has it without cancellation (Loader's D0, section 3).
pub(super) fn deviance(x: f64, m: f64, difference: f64) -> f64 {
    if difference.abs() >= 0.1 * (x + m) {
        return x * libm::log(x / m) - difference;
    }
    let ratio = difference / (x + m);
    let square = ratio * ratio;
    let (mut sum, mut term, mut odd) = (difference * ratio, 2.0 * x * ratio, 1.0);
    // |ratio| < 0.1: each term is less than a hundredth of the one before.
    for _ in 0..9 {
        term *= square;
        odd += 2.0;
        sum += term / odd;
    }
    sum
}
