use super::*;

/// A browser-like offer, shortened.
const OFFER: &str = "v=0\r\no=- 20518 2 IN IP4 203.0.113.1\r\ns= \r\nt=0 0\r\na=group:BUNDLE a v\r\n\
    c=IN IP4 203.0.113.141\r\nm=audio 54400 RTP/AVPF 111 0 101\r\na=mid:a\r\na=rtpmap:111 opus/48000/2\r\n\
    a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp:54401 IN IP4 203.0.113.142\r\na=rtcp-mux\r\na=sendonly\r\n\
    m=video 0 RTP/AVP 97\r\nc=IN IP6 2001:db8::1\r\na=inactive\r\n";

fn parse(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes()).unwrap()
}

#[test]
fn an_offer_is_read_into_its_parts() {
    let offer = parse(OFFER);
    assert_eq!((offer.origin.session, offer.origin.version), (20_518, 2));
    let [audio, video] = &offer.media[..] else { panic!() };
    assert!(audio.is_audio() && !video.is_audio());
    assert_eq!((audio.port, &audio.protocol[..], audio.formats.len()), (54_400, &b"RTP/AVPF"[..], 3));
    let opus = audio.formats[0].map.as_ref().unwrap();
    assert_eq!(
        (&opus.encoding[..], opus.clock_rate, opus.rest.as_deref()),
        (&b"opus"[..], 48_000, Some(&b"2"[..]))
    );
    assert_eq!(audio.formats[2].parameters.as_deref(), Some(&b"0-15"[..]));
    assert_eq!(audio.formats[2].payload_type(), Some(101));
    assert_eq!((audio.ptime, audio.rtcp_mux), (Some(20), true));
    assert_eq!(audio.rtcp, Some((54_401, Some("203.0.113.142".parse().unwrap()))));
    assert_eq!(offer.direction_of(audio), Direction::SendOnly);
    assert_eq!(offer.address_of(audio), Some(&Address::Ip("203.0.113.141".parse().unwrap())));
    assert_eq!(offer.address_of(video), Some(&Address::Ip("2001:db8::1".parse().unwrap())));
    assert_eq!(offer.attributes[0].name, b"group");
}

#[test]
fn what_is_written_is_read_alike() {
    let offer = parse(OFFER);
    assert_eq!(SessionDescription::parse(&offer.write()), Ok(offer));
}

#[test]
fn line_endings_blank_lines_spaces_and_strange_bytes_do_no_harm() {
    let mut body =
        b"v=0\no=b\xFCro 1 2 IN IP4 192.0.2.1\r\n\r\ns=\xFF\xFE\rt=0 0\nb=AS:64\nx=?\nc=IN  IP4 192.0.2.1 \n"
            .to_vec();
    body.extend_from_slice(b"m=audio 4000/2  RTP/AVP 8 \na=rtpmap:8 PCMA/8000 \na=x:\xC3\x28\na=recvonly");
    let description = SessionDescription::parse(&body).unwrap();
    assert_eq!(description.name, b"\xFF\xFE");
    assert_eq!(description.media[0].port, 4_000);
    assert_eq!(description.direction_of(&description.media[0]), Direction::RecvOnly);
    assert_eq!(description.media[0].attributes[0].value.as_deref(), Some(&b"\xC3\x28"[..]));
    assert_eq!(SessionDescription::parse(&description.write()), Ok(description));
}

#[test]
fn session_level_direction_holds_for_media_without_one() {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\na=inactive\r\nm=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\na=sendrecv\r\n";
    let description = parse(text);
    let directions: Vec<_> = description.media.iter().map(|media| description.direction_of(media)).collect();
    assert_eq!(directions, [Direction::Inactive, Direction::SendRecv]);
}

#[test]
fn names_and_multicast_are_kept_but_are_not_addresses() {
    for words in ["IN IP4 phone.example", "IN IP4 224.2.36.42/127", "IN IP6 192.0.2.1", "ATM NSAP 47"] {
        let description = parse(&format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc={words}\n"));
        assert_eq!(description.connection, Some(Address::Other(words.into())));
    }
}

#[test]
fn what_cannot_be_done_without_is_asked_for() {
    let why = |text: &str| SessionDescription::parse(text.as_bytes()).unwrap_err();
    assert_eq!(why(""), Malformed::Missing('v'));
    assert_eq!(why("v=0\r\ns=-\r\n"), Malformed::Missing('o'));
    assert_eq!(why("v=1\r\n"), Malformed::Line { line: 1 });
    assert_eq!(why("v=0\r\nINVITE\r\n"), Malformed::Line { line: 2 });
    assert_eq!(why("v=0\r\no=- x 1 IN IP4 1.2.3.4\r\n"), Malformed::Line { line: 2 });
    assert_eq!(why("v=0\r\nm=audio 65536 RTP/AVP 0\r\n"), Malformed::Line { line: 2 });
    assert_eq!(why("v=0\r\nm=audio +5 RTP/AVP 0\r\n"), Malformed::Line { line: 2 });
    assert_eq!(why("v=0\r\nm=audio\r\n"), Malformed::Line { line: 2 });
}

#[test]
fn limits_are_kept() {
    let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\n".to_owned();
    let why = |tail: String| SessionDescription::parse((head.clone() + &tail).as_bytes());
    assert_eq!(why("a=x\n".repeat(MAX_LINES)), Err(Malformed::TooManyLines));
    assert_eq!(why("m=audio 1 RTP/AVP 0\n".repeat(MAX_MEDIA + 1)), Err(Malformed::TooManyMedia));
    assert_eq!(
        why(format!("m=audio 1 RTP/AVP{}", " 0".repeat(MAX_FORMATS + 1))),
        Err(Malformed::TooManyFormats { line: 3 })
    );
    assert_eq!(why("a".repeat(MAX_BYTES)), Err(Malformed::TooLong));
}

#[test]
fn a_session_number_longer_than_64_bits_still_tells_versions_apart() {
    let with = |version: &str| parse(&format!("v=0\no=- 1 {version} IN IP4 192.0.2.1\ns=-\n"));
    let (first, second) = (with("36893488147419103232"), with("36893488147419103233"));
    assert!(!second.repeats(&first));
    assert!(first.repeats(&first.clone()));
}

#[test]
fn any_bytes_are_read_without_panic_and_writing_is_a_fixed_point() {
    let lines: Vec<&[u8]> = OFFER.as_bytes().split_inclusive(|byte| *byte == b'\n').collect();
    bolero::check!().with_iterations(3_000).for_each(|bytes: &[u8]| {
        let _ = SessionDescription::parse(bytes);
        // The offer's lines in an order that the bytes choose, some of them damaged.
        let mut body = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n".to_vec();
        for pair in bytes.chunks_exact(2) {
            let from = body.len();
            body.extend_from_slice(lines[usize::from(pair[0]) % lines.len()]);
            let place = from + 2 + usize::from(pair[1]);
            if let Some(byte) = body.get_mut(place) {
                *byte = pair[0];
            }
        }
        if let Ok(description) = SessionDescription::parse(&body) {
            assert_eq!(SessionDescription::parse(&description.write()), Ok(description));
        }
    });
}
