//! What offices are made of: the demo's configuration and flows, with prompts of plain tones.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use hotline::config::{self, Config};
use hotline::diagnostic::Source;
use hotline::engine::input::World;
use hotline::ivr;
use hotline::media::prompts::{Builder, Library};

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

/// One of the configurations that a day with reloads goes through: an agent gone and back, queues changed
/// and all asking how it was, more prompts.
pub fn of_the_day(number: usize) -> World {
    static WORLDS: OnceLock<[World; 3]> = OnceLock::new();
    let worlds = WORLDS.get_or_init(|| {
        let mut fewer = demo_config();
        fewer.agents.remove(&"1003".into());
        let mut quick = demo_config();
        for queue in quick.queues.values_mut() {
            (queue.wrap_up, queue.max_waiting) = (std::time::Duration::ZERO, 2);
            queue.max_wait = Some(std::time::Duration::from_secs(40));
            queue.survey = Some("survey".into());
        }
        [demo(), build(fewer), build_with_prompts(quick, &["aaa"])]
    });
    worlds[number % 3].clone()
}

/// As `build`, with more prompts, which come before all others.
pub fn build_with_prompts(config: Config, more: &[&str]) -> World {
    let library =
        more.iter().fold(Library::builder(), |builder, name| builder.prompt("zh-CN", name, &SECOND));
    let loaded = hotline::server::load::with_library(config, shipped(library));
    loaded.unwrap_or_else(|error| panic!("the demo's flows are bad: {error:#?}")).world
}

/// The demo's configuration with `flow` as its only one, for the number 95500.
pub fn with_flow(flow: &str) -> World {
    with_flow_and(demo_config(), flow)
}

/// The demo's configuration with these files as its only flows.
pub fn with_flows(files: &[(&str, &str)]) -> World {
    with_flows_and(demo_config(), files)
}

/// `config` with `flow` as its only one.
pub fn with_flow_and(config: Config, flow: &str) -> World {
    with_flows_and(config, &[("main.yaml", flow)])
}

/// `config` with these files as its only flows.
pub fn with_flows_and(config: Config, files: &[(&str, &str)]) -> World {
    let library = library();
    let sources: Vec<_> = files.iter().map(|(name, text)| Source::new(*name, *text)).collect();
    let compiled = ivr::compile(&sources, &ivr::World::of(&config, &library));
    let flows = compiled.unwrap_or_else(|mistakes| panic!("a bad flow: {mistakes:#?}")).flows;
    World { config: Arc::new(config), flows, library: Arc::new(library) }
}

/// Every prompt that ships, by name, each one second long.
fn library() -> Library {
    shipped(Library::builder())
}

fn shipped(mut builder: Builder) -> Library {
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
