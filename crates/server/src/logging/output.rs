//! Where lines go: to a sink that is expensive to call. A line is handed on at once while there are few;
//! in busy moments those of [`PAUSE`] go together. Warnings and errors never wait.
//!
//! Nothing waits once the process ends in an orderly way, or panics, which is an error. One that is
//! killed (SIGKILL) takes at most the lines of one such pause with it.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others at most.
const PAUSE: Duration = Duration::from_millis(10);
/// So many bytes go at once. A sink that does not keep up holds up whoever logs: lines are neither
/// dropped nor gathered without bounds.
const FULL: usize = 64 * 1024;

/// A way to the sink.
#[derive(Clone)]
pub(super) struct Output(Arc<Shared>);

struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to hand on, and it is not yet time.
    begun: Condvar,
    /// Taken before `waiting`, so that lines stay in order.
    sink: Mutex<Sink>,
}

struct Waiting {
    lines: Vec<u8>,
    handed_on_at: Option<Instant>,
    /// The end is near: no line waits any more.
    is_ending: bool,
}

struct Sink {
    out: Box<dyn Write + Send>,
    /// Exchanged with the lines that wait, so that nobody waits for the sink, and nothing is allocated.
    lines: Vec<u8>,
}

impl Output {
    /// Starts the thread that hands on what nobody else does, which lives as long as the process.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let output = Self(Arc::new(Shared {
            waiting: Mutex::new(Waiting {
                lines: Vec::new(),
                handed_on_at: None,
                is_ending: false,
            }),
            begun: Condvar::new(),
            sink: Mutex::new(Sink { out: Box::new(out), lines: Vec::new() }),
        }));
        let shared = Arc::clone(&output.0);
        thread::Builder::new().name("menjin-log".to_owned()).spawn(move || {
            loop {
                shared.await_lines();
                thread::sleep(PAUSE);
                shared.hand_on();
            }
        })?;
        Ok(output)
    }

    /// Hands on what waits, and whatever comes at once from now on.
    pub(super) fn end(&self) {
        self.0.waiting().is_ending = true;
        self.0.hand_on();
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8], is_urgent: bool) {
        let mut waiting = self.waiting();
        let begins = waiting.lines.is_empty();
        waiting.lines.extend_from_slice(line);
        let is_due = waiting.is_ending
            || waiting.lines.len() >= FULL
            || waiting.handed_on_at.is_none_or(|at| at.elapsed() >= PAUSE);
        drop(waiting);
        if is_urgent || is_due {
            self.hand_on();
        } else if begins {
            self.begun.notify_one();
        }
    }

    fn hand_on(&self) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let Sink { out, lines } = &mut *sink;
        let mut waiting = self.waiting();
        std::mem::swap(&mut waiting.lines, lines);
        waiting.handed_on_at = Some(Instant::now());
        drop(waiting);
        // Nobody could be told.
        drop(out.write_all(lines).and_then(|()| out.flush()));
        lines.clear();
    }

    fn await_lines(&self) {
        let is_empty = |waiting: &mut Waiting| waiting.lines.is_empty();
        let waited = self.begun.wait_while(self.waiting(), is_empty);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Takes the lines of one event.
pub(super) struct Line<'a> {
    shared: &'a Shared,
    is_urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.shared.add(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { shared: &self.0, is_urgent: true }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line { shared: &self.0, is_urgent: *meta.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells what it is handed.
    struct Told(mpsc::Sender<String>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn output() -> (Output, mpsc::Receiver<String>) {
        let (sender, told) = mpsc::channel();
        (Output::start(Told(sender)).unwrap(), told)
    }

    #[test]
    fn the_first_line_is_handed_on_at_once() {
        let (output, told) = output();
        output.0.add(b"one\n", false);
        assert_eq!(told.try_recv().unwrap(), "one\n");
    }

    #[test]
    fn what_follows_at_once_goes_together_and_without_being_asked_for() {
        let (output, told) = output();
        for number in 0..1000 {
            output.0.add(format!("{number}\n").as_bytes(), false);
        }
        let mut all = String::new();
        let mut times = 0;
        while all.lines().count() < 1000 {
            all += &told.recv_timeout(Duration::from_secs(30)).unwrap();
            times += 1;
        }
        for (number, line) in all.lines().enumerate() {
            assert_eq!(line, number.to_string());
        }
        assert!(times < 500, "{times}");
    }

    #[test]
    fn an_urgent_line_takes_those_before_it_along() {
        let (output, told) = output();
        for _ in 0..100 {
            output.0.add(b"one\n", false);
        }
        output.0.add(b"urgent\n", true);
        let all: String = told.try_iter().collect();
        assert!(all.ends_with("urgent\n"), "{all}");
        assert_eq!(all.lines().count(), 101);
    }

    #[test]
    fn at_the_end_nothing_waits() {
        let (output, told) = output();
        for _ in 0..100 {
            output.0.add(b"one\n", false);
        }
        output.end();
        output.0.add(b"late\n", false);
        output.0.add(b"later\n", false);
        let all: String = told.try_iter().collect();
        assert!(all.ends_with("one\nlate\nlater\n"), "{all}");
        assert_eq!(all.lines().count(), 102);
    }

    #[test]
    fn lines_of_many_threads_stay_whole_and_in_the_order_of_each() {
        let (output, told) = output();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let shared = &output.0;
                scope.spawn(move || {
                    for number in 0..5000 {
                        shared.add(format!("{thread} {number}\n").as_bytes(), false);
                    }
                });
            }
        });
        output.end();
        let all: String = told.try_iter().collect();
        let mut next = [0; 8];
        for line in all.lines() {
            let (thread, number) = line.split_once(' ').unwrap();
            let next = &mut next[thread.parse::<usize>().unwrap()];
            assert_eq!(number.parse::<usize>().unwrap(), *next);
            *next += 1;
        }
        assert_eq!(next, [5000; 8]);
    }
}
