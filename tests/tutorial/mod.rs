//! The tutorial is done as it is written: its files are written, its commands typed into a shell, and what they print is
//! held against what it shows. The server and the telephone in it have a network of their own.

mod page;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::interop::room::alone;
use page::{Block, blocks, differs};

const PAGE: &str = include_str!("../../docs/ivr-tutorial.md");

/// Blocks of commands that are read and not run: building, which has been done.
const READ_ONLY: usize = 1;

/// A shell into which the tutorial is typed.
struct Shell {
    child: Child,
    keyboard: ChildStdin,
    screen: BufReader<ChildStdout>,
    /// How many commands it has been given.
    given: usize,
}

impl Shell {
    fn open(folder: &Path) -> Shell {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_hotline"));
        let programs = program.parent().expect("a folder").display();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).current_dir(folder).env("PATH", format!("{programs}:{path}"));
        command.env_remove("HOTLINE_LOG").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let keyboard = child.stdin.take().expect("piped");
        let screen = BufReader::new(child.stdout.take().expect("piped"));
        let mut shell = Shell { child, keyboard, screen, given: 0 };
        shell.types("exec 2>&1");
        shell
    }

    /// What a command prints.
    fn types(&mut self, command: &str) -> Vec<String> {
        self.given += 1;
        let end = format!("-- {} of the tutorial --", self.given);
        writeln!(self.keyboard, "{command}\necho; echo '{end}'").expect("the shell reads");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.screen.read_line(&mut line).expect("the shell prints text");
            assert!(read > 0, "the shell has ended after `{command}`: {lines:#?}");
            if line.trim_end() == end {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        // The empty line before the end is ours.
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It has ended by itself, or is to end now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the program has the command that a block needs.
fn can_publish() -> bool {
    let asked = Command::new(env!("CARGO_BIN_EXE_hotline")).args(["flows", "--help"]).output();
    asked.expect("the program runs").status.success()
}

#[test]
fn the_tutorial_works_as_written() {
    alone(&["baresip", "bash"], |room| {
        let clone = room.folder("clone");
        symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts"), clone.join("prompts"))
            .expect("a link");
        let mut shell = Shell::open(&clone);
        let (publishes, mut commands) = (can_publish(), 0);
        for block in blocks(PAGE) {
            match block {
                Block::File { path, text } => {
                    let path = clone.join(path);
                    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                    std::fs::write(path, text).expect("a file");
                }
                Block::Commands { needs, commands: all } => {
                    if needs == Some("published") && !publishes {
                        println!("*** NOT DONE: this program has no `hotline flows` ***");
                        continue;
                    }
                    for (command, shown) in all {
                        commands += 1;
                        let printed = shell.types(&command);
                        let why = differs(&shown, &printed);
                        assert!(
                            why.is_none(),
                            "`{command}`: {}\nprinted:\n{}",
                            why.unwrap_or_default(),
                            printed.join("\n")
                        );
                    }
                }
                Block::Other => {}
            }
        }
        assert!(commands > 20, "{commands} commands");
    });
}

#[test]
fn every_block_of_the_tutorial_is_a_file_or_is_run_but_for_the_build() {
    let other = blocks(PAGE).into_iter().filter(|block| matches!(block, Block::Other)).count();
    assert_eq!(other, READ_ONLY);
    for block in blocks(PAGE) {
        if let Block::File { path, .. } = block {
            let told = PAGE.matches(&format!("`{path}`")).count();
            assert_eq!(
                told, 1,
                "the prose before the block names {path}, which the rendered page does not show"
            );
        }
    }
}
