//! The SIP messages of a failed test, as a ladder.

use std::fmt::Write as _;

use super::network::Network;

/// One line a message, the newest last.
pub fn print(network: &Network) -> String {
    let mut text = String::from("SIP ladder, the newest last:\n");
    let Some((start, ..)) = network.ladder.first() else {
        return text;
    };
    for (at, datagram, fate) in &network.ladder {
        let bytes = String::from_utf8_lossy(&datagram.bytes);
        let mut lines = bytes.lines();
        let first = lines.next().unwrap_or("");
        let find = |name: &str| {
            bytes.lines().find(|line| line.starts_with(name)).map_or("", |line| &line[name.len()..])
        };
        let _ = writeln!(
            text,
            "{:>10.3} s  {:>15} -> {:<15} {:<60} {} [{}] {fate}",
            at.since(*start).as_secs_f64(),
            datagram.from.to_string(),
            datagram.to.to_string(),
            first,
            find("CSeq: "),
            find("Call-ID: ").chars().take(12).collect::<String>(),
        );
    }
    text
}
