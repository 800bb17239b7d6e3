//! G.711 to linear samples, for rendering tapes (ITU-T G.711 tables 1 and 2).

use crate::media::command::Codec;

/// One octet as a 16-bit linear sample.
pub fn expand(codec: Codec, octet: u8) -> i16 {
    match codec {
        Codec::Pcmu => MU[octet as usize],
        Codec::Pcma => A[octet as usize],
    }
}

static MU: [i16; 256] = table(true);
static A: [i16; 256] = table(false);

const fn table(mu: bool) -> [i16; 256] {
    let mut table = [0i16; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = if mu { mu_law(octet as u8) } else { a_law(octet as u8) };
        octet += 1;
    }
    table
}

/// µ-law: all bits are sent inverted; 0x84 is the bias of the 16-bit scale.
const fn mu_law(octet: u8) -> i16 {
    let code = !octet;
    let segment = (code >> 4) & 7;
    let step = (code & 15) as i32;
    let size = (((step << 3) + 0x84) << segment) - 0x84;
    (if code & 0x80 != 0 { -size } else { size }) as i16
}

/// A-law: even bits are sent inverted; the sign bit is set for positive samples.
const fn a_law(octet: u8) -> i16 {
    let code = octet ^ 0x55;
    let segment = (code >> 4) & 7;
    let step = (code & 15) as i32;
    let size = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    (if code & 0x80 != 0 { size } else { -size }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_the_middle_of_both_laws_are_those_of_the_standard() {
        assert_eq!(expand(Codec::Pcmu, 0xff), 0);
        assert_eq!(expand(Codec::Pcmu, 0x7f), 0);
        assert_eq!(expand(Codec::Pcmu, 0x80), 32_124);
        assert_eq!(expand(Codec::Pcmu, 0x00), -32_124);
        assert_eq!(expand(Codec::Pcma, 0xd5), 8);
        assert_eq!(expand(Codec::Pcma, 0x55), -8);
        assert_eq!(expand(Codec::Pcma, 0xaa), 32_256);
        assert_eq!(expand(Codec::Pcma, 0x2a), -32_256);
    }
}
