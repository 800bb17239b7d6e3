//! `cargo bench --bench srtp`: what a packet of 20 ms of G.711 (12 + 160 bytes) costs to protect and to open, by suite.
//!
//! One thread, three rounds; the least and the largest of the rounds are printed. Everything is in the cache, as it
//! is not with a thousand calls: the relay's own benchmark tells that.

use std::hint::black_box;
use std::time::Instant;

use hotline::media::rtp::Header;
use hotline::media::srtp::keying::{Keying, MasterKey, Suite};
use hotline::media::srtp::{Srtp, TAG_BYTES};
use hotline::rng::Rng;

const PACKET: usize = 172;
const PACKETS: u32 = 400_000;
const ROUNDS: usize = 3;

fn ends(suite: Suite) -> (Srtp, Srtp) {
    let mut rng = Rng::seeded(1);
    let (ours, theirs) = (MasterKey::drawn(suite, &mut rng), MasterKey::drawn(suite, &mut rng));
    let keying = Keying::new(ours, theirs).expect("one suite");
    (Srtp::new(&keying), Srtp::new(&keying.swapped()))
}

/// Nanoseconds to protect and to open a packet.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn round(suite: Suite) -> (f64, f64) {
    let (mut ann, mut bob) = ends(suite);
    let mut buffer = [0; PACKET + TAG_BYTES];
    let (mut protecting, mut opening) = (0, 0);
    // In hundreds, so that the clock is read seldom.
    let mut sealed = [[0; PACKET + TAG_BYTES]; 100];
    for hundred in 0..PACKETS / 100 {
        let before = Instant::now();
        for (place, packet) in sealed.iter_mut().enumerate() {
            let number = hundred * 100 + place as u32;
            let header = Header {
                marker: false,
                payload_type: 8,
                sequence: number as u16,
                timestamp: number.wrapping_mul(160),
                ssrc: 7,
            };
            header.write(buffer.first_chunk_mut().expect("room for a header"));
            buffer[12..PACKET].fill(0xD5);
            ann.protect(&mut buffer, PACKET).expect("it can be protected");
            *packet = buffer;
        }
        protecting += before.elapsed().as_nanos();
        let before = Instant::now();
        for packet in &mut sealed {
            let length = PACKET + suite.tag_bytes();
            black_box(bob.unprotect(&mut packet[..length]).expect("it is authentic"));
        }
        opening += before.elapsed().as_nanos();
    }
    let each = |sum: u128| sum as f64 / f64::from(PACKETS);
    (each(protecting), each(opening))
}

fn main() {
    println!("{:<26} {:>18} {:>18}", "suite", "protect, ns", "open, ns");
    for suite in Suite::ALL {
        let rounds: Vec<_> = (0..ROUNDS).map(|_| round(suite)).collect();
        let range = |of: fn(&(f64, f64)) -> f64| {
            let least = rounds.iter().map(of).fold(f64::MAX, f64::min);
            let most = rounds.iter().map(of).fold(0.0, f64::max);
            format!("{least:.0} to {most:.0}")
        };
        println!("{:<26} {:>18} {:>18}", suite.name(), range(|r| r.0), range(|r| r.1));
    }
}
