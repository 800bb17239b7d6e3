//! What offices are made of: the demo's configuration and flows, with prompts of plain tones.

use std::path::Path;
use std::sync::OnceLock;

use hotline::config::{self, Config};
use hotline::engine::input::World;
use hotline::media::prompts::Library;

/// One second of prompt, 8 kHz.
const SECOND: [i16; 8_000] = [0; 8_000];

/// The demo bank as it ships.
pub fn demo() -> World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| build(demo_config())).clone()
}

pub fn demo_config() -> Config {
    config::demo(Path::new("data"), 5060, 8080)
}

/// The demo's flows and prompts with another configuration.
pub fn build(config: Config) -> World {
    let loaded = hotline::server::load::with_library(config, library());
    loaded.unwrap_or_else(|error| panic!("the demo's flows are bad: {error:#?}")).world
}

/// Every prompt that ships, by name, each one second long.
fn library() -> Library {
    let mut builder = Library::builder();
    for language in ["zh-CN", "en", "music"] {
        let files =
            std::fs::read_dir(Path::new("prompts").join(language)).expect("prompts are in the repository");
        for file in files {
            let path = file.expect("a readable folder").path();
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else {
                continue;
            };
            let name = if language == "music" { format!("music/{name}") } else { name.to_owned() };
            builder = builder.prompt(language, &name, &SECOND);
        }
    }
    builder.build()
}
