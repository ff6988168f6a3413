//! From bytes to text: UTF-8, UTF-16 with its mark, or GB18030.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use encoding_rs::{Decoder, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// How many bytes are read at once.
const CHUNK: u64 = 64 * 1024;

/// Which encoding a source has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detected {
    encoding: &'static Encoding,
    /// How many bytes the mark at the beginning has.
    mark: u64,
    /// Whether all of it is known to be text. If not, U+FFFD stands for what is not.
    pub(crate) valid: bool,
}

/// Finds the encoding of a source: by its mark, or by reading all of it.
pub(crate) fn detect(source: &mut (impl Read + Seek)) -> io::Result<Detected> {
    match begin(source, 3)?.as_slice() {
        [0xEF, 0xBB, 0xBF] => Ok(Detected { encoding: UTF_8, mark: 3, valid: is_utf8(source)? }),
        [0xFF, 0xFE, ..] => Ok(Detected { encoding: UTF_16LE, mark: 2, valid: false }),
        [0xFE, 0xFF, ..] => Ok(Detected { encoding: UTF_16BE, mark: 2, valid: false }),
        _ if is_utf8(source)? => Ok(Detected { encoding: UTF_8, mark: 0, valid: true }),
        _ => Ok(Detected { encoding: GB18030, mark: 0, valid: false }),
    }
}

/// The first bytes of a source.
pub(crate) fn begin(source: &mut (impl Read + Seek), bytes: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.rewind()?;
    source.by_ref().take(bytes).read_to_end(&mut head)?;
    Ok(head)
}

fn is_utf8(source: &mut (impl Read + Seek)) -> io::Result<bool> {
    source.rewind()?;
    let mut data = Vec::new();
    loop {
        let ended = source.by_ref().take(CHUNK).read_to_end(&mut data)? == 0;
        let valid = match std::str::from_utf8(&data) {
            Ok(text) => text.len(),
            // The rest of a character may come with the next bytes.
            Err(error) if error.error_len().is_none() && !ended => error.valid_up_to(),
            Err(_) => return Ok(false),
        };
        if ended {
            return Ok(true);
        }
        data.drain(..valid);
    }
}

/// A source as UTF-8.
pub(crate) struct Decoded<R> {
    source: R,
    decoder: Decoder,
    input: Vec<u8>,
    output: String,
    /// How much of the output has been read.
    read: usize,
    ended: bool,
}

impl<R: Read + Seek> Decoded<R> {
    pub(crate) fn new(mut source: R, detected: Detected) -> io::Result<Self> {
        source.seek(SeekFrom::Start(detected.mark))?;
        Ok(Self {
            source,
            decoder: detected.encoding.new_decoder_without_bom_handling(),
            input: Vec::new(),
            output: String::new(),
            read: 0,
            ended: false,
        })
    }

    fn decode(&mut self) -> io::Result<()> {
        self.input.clear();
        self.output.clear();
        self.read = 0;
        self.ended = self.source.by_ref().take(CHUNK).read_to_end(&mut self.input)? == 0;
        let room = self.decoder.max_utf8_buffer_length(self.input.len());
        self.output.reserve(room.ok_or(io::ErrorKind::OutOfMemory)?);
        // All of the input fits.
        let _ = self.decoder.decode_to_string(&self.input, &mut self.output, self.ended);
        Ok(())
    }
}

impl<R: Read + Seek> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.read >= self.output.len() && !self.ended {
            self.decode()?;
        }
        Ok(self.output.as_bytes().get(self.read..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.read = self.read.saturating_add(amount);
    }
}

impl<R: Read + Seek> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
