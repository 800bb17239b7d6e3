//! PESQ (ITU-T P.862, narrowband, mapped by P.862.1) by the package `pesq`, which `.ci/deps test` installs into a
//! virtual environment beside the build.

use std::path::PathBuf;
use std::process::Command;

use hotline::media::codec::Rate;
use hotline::media::command::Codec;
use hotline::media::voice::Voice;

use super::network::{Net, mixed};
use super::speech;

/// Reads pairs of files of 16-bit samples at 8 kHz and prints a score for each pair.
const SCORE: &str = "
import sys, numpy, pesq
read = lambda path: numpy.fromfile(path, dtype='<i2')
names = sys.argv[1:]
for heard, said in zip(names[::2], names[1::2]):
    print(pesq.pesq(8000, read(said), read(heard), 'nb'))
";

/// Jitter of 40 ms, 3 % random loss.
const BAD: Net = Net { seed: 0, jitter: 40_000, loss: 30 };

/// What concealment must be worth against silence.
const GAIN: f64 = 0.4;

/// Networks of one kind that each piece is sent through.
const SEEDS: u64 = 6;

fn voice() -> Voice {
    Voice::new(Codec::Pcma, Rate::Narrow, 1)
}

/// Where things built and installed for the tests are: the folder above `debug/deps/`.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

/// Scores of what was heard, each against what was said.
fn scores(pairs: &[(Vec<i16>, &[i16])]) -> Vec<f64> {
    let folder = std::env::temp_dir().join(format!("hotline-pesq-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: String, samples: &[i16]| {
        let path = folder.join(name);
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let files: Vec<PathBuf> = pairs
        .iter()
        .enumerate()
        .flat_map(|(n, (heard, said))| [write(format!("{n}-heard"), heard), write(format!("{n}-said"), said)])
        .collect();
    let python = target().join("pesq/bin/python");
    let done = Command::new(&python).arg("-c").arg(SCORE).args(files).output();
    let done = done.unwrap_or_else(|error| panic!("{}: {error}; `make deps` installs it", python.display()));
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn a_mix_sounds_well_and_concealment_is_worth_having() {
    if std::env::var_os("HOTLINE_SKIP_INTEROP").is_some() && !target().join("pesq").exists() {
        eprintln!("skipped: no pesq in {}", target().display());
        return;
    }
    let pieces = speech::pieces();
    let mut pairs = Vec::new();
    for (_, said) in &pieces {
        let clean = Net { jitter: 0, loss: 0, ..BAD };
        pairs.push((mixed(clean, said, voice()).0, &said[..]));
        for seed in 1..=SEEDS {
            let net = Net { seed, ..BAD };
            pairs.push((mixed(net, said, voice()).0, said));
            pairs.push((mixed(net, said, voice().with_silent_gaps()).0, said));
        }
    }
    let scores = scores(&pairs);
    let mean = |row: &[f64], from: usize| row.iter().skip(from).step_by(2).sum::<f64>() / SEEDS as f64;
    println!("speech                          clean  concealed  silence   gain");
    let mut sums = [0.0; 3];
    for ((name, _), row) in pieces.iter().zip(scores.chunks(1 + 2 * SEEDS as usize)) {
        let found = [row[0], mean(row, 1), mean(row, 2)];
        let [clean, concealed, silence] = found;
        println!("{name:<30}  {clean:.2}       {concealed:.2}     {silence:.2}   {:.2}", concealed - silence);
        assert!(clean >= 3.4, "{name}: {clean}");
        sums.iter_mut().zip(found).for_each(|(sum, score)| *sum += score / pieces.len() as f64);
    }
    let [clean, concealed, silence] = sums;
    println!(
        "mean                            {clean:.2}       {concealed:.2}     {silence:.2}   {:.2}",
        concealed - silence
    );
    assert!(concealed - silence >= GAIN, "{concealed} with concealment, {silence} without");
}
