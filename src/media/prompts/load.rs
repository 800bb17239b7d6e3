//! A folder of WAV files to a library.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Builder, Library, MAX_LENGTH, MAX_PROMPTS, Master, Masters, PromptError, Rate, decimate};

pub(super) fn library(dir: &Path) -> Result<(Library, Masters), PromptError> {
    let mut builder = Library::builder();
    for folder in entries(dir)?.into_iter().filter(|path| path.is_dir()) {
        let language = name(&folder, Path::file_name)?;
        for file in entries(&folder)?.into_iter().filter(|path| is_wav(path)) {
            if builder.len() == MAX_PROMPTS {
                return Err(PromptError::TooMany { path: dir.to_owned() });
            }
            add(&mut builder, language, &file)?;
        }
    }
    Ok(builder.build_with_masters())
}

/// Sorted, so that the same folder gives the same ids.
pub(super) fn entries(dir: &Path) -> Result<Vec<PathBuf>, PromptError> {
    let unreadable = |source| PromptError::Unreadable { path: dir.to_owned(), source };
    let entries = std::fs::read_dir(dir).map_err(unreadable)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

pub(super) fn is_wav(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("wav")) && path.is_file()
}

pub(super) fn name(path: &Path, part: fn(&Path) -> Option<&OsStr>) -> Result<&str, PromptError> {
    part(path).and_then(OsStr::to_str).ok_or_else(|| PromptError::Name { path: path.to_owned() })
}

fn add(builder: &mut Builder, language: &str, file: &Path) -> Result<(), PromptError> {
    let stem = name(file, Path::file_stem)?;
    let not_wav = |source| match source {
        hound::Error::IoError(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            PromptError::Unreadable { path: file.to_owned(), source }
        }
        source => PromptError::NotWav { path: file.to_owned(), source },
    };
    let reader = hound::WavReader::open(file).map_err(not_wav)?;
    let format = reader.spec();
    let fits = format.channels == 1
        && format.bits_per_sample == 16
        && format.sample_format == hound::SampleFormat::Int
        && matches!(format.sample_rate, 8_000 | 16_000);
    if !fits {
        return Err(PromptError::Format {
            path: file.to_owned(),
            channels: format.channels,
            bits: format.bits_per_sample,
            rate: format.sample_rate,
        });
    }
    if u64::from(reader.duration()) > u64::from(format.sample_rate) * MAX_LENGTH.as_secs() {
        return Err(PromptError::TooLong { path: file.to_owned() });
    }
    let samples = reader.into_samples::<i16>().collect::<Result<Vec<_>, _>>().map_err(not_wav)?;
    if format.sample_rate == 16_000 {
        let narrow = decimate::by_two(&samples);
        builder.add(language, stem, &narrow, Master { rate: Rate::Wide, samples });
    } else {
        let master = Master { rate: Rate::Narrow, samples: samples.clone() };
        builder.add(language, stem, &samples, master);
    }
    Ok(())
}
