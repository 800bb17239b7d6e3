//! The real program under blows: killed, out of disk, told to stop, started where it cannot run.

mod full_disk;
mod killed;
#[allow(dead_code, reason = "the generator is the benchmarks'; tests take what they need")]
#[path = "../../benches/load/mod.rs"]
pub mod load;
mod messages;
mod publishing;
mod stalled;
mod start_and_stop;

use std::time::Duration;

use hotline::ids::LegId;
use load::fleet::Fleet;
use load::server::{Plan, Scratch, Server};

/// How long anything may take that should be quick.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server by a configuration of its own: the demo's flow and prompts on a loopback address nobody else uses.
struct Bank {
    scratch: Scratch,
    plan: Plan,
    server: Server,
}

impl Bank {
    fn open(name: &str, agents: usize) -> Bank {
        let scratch = Scratch::new(name).expect("a scratch folder");
        let plan = plan(&scratch, agents);
        let config = plan.write(scratch.path()).expect("a configuration");
        let mut server = Server::serve(&plan, &config, None).expect("the server starts");
        assert!(server.says("ready"), "{:#?}", server.said);
        Bank { scratch, plan, server }
    }

    fn config(&self) -> String {
        self.scratch.path().join("hotline.yaml").display().to_string()
    }

    fn data(&self) -> String {
        self.plan.data.display().to_string()
    }

    fn fleet(&self) -> Fleet {
        Fleet::new(self.plan.host, self.plan.sip()).expect("a fleet")
    }
}

fn plan(scratch: &Scratch, agents: usize) -> Plan {
    let plan = Plan::new(&scratch.path().join("data"), agents).expect("free ports");
    Plan { short_prompts: true, ..plan }
}

/// Registers `agents` of the plan's.
fn register(fleet: &mut Fleet, plan: &Plan) {
    for name in plan.agent_names() {
        fleet.registers(&name, &format!("load-{name}"));
    }
    let all = fleet.run_until(PATIENCE, |fleet| fleet.registered() == plan.agents);
    assert!(all, "{:#?}", fleet.logins);
}

/// So many callers, answered, who press 9; as many as there are agents come to talk.
fn call(fleet: &mut Fleet, callers: usize, agents: usize) -> Vec<LegId> {
    let dial = |number| fleet.dials(&format!("1390000{number:04}"), "95500").expect("an RTP port");
    let legs: Vec<LegId> = (0..callers).map(dial).collect();
    assert!(fleet.run_until(PATIENCE, |fleet| fleet.talking(false) == callers), "{:#?}", stages(fleet));
    for leg in &legs {
        fleet.presses(*leg, '9');
    }
    let talk = fleet.run_until(PATIENCE * 2, |fleet| {
        legs.iter().filter(|leg| fleet.hears_voice(**leg)).count() == agents
    });
    assert!(talk, "{:#?}", stages(fleet));
    legs
}

fn stages(fleet: &Fleet) -> Vec<String> {
    let voice = |leg| if fleet.hears_voice(leg) { "hears a voice" } else { "" };
    fleet.talks.iter().map(|(leg, talk)| format!("{} {:?} {}", talk.who, talk.stage, voice(*leg))).collect()
}

fn json(text: &str) -> Vec<serde_json::Value> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
