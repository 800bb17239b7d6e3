use std::fs;

use super::*;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("hotline-prompts-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn wav(&self, path: &str, rate: u32, channels: u16, samples: &[i16]) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let format = hound::WavSpec {
            channels,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, format).unwrap();
        for sample in samples {
            writer.write_sample(*sample).unwrap();
        }
        writer.finalize().unwrap();
    }

    fn complaint(&self) -> String {
        Library::load(&self.0).unwrap_err().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_folder_is_loaded_by_language_and_name() {
    let folder = Folder::new("good");
    folder.wav("zh-CN/welcome.wav", 16_000, 1, &[1_000; 3_210]);
    folder.wav("en/welcome.wav", 8_000, 1, &[1_000; 161]);
    folder.wav("en/goodbye.WAV", 8_000, 1, &[0; 160]);
    folder.wav("music/hold.wav", 8_000, 1, &[-1_000; 8_000]);
    fs::write(folder.0.join("en/manifest.json"), "{}").unwrap();
    fs::write(folder.0.join("LICENSES.md"), "").unwrap();
    let library = Library::load(&folder.0).unwrap().0;

    assert_eq!(library.languages().collect::<Vec<_>>(), ["en", "zh-CN"]);
    assert_eq!(library.names("en").collect::<Vec<_>>(), ["goodbye", "welcome"]);
    let (zh, en) = (library.find("zh-CN", "welcome").unwrap(), library.find("en", "welcome").unwrap());
    assert_ne!(zh, en);
    assert_eq!(library.find("fr", "welcome"), None);
    assert_eq!(library.find("fr", HOLD_MUSIC), library.find("en", HOLD_MUSIC));
    assert_eq!(library.duration(library.find("en", HOLD_MUSIC).unwrap()), Duration::from_secs(1));
    assert_eq!(library.duration(zh), Duration::from_micros(200_625));
    assert_eq!((library.law(zh, Law::A).len(), library.length(zh)), (11 * 160, 11));

    let frames = library.law(en, Law::Mu);
    assert_eq!(frames.len(), 320);
    assert_eq!(frames[161..], [0xFF; 159], "the last frame is filled with silence");
    let mut samples = [0; 161];
    Law::Mu.decode(frames, &mut samples);
    assert!(samples.iter().all(|sample| sample.abs_diff(1_000) < 40));
}

#[test]
fn an_unknown_id_is_silence_of_no_length() {
    let library = Library::default();
    assert_eq!(library.duration(PromptId(3)), Duration::ZERO);
    assert!(library.law(PromptId(3), Law::A).is_empty());
    assert_eq!(format!("{library:?}"), "Library of 0 prompts");
}

#[test]
fn a_builder_replaces_prompts_of_the_same_name() {
    let library = Library::builder()
        .prompt("en", "a", &[0; 160])
        .prompt("en", "a", &[0; 320])
        .prompt("en", HOLD_MUSIC, &[0; 1]);
    let library = library.build();
    assert_eq!(library.names("en").collect::<Vec<_>>(), ["a"]);
    assert_eq!(library.law(library.find("en", "a").unwrap(), Law::A).len(), 320);
    assert!(library.find("zh-CN", HOLD_MUSIC).is_some());
}

#[test]
fn complaints_name_the_file_and_say_what_to_do() {
    let folder = Folder::new("stereo");
    folder.wav("en/stereo.wav", 8_000, 2, &[0; 160]);
    assert!(
        folder.complaint().contains("en/stereo.wav has 2 channel(s)") && folder.complaint().contains("mono")
    );

    let folder = Folder::new("fast");
    folder.wav("en/fast.wav", 44_100, 1, &[0; 160]);
    assert!(folder.complaint().contains("at 44100 Hz"));

    let folder = Folder::new("text");
    fs::create_dir_all(folder.0.join("en")).unwrap();
    fs::write(folder.0.join("en/text.wav"), "not audio").unwrap();
    assert!(folder.complaint().contains("en/text.wav is not a WAV file"), "{}", folder.complaint());

    let folder = Folder::new("cut");
    folder.wav("en/cut.wav", 8_000, 1, &[0; 160]);
    let whole = fs::read(folder.0.join("en/cut.wav")).unwrap();
    fs::write(folder.0.join("en/cut.wav"), &whole[..100]).unwrap();
    assert!(folder.complaint().contains("en/cut.wav"), "{}", folder.complaint());

    let missing = Library::load(&folder.0.join("nowhere")).unwrap_err().to_string();
    assert!(missing.contains("nowhere") && missing.contains("Check that the path is right"), "{missing}");
}

#[test]
fn a_wordbook_has_the_names_the_lengths_and_the_words_without_the_sound() {
    let folder = Folder::new("words");
    folder.wav("en/welcome.wav", 16_000, 1, &[0; 24_000]);
    folder.wav("en/untold.wav", 8_000, 1, &[0; 800]);
    folder.wav("music/hold.wav", 8_000, 1, &[0; 800]);
    let list = r#"{ "prompts": [ { "file": "en/welcome.wav", "text": "Welcome." } ] }"#;
    fs::write(folder.0.join("manifest.json"), list).unwrap();
    let book = Wordbook::read(&folder.0).unwrap();
    let welcome = book.find("en", "welcome").unwrap();
    assert_eq!((book.name(welcome), book.words(welcome)), ("welcome", Some("Welcome.")));
    assert_eq!(book.duration(welcome), Duration::from_millis(1_500));
    assert_eq!(book.words(book.find("en", "untold").unwrap()), None);
    assert_eq!(book.name(book.find("zh-CN", "music/hold").unwrap()), "music/hold");
    assert_eq!(book.find("zh-CN", "welcome"), None);
    assert_eq!(book.names("en").collect::<Vec<_>>(), ["untold", "welcome"]);

    fs::write(folder.0.join("manifest.json"), "[").unwrap();
    let complaint = Wordbook::read(&folder.0).unwrap_err().to_string();
    assert!(complaint.contains("is not a list of prompts"), "{complaint}");
}
