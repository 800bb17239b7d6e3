//! A timeline as a stereo WAV file: caller left, bank right, 16 bits, 8 kHz. Any part of it can be had
//! without making the rest, for players that ask for ranges.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::read::{Tape, TapeError};
use super::seal::TapeKey;
use super::timeline::{RATE, Timeline};

const HEADER: u64 = 44;

/// Bytes of one sample of one side.
const SAMPLE: u64 = 2;

/// Bytes of one sample of both sides.
const FRAME: u64 = 2 * SAMPLE;

/// Samples rendered at a time when exporting: one second.
const STRETCH: u64 = RATE as u64;

/// Reads the tape at `path` for playing.
pub fn render(path: &Path, key: Option<&TapeKey>) -> Result<Wav, TapeError> {
    Ok(Wav::new(Arc::new(Timeline::new(Tape::read(path, key)?))))
}

/// Bytes of the whole file.
pub fn wav_len(timeline: &Timeline) -> u64 {
    HEADER + timeline.samples() * FRAME
}

/// The file's bytes from `start` on, `length` of them or to its end.
pub fn read_range(timeline: &Timeline, start: u64, length: usize) -> Vec<u8> {
    let end = start.saturating_add(length as u64).min(wav_len(timeline));
    if start >= end {
        return Vec::new();
    }
    let mut bytes = Vec::with_capacity((end - start) as usize + FRAME as usize);
    let header = header(timeline);
    if start < HEADER {
        bytes.extend_from_slice(&header[start as usize..end.min(HEADER) as usize]);
    }
    if end > HEADER {
        let from = start.max(HEADER) - HEADER;
        let first = from / FRAME;
        let count = (end - HEADER).div_ceil(FRAME) - first;
        let mut sound = vec![0; count as usize * 2];
        timeline.stereo(first, &mut sound);
        let sound = sound.iter().flat_map(|sample| sample.to_le_bytes());
        bytes.extend(sound.skip((from % FRAME) as usize));
        bytes.truncate((end - start) as usize);
    }
    bytes
}

/// A part of the caller's side by itself: a file of one channel.
pub fn caller(timeline: &Timeline, part: Range<u64>) -> Vec<u8> {
    let mut bytes = head(1, (part.end - part.start) * SAMPLE).to_vec();
    let mut from = part.start;
    while from < part.end {
        let count = STRETCH.min(part.end - from);
        let mut sound = vec![0; count as usize * 2];
        timeline.stereo(from, &mut sound);
        bytes.extend(sound.chunks_exact(2).flat_map(|both| both[0].to_le_bytes()));
        from += count;
    }
    bytes
}

/// Writes the whole file.
pub fn write(timeline: &Timeline, out: impl Write + Seek) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(out, spec)?;
    let mut from = 0;
    while from < timeline.samples() {
        let count = STRETCH.min(timeline.samples() - from);
        let mut sound = vec![0; count as usize * 2];
        timeline.stereo(from, &mut sound);
        for sample in sound {
            writer.write_sample(sample)?;
        }
        from += count;
    }
    writer.finalize()
}

fn header(timeline: &Timeline) -> [u8; HEADER as usize] {
    head(2, timeline.samples() * FRAME)
}

/// RIFF header of PCM sound. A tape's limit keeps the length far below 4 GiB; were it not, players stop early.
fn head(channels: u16, sound: u64) -> [u8; HEADER as usize] {
    let sound = u32::try_from(sound).unwrap_or(u32::MAX - HEADER as u32);
    let frame = channels * SAMPLE as u16;
    let mut header = [0; HEADER as usize];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&(sound + HEADER as u32 - 8).to_le_bytes());
    put(b"WAVEfmt ");
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&channels.to_le_bytes());
    put(&RATE.to_le_bytes());
    put(&(RATE * u32::from(frame)).to_le_bytes());
    put(&frame.to_le_bytes());
    put(&16u16.to_le_bytes());
    put(b"data");
    put(&sound.to_le_bytes());
    header
}

/// A tape as if it were a WAV file; made as it is read.
#[derive(Clone)]
pub struct Wav {
    timeline: Arc<Timeline>,
    place: u64,
}

impl Wav {
    pub fn new(timeline: Arc<Timeline>) -> Wav {
        Wav { timeline, place: 0 }
    }

    /// Bytes of the whole file.
    pub fn length(&self) -> u64 {
        wav_len(&self.timeline)
    }
}

impl Read for Wav {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wanted = out.len().min((STRETCH * FRAME) as usize);
        let bytes = read_range(&self.timeline, self.place, wanted);
        out[..bytes.len()].copy_from_slice(&bytes);
        self.place += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Seek for Wav {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
        };
        self.place = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.place)
    }
}
