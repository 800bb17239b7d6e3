use super::*;

const RATES: [Rate; 3] = [Rate::Narrow, Rate::Wide, Rate::Full];

fn pairs() -> impl Iterator<Item = (Rate, Rate)> {
    RATES.into_iter().flat_map(|from| RATES.map(|to| (from, to))).filter(|(from, to)| from != to)
}

fn tone(hertz: f64, rate: Rate, samples: usize) -> Vec<i16> {
    let step = 2.0 * PI * hertz / f64::from(rate.hertz());
    (0..samples).map(|n| ((step * n as f64).sin() * 10_000.0).round() as i16).collect()
}

/// Half a second in frames of 20 ms.
fn through(from: Rate, to: Rate, input: &[i16]) -> Vec<i16> {
    let mut resampler = Resampler::between(from, to).unwrap();
    let mut whole = Vec::new();
    for frame in input.chunks(from.frame()) {
        let mut output = [0; Rate::LONGEST_FRAME];
        let count = resampler.run(frame, &mut output);
        whole.extend_from_slice(&output[..count]);
    }
    whole
}

/// Level in dB of all that comes out for a tone, relative to what went in; the beginning is left out.
fn gain(from: Rate, to: Rate, hertz: f64) -> f64 {
    let out = through(from, to, &tone(hertz, from, from.hertz() as usize / 2));
    let steady = &out[out.len() / 10..];
    let power = steady.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / steady.len() as f64;
    10.0 * (power / 5e7).max(1e-9).log10()
}

/// Level in dB of one frequency in `samples`, relative to a tone of 10,000.
fn level(samples: &[i16], rate: Rate, hertz: f64) -> f64 {
    let step = 2.0 * PI * hertz / f64::from(rate.hertz());
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        re += f64::from(*sample) * (step * n as f64).cos();
        im += f64::from(*sample) * (step * n as f64).sin();
    }
    let amplitude = 2.0 * (re * re + im * im).sqrt() / samples.len() as f64;
    20.0 * (amplitude / 10_000.0).max(1e-9).log10()
}

#[test]
fn the_band_of_the_slower_side_passes_within_a_twentieth_of_a_decibel() {
    for (from, to) in pairs() {
        let slower = f64::from(from.min(to).hertz());
        for share in [0.02, 0.1, 0.2, 0.3, 0.4, 0.415] {
            let gain = gain(from, to, share * slower);
            assert!(gain.abs() < 0.05, "{from:?} to {to:?}, {} Hz: {gain} dB", share * slower);
        }
    }
}

#[test]
fn what_would_fold_into_speech_is_sixty_decibels_down() {
    for (from, to) in pairs().filter(|(from, to)| from > to) {
        let slower = f64::from(to.hertz());
        for hertz in [0.585 * slower, 0.7 * slower, 0.9 * slower, f64::from(from.hertz()) / 2.2] {
            let gain = gain(from, to, hertz.max(0.585 * slower));
            assert!(gain < -59.0, "{from:?} to {to:?}, {hertz} Hz: {gain} dB");
        }
    }
}

#[test]
fn no_image_of_speech_appears_above_the_slower_band() {
    for (from, to) in pairs().filter(|(from, to)| from < to) {
        let slower = f64::from(from.hertz());
        let hertz = 0.4 * slower;
        let out = through(from, to, &tone(hertz, from, from.hertz() as usize / 2));
        // A window of whole periods, so that the tone itself does not leak into the measurement.
        let steady = &out[to.frame() * 2..to.frame() * 22];
        let image = level(steady, to, slower - hertz);
        assert!(level(steady, to, hertz).abs() < 0.05 && image < -59.0, "{from:?} to {to:?}: {image} dB");
    }
}

#[test]
fn a_sample_comes_out_eleven_to_twelve_samples_of_the_slower_rate_later() {
    for (from, to) in pairs() {
        let mut input = vec![0; from.frame() * 4];
        input[from.frame()] = 20_000;
        // An impulse alone between two kept samples would be halved: a short plateau shows where it went.
        let width = (from.hertz() / from.min(to).hertz()) as usize;
        input[from.frame()..][..width].fill(20_000);
        let out = through(from, to, &input);
        let centre = |samples: &[i16], rate: Rate| {
            let weight: f64 = samples.iter().map(|s| f64::from(*s)).sum();
            let moment: f64 = samples.iter().enumerate().map(|(n, s)| n as f64 * f64::from(*s)).sum();
            moment / weight / f64::from(rate.hertz())
        };
        let delay = (centre(&out, to) - centre(&input, from)) * f64::from(from.min(to).hertz());
        assert!((11.0..12.0).contains(&delay), "{from:?} to {to:?}: {delay} samples");
    }
}

#[test]
fn frames_of_any_length_give_the_same_sound_as_one_piece() {
    for (from, to) in pairs() {
        let input = tone(440.0, from, from.frame() * 5);
        let whole = {
            let mut output = vec![0; to.frame() * 5];
            let count = Resampler::between(from, to).unwrap().run(&input, &mut output);
            assert_eq!(count, output.len());
            output
        };
        assert_eq!(through(from, to, &input), whole, "{from:?} to {to:?}");
    }
}

#[test]
fn loud_samples_saturate_and_equal_rates_need_no_filter() {
    let mut square: Vec<i16> = Vec::new();
    (0..20).for_each(|n| square.extend([if n % 2 == 0 { i16::MAX } else { i16::MIN }; 40]));
    let out = through(Rate::Wide, Rate::Narrow, &square);
    assert!(out.contains(&i16::MAX) && out.contains(&i16::MIN));
    assert!(Resampler::between(Rate::Wide, Rate::Wide).is_none());
}
