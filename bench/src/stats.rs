//! Medians and percentiles.

use std::time::Duration;

/// How long things took.
#[derive(Default)]
pub(crate) struct Latencies(Vec<u32>);

impl Latencies {
    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The least that this share of them does not exceed, in milliseconds; 0 of none.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length"
        )]
        let rank = (share * float(sorted.len())).ceil() as usize;
        let value = sorted.get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1)));
        f64::from(value.copied().unwrap_or(0)) / 1000.0
    }
}

/// A number of things, as a float: counts here are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(crate) fn float(number: usize) -> f64 {
    number as f64
}

/// How long, in milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The middle one; NaN of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(middle(half.wrapping_sub(1)), middle(half))
    } else {
        middle(half)
    }
}

/// The least and the greatest; `None` of none.
pub(crate) fn extremes(values: &[f64]) -> Option<[f64; 2]> {
    let least = values.iter().copied().min_by(f64::total_cmp)?;
    let greatest = values.iter().copied().max_by(f64::total_cmp)?;
    Some([least, greatest])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_few() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!((median(&[7.0]) - 7.0).abs() < 1e-9);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_ends_of_few() {
        assert_eq!(extremes(&[3.0, 1.0, 2.0]), Some([1.0, 3.0]));
        assert_eq!(extremes(&[]), None);
    }

    #[test]
    fn a_percentile_is_one_of_them() {
        let mut latencies = Latencies::default();
        assert!(latencies.percentile(0.5).abs() < 1e-9, "of none");
        for millis in (1..=100).rev() {
            latencies.push(Duration::from_millis(millis));
        }
        let expected = [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)];
        for (share, expected) in expected {
            assert!((latencies.percentile(share) - expected).abs() < 1e-9, "{share}");
        }
        let mut more = Latencies::default();
        more.push(Duration::from_micros(200_500));
        latencies.extend(more);
        assert_eq!(latencies.len(), 101);
        assert!((latencies.percentile(1.0) - 200.5).abs() < 1e-9);
    }
}
