//! `hotline.yaml`: what a server is and what the bank has.

use super::flow::{LANGUAGES, NAME};
use super::{Map, Names, Shape, may, need};

/// A configuration.
pub const CONFIGURATION: Map = Map {
    name: "configuration",
    about: "`hotline.yaml`. Relative paths in it count from its own folder.",
    fields: &[
        need("sip", Shape::Fields(&SIP), "", "Telephony."),
        need("media", Shape::Fields(&MEDIA), "", "Audio."),
        need("http", Shape::Fields(&HTTP), "", "The API, the web page, and the hosts that flows may ask."),
        need("data", Shape::Text, "data", "The folder of tapes, the database and the journal."),
        need("flows", Shape::Text, "flows", "The folder of flows."),
        need(
            "prompts",
            Shape::Text,
            "prompts",
            "The folder of prompts, with a folder in it for each language.",
        ),
        may("recording", Shape::Fields(&RECORDING), "", "Tapes."),
        need(
            "numbers",
            Shape::Names(&NUMBERS),
            "{ \"95500\": { flow: main } }",
            "The bank's numbers. Quoted, so that a leading zero or plus stays.",
        ),
        need("queues", Shape::Names(&QUEUES), "{ general: { requires: { general: 1 } } }", "The queues."),
        may(
            "agents",
            Shape::Names(&AGENTS),
            "{ \"2001\": { password: change-me-2001, skills: { general: 8 } } }",
            "The agents, by the user name of phone and browser.",
        ),
        may(
            "users",
            Shape::Names(&USERS),
            "{ day: { password: change-me-too, role: admin }, night: { password: change-me-as-well, role: admin } }",
            "Everybody else.",
        ),
        may(
            "trunks",
            Shape::OneOrMore(&Shape::Fields(&TRUNK)),
            "[{ name: carrier, sources: [192.0.2.0/24], numbers: [\"95500\"] }]",
            "Who may call without registering.",
        ),
        may("publishing", Shape::Fields(&PUBLISHING), "", "How flows come into force."),
        may(
            "bots",
            Shape::Names(&Names {
                what: "name",
                pattern: "",
                value: Shape::Fields(&BOT),
                least: 0,
                most: 32,
            }),
            "{ assistant: { url: \"ws://127.0.0.1:7000/call\", headers: { authorization: Bearer key }, connect_timeout: 2s, max_calls: 10 } }",
            "Programs that callers may talk with by the node `bot`; nobody else hears one.",
        ),
        may("limits", Shape::Fields(&LIMITS), "", "Beyond these, new calls are told to try again later."),
        may(
            "constants",
            Shape::Names(&Names { what: "name", pattern: NAME, value: Shape::Text, least: 0, most: 200 }),
            "{ max_tries: 3 }",
            "What flows are told of where they run: texts and whole numbers.",
        ),
    ],
    names: None,
};

const ADDRESS: Shape = Shape::Like("address and port", r"^.+:[0-9]+$");
const HOUR: &str = "1h";

const SIP: Map = Map {
    name: "sip",
    about: "Telephony.",
    fields: &[
        need(
            "listen",
            Shape::OneOrMore(&ADDRESS),
            "[127.0.0.1:5060]",
            "Where SIP is served, over UDP and TCP; up to 16 addresses.",
        ),
        need(
            "realm",
            Shape::Like("host name", r"^[A-Za-z0-9.:\[\]-]+$"),
            "sip.bank.example",
            "The digest realm, and what stands behind the @ of the bank's addresses.",
        ),
    ],
    names: None,
};

const MEDIA: Map = Map {
    name: "media",
    about: "Audio.",
    fields: &[
        need(
            "address",
            Shape::Like("IP address", r"^[0-9A-Fa-f.:]+$"),
            "127.0.0.1",
            "The server's own address, as phones reach it.",
        ),
        may(
            "ports",
            Shape::Like("two ports such as `16384-32766`", r"^[0-9]+ *- *[0-9]+$"),
            "20000-20100",
            "For streams: two each, the first even.",
        )
        .or("16384-32766"),
        may("workers", Shape::Whole(1, 256), "2", "Threads that move audio.").or("1"),
        may(
            "codecs",
            Shape::OneOrMore(&Shape::Like(
                "`pcma` \\| `pcmu` \\| `g722` \\| `opus`",
                "^(?i:pcma|pcmu|g722|opus)$",
            )),
            "[pcma]",
            "What is offered and accepted, the one liked best first.",
        )
        .or("[pcma, pcmu, g722, opus]"),
        may(
            "trunk_port",
            Shape::Whole(1024, 65534),
            "16000",
            "First of the ports that the streams of trunks with `shared_sockets` have together.",
        ),
        may(
            "srtp",
            Shape::Word(&["off", "accepted", "offered", "required"]),
            "off",
            "SRTP with keys in SDP.",
        )
        .or("accepted"),
    ],
    names: None,
};

const HTTP: Map = Map {
    name: "http",
    about: "The API, the web page, and the hosts that flows may ask.",
    fields: &[
        need("listen", ADDRESS, "127.0.0.1:8080", "Where the API and the web page are served."),
        may(
            "hosts",
            Shape::Names(&Names {
                what: "name",
                pattern: "",
                value: Shape::Fields(&HOST),
                least: 0,
                most: 64,
            }),
            "{ bank: { url: \"http://127.0.0.1:9090/api\", secrets: true, headers: { authorization: Bearer key }, timeout: 2s, max_in_flight: 10 } }",
            "Servers of the bank's own; nobody else is asked.",
        ),
    ],
    names: None,
};

const HOST: Map = Map {
    name: "host",
    about: "A server that flows may ask by the node `http`.",
    fields: &[
        need(
            "url",
            Shape::Like("address", "^https?://[^?#@]+$"),
            "http://127.0.0.1:9090/api",
            "What the paths of flows are put behind.",
        ),
        may(
            "ca",
            Shape::Text,
            "",
            "With https: a file with the certificates (PEM) of those who may have signed the host's own.",
        ),
        may("secrets", Shape::Truth, "true", "Whether it may be sent what callers typed as secret.")
            .or("false"),
        may(
            "headers",
            Shape::Names(&Names { what: "header", pattern: "", value: Shape::Text, least: 0, most: 16 }),
            "{ authorization: Bearer key }",
            "Sent with every request; in no message, log or answer of the API.",
        ),
        may(
            "timeout",
            Shape::Duration("50ms", "10s"),
            "2s",
            "The longest that a flow may wait for one answer.",
        )
        .or("5s"),
        may(
            "max_in_flight",
            Shape::Whole(1, 1000),
            "10",
            "Requests under way at once; one more fails at once.",
        )
        .or("50"),
    ],
    names: None,
};

const PUBLISHING: Map = Map {
    name: "publishing",
    about: "How flows come into force.",
    fields: &[may(
        "approval",
        Shape::Truth,
        "true",
        "Whether another admin than who publishes must approve; it needs two users with that role.",
    )
    .or("false")],
    names: None,
};

const BOT: Map = Map {
    name: "bot of the configuration",
    about: "A program that callers may talk with.",
    fields: &[
        need(
            "url",
            Shape::Like("address", "^wss?://[^?#@]+$"),
            "ws://127.0.0.1:7000/call",
            "Where it listens.",
        ),
        may(
            "ca",
            Shape::Text,
            "",
            "With wss: a file with the certificates (PEM) of those who may have signed the bot's own.",
        ),
        may(
            "headers",
            Shape::Names(&Names { what: "header", pattern: "", value: Shape::Text, least: 0, most: 16 }),
            "{ authorization: Bearer key }",
            "Sent when it is called; in no message, log or answer of the API.",
        ),
        may(
            "connect_timeout",
            Shape::Duration("50ms", "15s"),
            "2s",
            "How long it may take until it is there.",
        )
        .or("3s"),
        may("max_calls", Shape::Whole(1, 1000), "10", "Callers at once; one more fails at once.").or("50"),
    ],
    names: None,
};

const RECORDING: Map = Map {
    name: "recording",
    about: "Tapes.",
    fields: &[
        may("enabled", Shape::Truth, "false", "Every call from answer to end.").or("true"),
        may(
            "key_file",
            Shape::Text,
            "tape.key",
            "A file with 32 bytes as 64 hexadecimal digits; tapes are sealed with it. Left out: not sealed.",
        ),
    ],
    names: None,
};

const NUMBERS: Names =
    Names { what: "number", pattern: r"^\+?[0-9]{1,20}$", value: Shape::Fields(&NUMBER), least: 0, most: 0 };

const NUMBER: Map = Map {
    name: "number",
    about: "A number that people dial.",
    fields: &[
        need("flow", Shape::Text, "main", "The flow that answers."),
        may("language", Shape::Word(LANGUAGES), "en", "Until the flow changes it.").or("zh-CN"),
    ],
    names: None,
};

const QUEUES: Names = Names { what: "name", pattern: "", value: Shape::Fields(&QUEUE), least: 0, most: 0 };
const LEVELS: Names = Names { what: "skill", pattern: "", value: Shape::Whole(1, 10), least: 0, most: 64 };

const QUEUE: Map = Map {
    name: "queue",
    about: "Where callers wait.",
    fields: &[
        need(
            "requires",
            Shape::Names(&LEVELS),
            "{ general: 1 }",
            "Skills that an agent must have, each with the least level.",
        ),
        may("priority", Shape::Whole(0, 100), "90", "Higher is first.").or("50"),
        may(
            "ring_timeout",
            Shape::Duration("1s", HOUR),
            "20s",
            "How long a phone rings before the call is offered to somebody else.",
        )
        .or("15s"),
        may("wrap_up", Shape::Duration("0s", HOUR), "20s", "Time for notes after a call.").or("10s"),
        may("music", Shape::Text, "music/piano", "What waiting callers hear, in a loop.").or("music/hold"),
        may("comfort", Shape::Text, "none", "What is said in between; `none`: nothing.").or("comfort"),
        may("comfort_every", Shape::Duration("5s", HOUR), "45s", "How often.").or("30s"),
        may(
            "max_wait",
            Shape::Duration("1s", "24h"),
            "10m",
            "After it the caller goes where `on_timeout` leads. Left out: as long as they like.",
        ),
        may(
            "survey",
            Shape::Text,
            "main",
            "The flow that asks callers how it was, when the agent has hung up.",
        ),
        may(
            "max_waiting",
            Shape::Whole(1, 100_000),
            "500",
            "More callers than this go where `on_full` leads.",
        )
        .or("1000"),
    ],
    names: None,
};

const USER_NAME: &str = "^[A-Za-z0-9._-]{1,64}$";
const AGENTS: Names =
    Names { what: "user name", pattern: USER_NAME, value: Shape::Fields(&AGENT), least: 0, most: 0 };
const PASSWORD: Shape = Shape::Like("text of 8 to 256 characters", "^.{8,256}$");

const AGENT: Map = Map {
    name: "agent",
    about: "Somebody who takes calls. Languages are skills: `lang.zh`, `lang.en`.",
    fields: &[
        may("name", Shape::Text, "Desk one", "What people read.").or_depends("the user name"),
        need(
            "password",
            PASSWORD,
            "change-me-2001",
            "For phone and browser. Those that begin with `demo-` are refused where others can reach the server.",
        ),
        need("skills", Shape::Names(&LEVELS), "{ general: 8 }", "What the agent can, and how well."),
        may("ready_on_register", Shape::Truth, "true", "Ready as soon as the phone registers.").or("false"),
    ],
    names: None,
};

const USERS: Names =
    Names { what: "user name", pattern: USER_NAME, value: Shape::Fields(&USER), least: 0, most: 0 };

const USER: Map = Map {
    name: "user",
    about: "Somebody who takes no calls.",
    fields: &[
        may("name", Shape::Text, "Supervisor", "What people read.").or_depends("the user name"),
        need("password", PASSWORD, "change-me-too", "For the browser."),
        need(
            "role",
            Shape::Word(&["supervisor", "quality", "admin", "auditor"]),
            "supervisor",
            "What they may see and do.",
        ),
    ],
    names: None,
};

const TRUNK: Map = Map {
    name: "trunk",
    about: "Lines from a carrier.",
    fields: &[
        need("name", Shape::Text, "carrier", "What people read."),
        need(
            "sources",
            Shape::OneOrMore(&Shape::Like("network such as `192.0.2.0/24`", r"^[0-9A-Fa-f.:]+(/[0-9]+)?$")),
            "[192.0.2.0/24]",
            "Where its calls come from; up to 256 networks.",
        ),
        need(
            "numbers",
            Shape::OneOrMore(&Shape::Text),
            "[\"95500\"]",
            "Which of the bank's numbers it reaches.",
        ),
        may("shared_sockets", Shape::Truth, "true", "Its streams share the sockets at `trunk_port`.")
            .or("false"),
    ],
    names: None,
};

const LIMITS: Map = Map {
    name: "limits",
    about: "Beyond these, new calls are told to try again later (503).",
    fields: &[
        may("calls", Shape::Whole(1, 100_000), "500", "Calls at once.").or("2000"),
        may("calls_per_second", Shape::Whole(1, 10_000), "50", "New calls a second.").or("200"),
    ],
    names: None,
};
