//! The first 33,344 bits of the fraction of pi, with which Blowfish begins: 18 words of subkeys,
//! then four S-boxes of 256 words. A test computes them again.

#![expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where an index out of bounds is an error"
)]

/// How many words of subkeys there are: a key or a salt is repeated to as many.
pub(crate) const SUBKEY_COUNT: usize = 18;

/// Big-endian words, one after the other.
const BYTES: &[u8; 4 * (SUBKEY_COUNT + 4 * 256)] = include_bytes!("pi.bin");

/// Statics, so that a hash copies them from where they are.
pub(crate) static SUBKEYS: [u32; SUBKEY_COUNT] = words(0);

pub(crate) static BOXES: [[u32; 256]; 4] = [
    words(SUBKEY_COUNT),
    words(SUBKEY_COUNT + 256),
    words(SUBKEY_COUNT + 2 * 256),
    words(SUBKEY_COUNT + 3 * 256),
];

/// `N` words, from this one on.
const fn words<const N: usize>(first: usize) -> [u32; N] {
    let (all, _) = BYTES.as_chunks();
    let mut words = [0; N];
    let mut index = 0;
    while index < N {
        words[index] = u32::from_be_bytes(all[first + index]);
        index += 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of the fraction, with one word before them for the integer part. The last two words
    /// absorb the rounding errors of the divisions.
    const WORDS: usize = 1 + 18 + 4 * 256 + 2;

    /// A number below 2^32, most significant word first.
    type Number = [u32; WORDS];

    fn divide(number: &mut Number, by: u32) {
        let mut rest = 0;
        for word in number {
            let dividend = (rest << 32) | u64::from(*word);
            *word = u32::try_from(dividend / u64::from(by)).unwrap();
            rest = dividend % u64::from(by);
        }
    }

    fn add(to: &mut Number, number: &Number) {
        let mut carry = false;
        for (to, word) in to.iter_mut().zip(number).rev() {
            let (sum, one) = to.overflowing_add(*word);
            let (sum, other) = sum.overflowing_add(u32::from(carry));
            (*to, carry) = (sum, one || other);
        }
    }

    fn subtract(from: &mut Number, number: &Number) {
        let mut borrow = false;
        for (from, word) in from.iter_mut().zip(number).rev() {
            let (rest, one) = from.overflowing_sub(*word);
            let (rest, other) = rest.overflowing_sub(u32::from(borrow));
            (*from, borrow) = (rest, one || other);
        }
    }

    /// `factor * arctan(1/x)`, by its power series.
    fn arctan(factor: u32, x: u32) -> Number {
        let mut power = [0; WORDS];
        power[0] = factor;
        divide(&mut power, x);
        let (mut sum, mut odd, mut minus) = (power, 1, false);
        while power.iter().any(|word| *word != 0) {
            divide(&mut power, x * x);
            (odd, minus) = (odd + 2, !minus);
            let mut term = power;
            divide(&mut term, odd);
            if minus { subtract(&mut sum, &term) } else { add(&mut sum, &term) }
        }
        sum
    }

    /// Machin, 1706: pi = 16 arctan(1/5) - 4 arctan(1/239).
    #[test]
    fn the_tables_are_pi() {
        let mut pi = arctan(16, 5);
        subtract(&mut pi, &arctan(4, 239));
        assert_eq!(pi[0], 3);
        let tables: Vec<u32> = SUBKEYS.into_iter().chain(BOXES.into_iter().flatten()).collect();
        assert_eq!(pi[1..=tables.len()], tables);
    }
}
