//! The blocks of a page, and how what is printed is held against what is shown.

/// Stands for anything: in a line for a stretch of it, by itself for any number of lines.
const ANYTHING: &str = "…";

pub enum Block<'p> {
    /// To be written before what comes after it.
    File { path: &'p str, text: String },
    /// To be typed one after the other, each with what it prints.
    Commands { needs: Option<&'p str>, commands: Vec<(String, Vec<String>)> },
    /// To be read only.
    Other,
}

/// Everything fenced. Behind the language of a file stands its path, behind `console` what its commands need.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let (language, rest) =
            info.split_once(' ').map_or((info, None), |(language, rest)| (language, Some(rest)));
        blocks.push(match (language, rest) {
            ("console", needs) => Block::Commands { needs, commands: commands(&inside) },
            (_, Some(path)) => Block::File { path, text: inside.join("\n") + "\n" },
            (_, None) => Block::Other,
        });
    }
    blocks
}

fn commands(lines: &[&str]) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
            (None, Some((_, printed))) => printed.push(line.trim_end().to_owned()),
            (None, None) => panic!("a block of commands begins with `$ `, not with `{line}`"),
        }
    }
    commands.iter_mut().for_each(|(_, printed)| {
        while printed.last().is_some_and(String::is_empty) {
            printed.pop();
        }
    });
    commands
}

/// The first line that is not as shown.
pub fn differs(shown: &[String], printed: &[String]) -> Option<String> {
    match shown.split_first() {
        None if printed.is_empty() => None,
        None => Some(format!("more is printed than shown: `{}`", printed[0])),
        Some((first, rest)) if first == ANYTHING => {
            let after = (0..=printed.len()).find(|skipped| differs(rest, &printed[*skipped..]).is_none());
            if after.is_some() {
                None
            } else {
                Some(format!("after `…` nothing is like `{}`", rest.join("\n")))
            }
        }
        Some((first, rest)) => match printed.split_first() {
            None => Some(format!("shown and not printed: `{first}`")),
            Some((line, _)) if !is_like(first, line) => Some(format!("shown `{first}`, printed `{line}`")),
            Some((_, others)) => differs(rest, others),
        },
    }
}

/// Whether a line is the one shown; runs of spaces count as one, because columns are as wide as what stands in them.
fn is_like(shown: &str, line: &str) -> bool {
    let narrow = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, line) = (narrow(shown), narrow(line));
    let mut pieces = shown.split(ANYTHING).map(str::trim);
    let (Some(first), Some(mut left)) = (pieces.next(), Some(line.as_str())) else { return false };
    let Some(after) = left.strip_prefix(first) else { return false };
    left = after;
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return left.is_empty() };
    for piece in middle {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(last)
}

#[test]
fn a_page_is_files_and_commands_with_what_they_print() {
    let page = "text\n```yaml a/b.yaml\nx: 1\n```\n```console\n$ one\n1\n\n$ two\n```\n```sh\nbuild\n```\n";
    let all = blocks(page);
    assert!(matches!(&all[0], Block::File { path: "a/b.yaml", text } if text == "x: 1\n"));
    let Block::Commands { needs: None, commands } = &all[1] else { panic!("commands") };
    assert_eq!(*commands, [("one".to_owned(), vec!["1".to_owned()]), ("two".to_owned(), Vec::new())]);
    assert!(matches!(all[2], Block::Other) && all.len() == 3);
}

#[test]
fn what_is_printed_must_be_as_shown_but_for_what_varies() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let like = |shown: &str, printed: &str| differs(&lines(shown), &lines(printed)).is_none();
    assert!(like("a … c\nd", "a b c\nd") && like("…\nz", "x\ny\nz") && like("…", "") && like("", ""));
    assert!(like("at … s  here", "at 1.5 s here"));
    for (shown, printed) in
        [("a", "b"), ("a", ""), ("", "a"), ("a", "a\nb"), ("…\nz", "x\ny"), ("a … c", "a b d"), ("a", "ab")]
    {
        assert!(!like(shown, printed), "{shown} / {printed}");
    }
}
