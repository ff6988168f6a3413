//! Eksblowfish, on as many states at once as there are lanes.
//!
//! A single state leaves most of a core idle, because each round waits for four loads that depend
//! on the round before. The work on several states is independent, so the core overlaps it. For
//! that, the loops over the lanes must be unrolled, hence one function for each number of lanes.

#![expect(
    clippy::indexing_slicing,
    reason = "every index is a byte into 256 entries, a constant, or a loop variable below the \
              length of an array: the compiler drops the checks, and a checked access would say no more"
)]

use zeroize::Zeroize;

use crate::pi::{self, SUBKEY_COUNT};

/// The greatest number of lanes. More lanes do not fit into the first-level cache of any processor
/// of today, and even less into its registers.
pub(crate) const MAX_LANES: usize = 16;

/// `OrpheanBeholderScryDoubt`, which the result is the encryption of.
const PLAINTEXT: [[u32; 2]; 3] =
    [[0x4f72_7068, 0x6561_6e42], [0x6568_6f6c, 0x6465_7253], [0x6372_7944, 0x6f75_6274]];

/// How often the text is encrypted.
const ENCRYPTIONS: usize = 64;

/// Blowfish's tables after the key and the salt were mixed in: 4,168 bytes.
pub(crate) struct State {
    boxes: [[u32; 256]; 4],
    subkeys: [u32; SUBKEY_COUNT],
}

/// The two inputs between which a lane alternates: the key and the salt, each repeated to the
/// length of the subkeys.
pub(crate) struct Schedule {
    pub(crate) key: [u32; SUBKEY_COUNT],
    pub(crate) salt: [u32; SUBKEY_COUNT],
}

impl State {
    /// Empty: for a place that no lane has.
    pub(crate) const BLANK: Self = Self { boxes: [[0; 256]; 4], subkeys: [0; SUBKEY_COUNT] };

    /// Begins with a key and a salt: the whole set-up of bcrypt before the cost loop.
    pub(crate) fn begin(&mut self, schedule: &Schedule) {
        self.boxes = pi::BOXES;
        self.subkeys = pi::SUBKEYS;
        mix(&mut self.subkeys, &schedule.key);
        let salt = [[schedule.salt[0], schedule.salt[1]], [schedule.salt[2], schedule.salt[3]]];
        let ([mut left], [mut right]) = ([0], [0]);
        // There are nine pairs of subkeys: the boxes go on with the salt where those end.
        for pair in 0..SUBKEY_COUNT / 2 {
            [left, right] = self.encrypt([left ^ salt[pair % 2][0], right ^ salt[pair % 2][1]]);
            [self.subkeys[2 * pair], self.subkeys[2 * pair + 1]] = [left, right];
        }
        for number in 0..4 {
            for pair in 0..128 {
                let salt = salt[(pair + 1) % 2];
                [left, right] = self.encrypt([left ^ salt[0], right ^ salt[1]]);
                [self.boxes[number][2 * pair], self.boxes[number][2 * pair + 1]] = [left, right];
            }
        }
    }

    /// The digest, after the cost loop.
    pub(crate) fn digest(&self) -> [u8; 24] {
        let mut digest = [0; 24];
        for (block, bytes) in PLAINTEXT.into_iter().zip(digest.chunks_exact_mut(8)) {
            let [left, right] = (0..ENCRYPTIONS).fold(block, |block, _| self.encrypt(block));
            bytes[..4].copy_from_slice(&left.to_be_bytes());
            bytes[4..].copy_from_slice(&right.to_be_bytes());
        }
        digest
    }

    fn encrypt(&self, [left, right]: [u32; 2]) -> [u32; 2] {
        let ([left], [right]) = encrypt(std::array::from_ref(self), [left], [right]);
        [left, right]
    }

    /// All words of the state.
    #[cfg(test)]
    pub(crate) fn words(&self) -> impl Iterator<Item = u32> {
        self.boxes.as_flattened().iter().chain(&self.subkeys).copied()
    }

    /// Copies another state without a copy on the stack.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        for (own, others) in self.boxes.iter_mut().zip(&other.boxes) {
            own.copy_from_slice(others);
        }
        self.subkeys.copy_from_slice(&other.subkeys);
    }
}

impl Zeroize for State {
    fn zeroize(&mut self) {
        self.boxes.as_flattened_mut().zeroize();
        self.subkeys.zeroize();
    }
}

impl Schedule {
    /// Copies another schedule.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.key.copy_from_slice(&other.key);
        self.salt.copy_from_slice(&other.salt);
    }
}

impl Zeroize for Schedule {
    fn zeroize(&mut self) {
        self.key.zeroize();
        self.salt.zeroize();
    }
}

/// One iteration of the cost loop, for every lane: the key, then the salt.
pub(crate) fn iterate(states: &mut [State], schedules: &[Schedule]) {
    macro_rules! by_number {
        ($($lanes:literal)*) => {
            match (states.len(), schedules.len()) {
                $(($lanes, $lanes) => {
                    let (states, schedules) =
                        (states.first_chunk_mut(), schedules.first_chunk());
                    if let (Some(states), Some(schedules)) = (states, schedules) {
                        iterate_all::<$lanes>(states, schedules);
                    }
                })*
                // Slower, but equally correct.
                _ => for (state, schedule) in states.iter_mut().zip(schedules) {
                    iterate_all::<1>(std::array::from_mut(state), std::array::from_ref(schedule));
                },
            }
        };
    }
    by_number!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
}

fn iterate_all<const N: usize>(states: &mut [State; N], schedules: &[Schedule; N]) {
    for (state, schedule) in states.iter_mut().zip(schedules) {
        mix(&mut state.subkeys, &schedule.key);
    }
    churn(states);
    for (state, schedule) in states.iter_mut().zip(schedules) {
        mix(&mut state.subkeys, &schedule.salt);
    }
    churn(states);
}

fn mix(subkeys: &mut [u32; SUBKEY_COUNT], with: &[u32; SUBKEY_COUNT]) {
    for (subkey, word) in subkeys.iter_mut().zip(with) {
        *subkey ^= word;
    }
}

/// Replaces all words of each state by encryptions of each other, in a chain. bcrypt spends all of
/// its time here.
///
/// Never inlined: merged with its caller, it would need more registers than there are.
#[inline(never)]
fn churn<const N: usize>(states: &mut [State; N]) {
    let (mut left, mut right) = ([0; N], [0; N]);
    for pair in 0..SUBKEY_COUNT / 2 {
        (left, right) = encrypt(states, left, right);
        for lane in 0..N {
            states[lane].subkeys[2 * pair] = left[lane];
            states[lane].subkeys[2 * pair + 1] = right[lane];
        }
    }
    for number in 0..4 {
        for pair in 0..128 {
            (left, right) = encrypt(states, left, right);
            for lane in 0..N {
                states[lane].boxes[number][2 * pair] = left[lane];
                states[lane].boxes[number][2 * pair + 1] = right[lane];
            }
        }
    }
}

/// Blowfish's sixteen rounds.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the lanes have to stay in registers from call to call")]
fn encrypt<const N: usize>(
    states: &[State; N],
    mut left: [u32; N],
    mut right: [u32; N],
) -> ([u32; N], [u32; N]) {
    for pair in 0..SUBKEY_COUNT / 2 - 1 {
        for lane in 0..N {
            let State { boxes, subkeys } = &states[lane];
            left[lane] ^= subkeys[2 * pair];
            right[lane] ^= substitute(boxes, left[lane]) ^ subkeys[2 * pair + 1];
        }
        for lane in 0..N {
            left[lane] ^= substitute(&states[lane].boxes, right[lane]);
        }
    }
    for lane in 0..N {
        let State { subkeys, .. } = &states[lane];
        (left[lane], right[lane]) = (right[lane] ^ subkeys[17], left[lane] ^ subkeys[16]);
    }
    (left, right)
}

/// Blowfish's round function.
#[inline(always)]
#[expect(clippy::inline_always, reason = "five loads and ten instructions, sixteen times a block")]
#[expect(clippy::cast_possible_truncation, reason = "each takes one byte of the word")]
fn substitute(boxes: &[[u32; 256]; 4], word: u32) -> u32 {
    // One shift gives both upper bytes: one instruction less than with `to_be_bytes`, and 4 % of
    // the whole time.
    let upper = word >> 16;
    let [a, b, c, d] = [(upper >> 8) as u8, upper as u8, (word >> 8) as u8, word as u8];
    let sum = boxes[0][usize::from(a)].wrapping_add(boxes[1][usize::from(b)]);
    (sum ^ boxes[2][usize::from(c)]).wrapping_add(boxes[3][usize::from(d)])
}
