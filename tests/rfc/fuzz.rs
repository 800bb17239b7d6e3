//! Random bytes and damaged torture messages: nothing panics, what is read can be written and read again,
//! and how a stream is cut into pieces makes no difference.

use bytes::Bytes;
use hotline::sip::framing::{Frame, Framer};
use hotline::sip::header;
use hotline::sip::message::{HeaderName, Headers, Message};
use hotline::sip::parse::parse;
use hotline::sip::uri::Uri;
use hotline::sip::write;

use super::corpus::cases;

/// Where (modulo the length), what to do, with which byte.
type Damage = Vec<(u16, u8, u8)>;

fn damaged(original: &[u8], damage: &Damage) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for (at, how, byte) in damage.iter().take(8) {
        if bytes.is_empty() {
            break;
        }
        let at = usize::from(*at) % bytes.len();
        // Half of all damage is done with the bytes that mean something.
        let telling = b"\r\n :;,<>\"\\%@?=[]/\0\xff09";
        let byte = if byte & 1 == 0 { *byte } else { telling[usize::from(*byte) % telling.len()] };
        match how % 4 {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 => drop(bytes.remove(at)),
            _ => {
                let end = (at + usize::from(byte)).min(bytes.len());
                bytes.extend_from_within(at..end);
            }
        }
    }
    bytes
}

fn look_at_everything(headers: &Headers) {
    let _ =
        (headers.via(), headers.from(), headers.to(), headers.contact(), headers.cseq(), headers.call_id());
    for header in &headers.0 {
        let _ = header::name_addrs(headers, &header.name);
        let _ = headers.number(&header.name);
        let _ = header::auth_params(&header.value);
    }
    let mut changed = headers.clone();
    header::add_to_tag(&mut changed, "t");
    let source = "192.0.2.9:5060".parse().expect("an address");
    if header::stamp_top_via(&mut changed, source).is_ok() {
        let stamped = changed.via().expect("a stamped Via can be read");
        assert_eq!(stamped.branch, headers.via().expect("it could be before").branch);
    }
}

fn survives(bytes: &[u8]) {
    let Ok(message) = parse(&Bytes::copy_from_slice(bytes)) else { return };
    let written = match &message {
        Message::Request(request) => write::request(request),
        Message::Response(response) => write::response(response),
    };
    look_at_everything(match &message {
        Message::Request(request) => &request.headers,
        Message::Response(response) => &response.headers,
    });
    assert_eq!(parse(&written).as_ref(), Ok(&message), "{}", written.escape_ascii());
    // On a stream it is one frame, whole.
    assert_eq!(frames(&[&written]), [Frame::Message(written.clone())]);
}

fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
    let mut framer = Framer::default();
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(piece);
        frames.extend(std::iter::from_fn(|| framer.next_frame()));
    }
    frames
}

/// Cuts `bytes` after the given lengths, the rest being the last piece.
fn pieces<'a>(mut bytes: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, rest) = bytes.split_at(usize::from(*length).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

#[test]
fn random_bytes_never_panic() {
    bolero::check!().with_type::<Vec<u8>>().with_iterations(20_000).for_each(|bytes| {
        survives(bytes);
        let _ = Uri::parse(bytes);
    });
}

#[test]
fn damaged_messages_are_refused_or_read_back_the_same() {
    let corpus: Vec<Bytes> = cases().map(|case| case.bytes()).collect();
    bolero::check!().with_type::<(u8, Damage)>().with_iterations(15_000).for_each(|(which, damage)| {
        survives(&damaged(&corpus[usize::from(*which) % corpus.len()], damage));
    });
}

#[test]
fn uris_are_written_as_they_read() {
    let seeds: [&[u8]; 4] = [
        b"sip:a%40b;c@[2001:db8::1]:5060;lr;x=%3B?h=v",
        b"tel:+1-2;ext=3",
        b"sips:h.example;a=b",
        b"urn:x:y",
    ];
    bolero::check!().with_type::<(u8, Damage)>().with_iterations(20_000).for_each(|(which, damage)| {
        let bytes = damaged(seeds[usize::from(*which) % seeds.len()], damage);
        if let Ok(uri) = Uri::parse(&bytes) {
            assert_eq!(Uri::parse(uri.to_string().as_bytes()).as_ref(), Ok(&uri), "{uri}");
        }
    });
}

#[test]
fn addresses_are_written_as_they_read() {
    let seeds: [&[u8]; 3] =
        [b"\"A \\\" b\" <sip:a@b;lr>;tag=x;y=\"z;\"", b"A b<tel:+1>;q=0.1", b"sip:a@b;tag=1"];
    bolero::check!().with_type::<(u8, Damage)>().with_iterations(20_000).for_each(|(which, damage)| {
        let mut headers = Headers::default();
        let mut value = damaged(seeds[usize::from(*which) % seeds.len()], damage);
        // The parser never lets a line end into a value.
        value.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        headers.push(HeaderName::From, value);
        if let Ok(address) = headers.from() {
            let mut written = Headers::default();
            written.push(HeaderName::From, address.to_string());
            assert_eq!(written.from().as_ref(), Ok(&address), "{address}");
        }
    });
}

#[test]
fn a_stream_gives_the_same_frames_however_it_is_cut() {
    let corpus: Vec<Bytes> = cases().map(|case| case.bytes()).collect();
    let check = bolero::check!().with_type::<(u8, u8, Damage, Vec<u8>)>().with_iterations(5_000);
    check.for_each(|(first, second, damage, lengths)| {
        let mut stream = damaged(&corpus[usize::from(*first) % corpus.len()], damage);
        stream.extend_from_slice(&corpus[usize::from(*second) % corpus.len()]);
        assert_eq!(frames(&pieces(&stream, lengths)), frames(&[&stream]));
    });
}
