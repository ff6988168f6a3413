//! How often tests repeat races, measurements and kills. A normal run repeats them a few times;
//! environment variables ask for more.

/// Rounds of a race or a measurement: `MENJIN_TEST_ROUNDS`, or else this many.
pub fn rounds(few: usize) -> usize {
    from_environment("MENJIN_TEST_ROUNDS").unwrap_or(few)
}

/// How often a server is killed in the middle of writing: `MENJIN_TEST_KILLS`, or else this often.
pub fn kills(few: usize) -> usize {
    from_environment("MENJIN_TEST_KILLS").unwrap_or(few)
}

fn from_environment(name: &str) -> Option<usize> {
    let text = std::env::var(name).ok()?;
    match text.parse() {
        Ok(number) if number > 0 => Some(number),
        _ => panic!("{name}={text}: a number above 0"),
    }
}
