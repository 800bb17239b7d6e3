//! What a person reads: golden files. `HOTLINE_BLESS=1` writes them anew; read the difference before committing it.

use std::path::Path;

use super::bank;

#[test]
fn ten_mistakes_get_ten_diagnostics_each_at_its_line_and_column() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ivr/bad");
    let text = std::fs::read_to_string(folder.join("ten-mistakes.yaml")).expect("the flow");
    let found = bank::findings("tests/ivr/bad/ten-mistakes.yaml", &text);
    let is: Vec<_> = found.iter().map(|d| (d.code, d.position())).collect();
    let expected = folder.join("ten-mistakes.expected");
    let said = hotline::diagnostic::render_all(&found);
    if std::env::var_os("HOTLINE_BLESS").is_some() {
        std::fs::write(&expected, &said).expect("written");
    }
    assert_eq!(found.len(), 10, "{said}");
    // The places are said here too, so that blessing cannot move them unseen.
    let marks: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .filter_map(|(line, text)| text.split_once("# wrong: ").map(|(_, word)| (line + 1, word)))
        .collect();
    let places: Vec<_> = marks
        .iter()
        .map(|(line, word)| {
            let text = text.lines().nth(line - 1).expect("the line");
            (*line, text.find(word).expect("the word") + 1)
        })
        .collect();
    assert_eq!(is.iter().map(|(_, place)| *place).collect::<Vec<_>>(), places, "{said}");
    assert_eq!(said, std::fs::read_to_string(expected).unwrap_or_default());
}
