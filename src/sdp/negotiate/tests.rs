use super::*;

const BOTH: &[Codec] = &[Codec::Pcma, Codec::Pcmu];

fn local() -> Local<'static> {
    Local {
        address: [192, 0, 2, 1].into(),
        port: 10_000,
        session: 77,
        version: 1,
        codecs: BOTH,
        prefer: None,
        direction: Direction::SendRecv,
        telephone_event: true,
        srtp: Terms::PLAIN,
    }
}

/// An offer of a phone at 198.51.100.9 with these media lines.
fn theirs(media: &str) -> SessionDescription {
    let head = "v=0\no=phone 5 1 IN IP4 198.51.100.9\ns=-\nc=IN IP4 198.51.100.9\nt=0 0\n";
    SessionDescription::parse(format!("{head}{media}").as_bytes()).unwrap()
}

fn agreed(media: &str) -> Session {
    answer(&theirs(media), &local()).unwrap().1
}

fn why(media: &str) -> NotAcceptable {
    answer(&theirs(media), &local()).unwrap_err()
}

fn text(description: &SessionDescription) -> String {
    String::from_utf8(description.write()).unwrap()
}

#[test]
fn the_peers_order_and_numbers_are_kept() {
    let offer = theirs(
        "m=audio 4000 RTP/AVP 9 0 8 96\na=rtpmap:9 G722/8000\na=rtpmap:96 telephone-event/8000\na=fmtp:96 0-16\n",
    );
    let (answer, session) = answer(&offer, &local()).unwrap();
    let expected = Session {
        remote: "198.51.100.9:4000".parse().unwrap(),
        rtcp: Rtcp::At("198.51.100.9:4001".parse().unwrap()),
        codec: Codec::Pcmu,
        payload_type: 0,
        telephone_event: Some(96),
        direction: Direction::SendRecv,
        in_band_digits: false,
        extended: Extended::default(),
        srtp: None,
    };
    assert_eq!(session, expected);
    assert_eq!(
        text(&answer),
        "v=0\r\no=- 77 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 10000 RTP/AVP 0 96\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn extended_reports_are_offered_and_answered_only_to_who_asked_for_some() {
    let ours = text(&offer(&local()));
    assert!(ours.contains("a=rtcp-xr:rcvr-rtt=all stat-summary=loss,dup,jitt voip-metrics\r\n"), "{ours}");
    let phone = "m=audio 4000 RTP/AVP 8\n";
    assert!(!text(&answer(&theirs(phone), &local()).unwrap().0).contains("rtcp-xr"));
    let asking = format!("{phone}a=rtcp-xr:pkt-loss-rle=80 voip-metrics rcvr-rtt=sender:12 x\n");
    let (answered, session) = answer(&theirs(&asking), &local()).unwrap();
    let wanted = Extended { voip: true, receiver_round_trip: true, statistics: false };
    assert_eq!(session.extended, wanted);
    assert!(text(&answered).contains("a=rtcp-xr:rcvr-rtt=all"));
    let refused = format!("{phone}a=rtcp-xr\n");
    assert_eq!(agreed(&refused).extended, Extended::default(), "present and empty: none (RFC 3611 §5.1)");
    let session = accept_answer(&offer(&local()), &theirs(&asking)).unwrap();
    assert_eq!(session.extended, wanted);
}

#[test]
fn the_codec_of_the_other_leg_comes_first_if_the_peer_has_it() {
    let offer = theirs("m=audio 4000 RTP/AVP 0 8\n");
    let codec = |ours: Local| answer(&offer, &ours).unwrap().1.codec;
    assert_eq!(codec(Local { prefer: Some(Codec::Pcma), ..local() }), Codec::Pcma);
    assert_eq!(codec(Local { codecs: &[Codec::Pcma], ..local() }), Codec::Pcma);
    let only_ulaw = Local { codecs: &[Codec::Pcmu], prefer: Some(Codec::Pcma), ..local() };
    assert_eq!(codec(only_ulaw), Codec::Pcmu, "what is not ours is not agreed to");
}

#[test]
fn a_codec_may_come_under_a_dynamic_number_and_a_static_number_may_be_taken_by_another() {
    let session = agreed("m=audio 4000 RTP/AVP 0 110\na=rtpmap:0 speex/8000\na=rtpmap:110 pcma/8000/1\n");
    assert_eq!((session.codec, session.payload_type), (Codec::Pcma, 110));
    assert_eq!(why("m=audio 4000 RTP/AVP 110\na=rtpmap:110 PCMA/16000\n"), NotAcceptable::NoCodec);
    assert_eq!(why("m=audio 4000 RTP/AVP 110\na=rtpmap:110 PCMA/8000/2\n"), NotAcceptable::NoCodec);
}

#[test]
fn events_at_another_clock_are_not_for_this_audio() {
    let opus = "m=audio 4000 RTP/AVP 8 100 101\na=rtpmap:100 telephone-event/48000\n";
    assert_eq!(agreed(opus).telephone_event, None);
    assert!(agreed(opus).in_band_digits);
    let both = format!("{opus}a=rtpmap:101 telephone-event/8000\n");
    assert_eq!(agreed(&both).telephone_event, Some(101));
    let unwanted = Local { telephone_event: false, ..local() };
    assert!(answer(&theirs(&both), &unwanted).unwrap().1.in_band_digits);
}

#[test]
fn opus_is_known_by_its_two_channels_and_brings_events_on_its_own_clock() {
    let ours = Local { codecs: Codec::ALL, ..local() };
    let offer = theirs(
        "m=audio 4000 RTP/AVP 96 9 8 100 101\na=rtpmap:96 OPUS/48000/2\na=fmtp:96 stereo=1;maxplaybackrate=16000\n\
         a=rtpmap:100 telephone-event/48000\na=rtpmap:101 telephone-event/8000\n",
    );
    let (answered, session) = answer(&offer, &ours).unwrap();
    assert_eq!((session.codec, session.payload_type, session.telephone_event), (Codec::Opus, 96, Some(100)));
    assert!(text(&answered).contains(
        "m=audio 10000 RTP/AVP 96 100\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n\
         a=rtpmap:100 telephone-event/48000\r\na=fmtp:100 0-15\r\n"
    ));
    let wide = Local { prefer: Some(Codec::G722), ..ours };
    let session = answer(&offer, &wide).unwrap().1;
    assert_eq!((session.codec, session.payload_type, session.telephone_event), (Codec::G722, 9, Some(101)));
    for strange in ["opus/48000", "opus/48000/1", "opus/16000/2"] {
        let offer = theirs(&format!("m=audio 4000 RTP/AVP 96\na=rtpmap:96 {strange}\n"));
        assert_eq!(answer(&offer, &ours).unwrap_err(), NotAcceptable::NoCodec, "{strange}");
    }
    let offer =
        theirs("m=audio 4000 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\n");
    let (answered, session) = answer(&offer, &ours).unwrap();
    assert_eq!(session.telephone_event, Some(101), "a phone that has no other events");
    assert!(text(&answered).contains("a=rtpmap:101 telephone-event/8000\r\n"));
}

#[test]
fn all_codecs_are_offered_with_events_for_both_clocks() {
    let ours = Local { codecs: Codec::ALL, prefer: Some(Codec::Opus), ..local() };
    let offered = offer(&ours);
    assert!(text(&offered).contains(
        "m=audio 10000 RTP/AVP 111 8 0 9 101 110\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:9 G722/8000\r\n"
    ));
    let phone = Local { address: [198, 51, 100, 9].into(), port: 4_000, codecs: &[Codec::Opus], ..local() };
    let (answered, _) = answer(&offered, &phone).unwrap();
    let here = accept_answer(&offered, &answered).unwrap();
    assert_eq!((here.codec, here.payload_type, here.telephone_event), (Codec::Opus, 111, Some(110)));
}

#[test]
fn every_stream_is_answered_in_its_place() {
    let offer = theirs(
        "m=video 5000 RTP/AVP 97\na=rtpmap:97 H264/90000\nm=audio 0 RTP/AVP 0\nm=audio 4000 RTP/SAVP 0\n\
         m=audio 4002 RTP/AVP 8\nm=audio 4004 RTP/AVP 8\nm=application 9 UDP/BFCP *\n",
    );
    let (answer, session) = answer(&offer, &local()).unwrap();
    assert_eq!(session.remote.port(), 4_002);
    let ports: Vec<_> = answer.media.iter().map(|media| media.port).collect();
    assert_eq!(ports, [0, 0, 0, 10_000, 0, 0]);
    assert_eq!(answer.media[0].formats[0].name, b"97");
    assert!(text(&answer).ends_with("m=application 0 UDP/BFCP *\r\n"));
}

#[test]
fn hold_and_resume() {
    let direction = |line: &str| agreed(&format!("m=audio 4000 RTP/AVP 8\n{line}\n")).direction;
    assert_eq!(direction("a=sendonly"), Direction::RecvOnly);
    assert_eq!(direction("a=recvonly"), Direction::SendOnly);
    assert_eq!(direction("a=inactive"), Direction::Inactive);
    assert_eq!(direction("a=sendrecv"), Direction::SendRecv);
    assert_eq!(direction("c=IN IP4 0.0.0.0"), Direction::RecvOnly, "RFC 2543 hold");
    assert_eq!(direction("c=IN IP4 0.0.0.0\na=recvonly"), Direction::Inactive);
    let holding = Local { direction: Direction::SendOnly, ..local() };
    let offer = theirs("m=audio 4000 RTP/AVP 8\na=sendonly\n");
    assert_eq!(answer(&offer, &holding).unwrap().1.direction, Direction::Inactive, "both hold");
}

#[test]
fn a_direction_of_the_whole_session_counts() {
    let offer = SessionDescription::parse(
        b"v=0\no=- 1 1 IN IP4 198.51.100.9\ns=-\nc=IN IP4 198.51.100.9\na=sendonly\nm=audio 4000 RTP/AVP 0\n",
    );
    assert_eq!(answer(&offer.unwrap(), &local()).unwrap().1.direction, Direction::RecvOnly);
}

#[test]
fn rtcp_goes_where_the_peer_wants_it() {
    let rtcp = |lines: &str| agreed(&format!("m=audio 4000 RTP/AVPF 8\n{lines}\n")).rtcp;
    assert_eq!(rtcp("a=rtcp:53020"), Rtcp::At("198.51.100.9:53020".parse().unwrap()));
    assert_eq!(rtcp("a=rtcp:53020 IN IP4 198.51.100.10"), Rtcp::At("198.51.100.10:53020".parse().unwrap()));
    assert_eq!(rtcp("a=rtcp-mux\na=rtcp:4000"), Rtcp::Muxed);
    let answer = answer(&theirs("m=audio 4000 RTP/AVPF 8\na=rtcp-mux\n"), &local()).unwrap().0;
    assert!(text(&answer).contains("RTP/AVPF 8\r\n") && text(&answer).contains("a=rtcp-mux\r\n"));
}

#[test]
fn what_cannot_be_served_says_why() {
    assert_eq!(why(""), NotAcceptable::NoAudio);
    assert_eq!(why("m=video 5000 RTP/AVP 97\n"), NotAcceptable::NoAudio);
    assert_eq!(why("m=audio 4000 RTP/SAVP 0\n"), NotAcceptable::Transport, "these terms are plain");
    assert_eq!(why("m=audio 4000 UDP/TLS/RTP/SAVPF 0\n"), NotAcceptable::Transport);
    assert_eq!(why("m=audio 4000 RTP/AVP 9 18\n"), NotAcceptable::NoCodec);
    assert_eq!(why("m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n"), NotAcceptable::Address);
    assert_eq!(why("m=audio 4000 RTP/AVP 0\nc=IN IP4 phone.example\n"), NotAcceptable::Address);
    assert_eq!(why("m=audio 4000 RTP/SAVP 0\nm=audio 4002 RTP/AVP 18\n"), NotAcceptable::NoCodec);
}

#[test]
fn ipv6_is_answered_with_ipv6() {
    let ours = Local { address: "2001:db8::5".parse().unwrap(), ..local() };
    let offer = theirs("m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n");
    let (answer, session) = answer(&offer, &ours).unwrap();
    assert_eq!(session.remote, "[2001:db8::1]:4000".parse().unwrap());
    assert!(text(&answer).contains("c=IN IP6 2001:db8::5\r\n"));
}

#[test]
fn an_offer_of_ours_is_answered_and_accepted() {
    let ours = Local { prefer: Some(Codec::Pcmu), ..local() };
    let offered = offer(&ours);
    assert!(text(&offered).contains("m=audio 10000 RTP/AVP 0 8 101\r\n"));
    let phone = Local { address: [198, 51, 100, 9].into(), port: 4_000, codecs: &[Codec::Pcma], ..local() };
    let (answered, at_phone) = answer(&offered, &phone).unwrap();
    let here = accept_answer(&offered, &answered).unwrap();
    assert_eq!((here.codec, here.telephone_event, here.in_band_digits), (Codec::Pcma, Some(101), false));
    assert_eq!(
        (here.remote, at_phone.remote),
        ("198.51.100.9:4000".parse().unwrap(), "192.0.2.1:10000".parse().unwrap())
    );
}

#[test]
fn our_hold_is_accepted_whatever_the_answer_claims() {
    let offered = offer(&Local { direction: Direction::SendOnly, ..local() });
    assert!(text(&offered).ends_with("a=sendonly\r\n"));
    let accepted =
        |line: &str| accept_answer(&offered, &theirs(&format!("m=audio 4000 RTP/AVP 8\n{line}"))).unwrap();
    assert_eq!(accepted("a=recvonly\n").direction, Direction::SendOnly);
    assert_eq!(accepted("").direction, Direction::SendOnly, "a phone that does not know hold");
    assert_eq!(accepted("a=inactive\n").direction, Direction::Inactive);
}

#[test]
fn an_answer_must_fit_the_offer() {
    let offered = offer(&Local { codecs: &[Codec::Pcma], telephone_event: false, ..local() });
    let why = |media: &str| accept_answer(&offered, &theirs(media)).unwrap_err();
    assert_eq!(why(""), NotAcceptable::Mismatch);
    assert_eq!(why("m=video 4000 RTP/AVP 97\n"), NotAcceptable::Mismatch);
    assert_eq!(why("m=audio 0 RTP/AVP 8\n"), NotAcceptable::Refused);
    assert_eq!(why("m=audio 4000 RTP/AVP 0\n"), NotAcceptable::NoCodec, "not offered");
    let muxed = accept_answer(&offered, &theirs("m=audio 4000 RTP/AVP 8\na=rtcp-mux\n")).unwrap();
    assert_eq!(muxed.rtcp, Rtcp::At("198.51.100.9:4001".parse().unwrap()), "not offered");
    let events = "m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n";
    assert!(accept_answer(&offered, &theirs(events)).unwrap().in_band_digits, "not offered");
}

#[test]
fn a_peer_that_answers_both_codecs_gets_its_first() {
    let session = accept_answer(&offer(&local()), &theirs("m=audio 4000 RTP/AVP 0 8\n")).unwrap();
    assert_eq!(session.codec, Codec::Pcmu);
}

#[test]
fn any_offer_that_can_be_read_is_answered_with_as_many_streams_or_refused() {
    bolero::check!().with_iterations(2_000).for_each(|bytes: &[u8]| {
        let mut body = b"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\n".to_vec();
        for byte in bytes {
            body.extend_from_slice(match byte % 8 {
                0 => b"m=audio 4000 RTP/AVP 0 8 101\n",
                1 => b"m=video 4000 RTP/AVP 0\n",
                2 => b"a=rtpmap:101 telephone-event/8000\n",
                3 => b"a=rtpmap:0 PCMA/8000\n",
                4 => b"a=sendonly\n",
                5 => b"c=IN IP4 0.0.0.0\n",
                6 => b"a=rtcp-mux\n",
                _ => b"m=audio 0 RTP/SAVP 0 8\n",
            });
        }
        let Ok(offer) = SessionDescription::parse(&body) else { return };
        if let Ok((answer, _)) = answer(&offer, &local()) {
            assert_eq!(answer.media.len(), offer.media.len());
            assert_eq!(answer.media.iter().filter(|media| media.port != 0).count(), 1);
            assert_eq!(SessionDescription::parse(&answer.write()), Ok(answer));
        }
    });
}

#[test]
fn audio_for_many_is_not_sent() {
    for many in ["224.2.1.1/127", "239.255.255.255", "255.255.255.255"] {
        assert_eq!(
            why(&format!("m=audio 4000 RTP/AVP 0\nc=IN IP4 {many}\n")),
            NotAcceptable::Address,
            "{many}"
        );
    }
    let reports = "m=audio 4000 RTP/AVP 0\na=rtcp:4001 IN IP4 224.2.1.1\n";
    assert_eq!(why(reports), NotAcceptable::Address);
    let ours = Local { address: "2001:db8::1".parse().unwrap(), ..local() };
    for many in ["ff02::1", "::ffff:224.0.0.1"] {
        let offer = theirs(&format!("m=audio 4000 RTP/AVP 0\nc=IN IP6 {many}\n"));
        assert_eq!(answer(&offer, &ours).unwrap_err(), NotAcceptable::Address, "{many}");
    }
    let many = theirs("m=audio 4000 RTP/AVP 8\nc=IN IP4 239.0.0.1\n");
    assert_eq!(accept_answer(&offer(&local()), &many), Err(NotAcceptable::Address));
}
