//! The E-model: what impairs a conversation adds up on one scale (ITU-T G.107, 06/2015).
//!
//! All that is not measured has the recommendation's default (its table 2): loudness, side tone, echo, noise of rooms
//! and circuits. The names are the recommendation's.

use crate::media::command::Codec;

/// Table 2 of G.107: loudness ratings (dB), side tone (dB), D-values, echo (dB), rooms (dB(A)), noise (dBm0p).
const SLR: f64 = 8.0;
const RLR: f64 = 2.0;
const OLR: f64 = SLR + RLR;
const STMR: f64 = 15.0;
const LSTR: f64 = 18.0;
const DS: f64 = 3.0;
const TELR: f64 = 65.0;
const WEPL: f64 = 110.0;
const NC: f64 = -70.0;
const NFOR: f64 = -64.0;
const PS: f64 = 35.0;
const PR: f64 = 35.0;

/// Quantisation by one coding of G.711 (qdu).
const QDU: f64 = 1.0;

/// R of a wideband call against R of a narrowband one (G.107.1 §7.1): 129 is as good as it gets.
const WIDE: f64 = 1.29;

fn decibels(parts: &[f64]) -> f64 {
    10.0 * parts.iter().map(|part| 10f64.powf(part / 10.0)).sum::<f64>().log10()
}

/// The sum of all noises at the 0 dBr point, No (G.107 §7.2, equations 7-3 to 7-7).
fn noise() -> f64 {
    let nos = PS - SLR - DS - 100.0 + 0.004 * (PS - OLR - DS - 14.0).powi(2);
    let pre = PR + 10.0 * (1.0 + 10f64.powf((10.0 - LSTR) / 10.0)).log10();
    let nor = RLR - 121.0 + pre + 0.008 * (pre - 35.0).powi(2);
    decibels(&[NC, nos, nor, NFOR + RLR])
}

/// Ro: signal against noise (equation 7-2).
fn basic(no: f64) -> f64 {
    15.0 - 1.5 * (SLR + no)
}

/// Is: what comes together with the voice: too loud, side tone, quantisation (equations 7-8 to 7-18).
fn simultaneous(no: f64, ro: f64, delay_ms: f64) -> f64 {
    let xolr = OLR + 0.2 * (64.0 + no - RLR);
    let iolr = 20.0 * ((1.0 + (xolr / 8.0).powi(8)).powf(1.0 / 8.0) - xolr / 8.0);
    let echo = 10f64.powf(-STMR / 10.0) + (-delay_ms / 4.0).exp() * 10f64.powf(-TELR / 10.0);
    let stmro = -10.0 * echo.log10();
    let ist = 12.0 * (1.0 + ((stmro - 13.0) / 6.0).powi(8)).powf(1.0 / 8.0)
        - 28.0 * (1.0 + ((stmro + 1.0) / 19.4).powi(35)).powf(1.0 / 35.0)
        - 13.0 * (1.0 + ((stmro - 3.0) / 33.0).powi(13)).powf(1.0 / 13.0)
        + 29.0;
    let q = 37.0 - 15.0 * QDU.log10();
    let g = 1.07 + 0.258 * q + 0.0602 * q * q;
    let (y, z) = ((ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0, 46.0 / 30.0 - g / 40.0);
    let iq = 15.0 * (1.0 + 10f64.powf(y) + 10f64.powf(z)).log10();
    iolr + ist + iq
}

/// Id: talker echo, listener echo, and delay itself (equations 7-19 to 7-28); T = Ta = Tr / 2.
fn delayed(no: f64, ro: f64, t: f64) -> f64 {
    let terv = TELR - 40.0 * ((1.0 + t / 10.0) / (1.0 + t / 150.0)).log10() + 6.0 * (-0.3 * t * t).exp();
    let (roe, re) = (-1.5 * (no - RLR), 80.0 + 2.5 * (terv - 14.0));
    let idte = if t < 1.0 {
        0.0
    } else {
        ((roe - re) / 2.0 + ((roe - re).powi(2) / 4.0 + 100.0).sqrt() - 1.0) * (1.0 - (-t).exp())
    };
    let rle = 10.5 * (WEPL + 7.0) * (2.0 * t + 1.0).powf(-0.25);
    let idle = (ro - rle) / 2.0 + ((ro - rle).powi(2) / 4.0 + 169.0).sqrt();
    let idd = if t <= 100.0 {
        0.0
    } else {
        let x = (t / 100.0).log2();
        25.0 * ((1.0 + x.powi(6)).powf(1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0).powi(6)).powf(1.0 / 6.0) + 2.0)
    };
    idte + idle + idd
}

/// What a codec costs, and how it bears loss (ITU-T G.113 Appendix I for narrowband, Appendix IV for wideband).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equipment {
    /// Ie: the codec's own impairment.
    ie: f64,
    /// Bpl: robustness against loss.
    bpl: f64,
    wide: bool,
}

impl Equipment {
    /// G.711 whose losses are silence (G.113 table I.4).
    pub const G711_BARE: Equipment = Equipment { ie: 0.0, bpl: 4.3, wide: false };

    /// G.711 with concealment as in G.711 Appendix I (G.113 table I.4): what phones do, and what we do.
    pub const G711: Equipment = Equipment { ie: 0.0, bpl: 25.1, wide: false };

    /// G.722 at 64 kbit/s: Ie by G.113 Appendix IV. Bpl is assumed: that of G.711, whose concealment it is given.
    pub const G722: Equipment = Equipment { ie: 13.0, bpl: 25.1, wide: true };

    /// Opus, mono, at telephone rates. The ITU has no value; both are assumed: better than G.722 without loss, and as
    /// robust as G.711 with concealment, which is less than what forward error correction would give it.
    pub const OPUS: Equipment = Equipment { ie: 8.0, bpl: 25.1, wide: true };

    /// The codec with the concealment that its decoders have.
    pub fn of(codec: Codec) -> Equipment {
        match codec {
            Codec::Pcmu | Codec::Pcma => Equipment::G711,
            Codec::G722 => Equipment::G722,
            Codec::Opus => Equipment::OPUS,
        }
    }

    /// Ie-eff of `loss` percent missing, in runs `burst_ratio` times as long as by chance (equation 7-29).
    pub fn impairment(self, loss: f64, burst_ratio: f64) -> f64 {
        self.ie + (95.0 - self.ie) * loss / (loss / burst_ratio.max(1.0) + self.bpl)
    }

    /// R (equation 7-1) with a one-way delay of `delay_ms` and this Ie-eff. Below 0 or above 100 where the
    /// recommendation's formula is.
    ///
    /// Wideband codecs are rated on their own scale, which goes to 129, brought down to 100 (G.107.1 takes MOS from it
    /// so), with narrowband's delay. So one threshold fits all codecs; what R leaves out is that wideband sounds
    /// better than narrowband to begin with.
    pub fn r(self, delay_ms: f64, impairment: f64) -> f64 {
        let no = noise();
        let ro = basic(no);
        let id = delayed(no, ro, delay_ms);
        if self.wide {
            100.0 - id - impairment / WIDE
        } else {
            ro - simultaneous(no, ro, delay_ms) - id - impairment
        }
    }
}

/// Mean opinion score of a conversation (G.107 Annex B, equation B-4).
pub fn mos(r: f64) -> f64 {
    if r >= 100.0 {
        4.5
    } else {
        // Below 6.5 the curve turns up again.
        let r = r.max(6.5);
        (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64, within: f64) {
        assert!((value - expected).abs() <= within, "{value} instead of {expected}");
    }

    #[test]
    fn with_all_defaults_r_is_93_2_and_mos_4_41() {
        let r = Equipment::G711.r(0.0, 0.0);
        near(r, 93.2, 0.05);
        near(mos(r), 4.41, 0.005);
    }

    #[test]
    fn mos_follows_the_recommendations_table_of_categories() {
        // G.107 Annex B, table B.1: the lower limits of "very satisfied" down to "nearly all dissatisfied".
        for (r, expected) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            near(mos(r), expected, 0.01);
        }
        assert_eq!((mos(-5.0), mos(0.0), mos(100.0), mos(120.0)), (1.0, 1.0, 4.5, 4.5));
    }

    #[test]
    fn loss_costs_what_g_113_says_with_and_without_concealment() {
        // Equation 7-29 worked by hand: 95 · 2 / (2 + 25.1) and 95 · 2 / (2 + 4.3).
        near(Equipment::G711.impairment(2.0, 1.0), 7.01, 0.01);
        near(Equipment::G711_BARE.impairment(2.0, 1.0), 30.16, 0.01);
        // Runs twice as long: 95 · 2 / (1 + 25.1).
        near(Equipment::G711.impairment(2.0, 2.0), 7.28, 0.01);
    }

    #[test]
    fn clean_wideband_is_as_good_as_its_codec_lets_it_be() {
        // 100 - 0.15 (listener echo at no delay) - 13 / 1.29 and - 8 / 1.29.
        near(Equipment::G722.r(0.0, Equipment::G722.impairment(0.0, 1.0)), 89.77, 0.01);
        near(Equipment::OPUS.r(0.0, Equipment::OPUS.impairment(0.0, 1.0)), 93.65, 0.01);
    }

    #[test]
    fn delay_costs_little_up_to_150_ms_and_much_beyond() {
        // The formula of 06/2015 worked apart from this code with the defaults of table 2.
        for (delay, expected) in
            [(50.0, 91.76), (100.0, 90.66), (150.0, 89.54), (200.0, 85.80), (300.0, 72.67), (400.0, 62.25)]
        {
            near(Equipment::G711.r(delay, 0.0), expected, 0.01);
        }
    }
}
