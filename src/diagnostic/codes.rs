//! Every code with its explanation, for `--explain`. Codes are never reused.

/// Code, what it is about, why it matters and how to put it right.
pub const CODES: &[(&str, &str, &str)] = &[
    (
        "yaml-001",
        "not YAML",
        "The file cannot be read any further. Look at the line named and the one above: a quote that does not end, a tab, a missing space after a colon.",
    ),
    (
        "yaml-002",
        "a key twice",
        "The same key stands twice in one map. Which one should count is a guess, so neither does.",
    ),
    (
        "yaml-003",
        "a part of YAML that is not used here",
        "Anchors, aliases, tags, several documents in a file and keys that are lists or maps are refused: they hide what a flow does. A star as a key must be quoted: \"*\".",
    ),
    (
        "yaml-004",
        "unknown field",
        "The field does not exist; it may be misspelled, or belong one level up or down.",
    ),
    (
        "yaml-005",
        "missing field",
        "The field has no default that would be right for everybody, so it must be written.",
    ),
    (
        "yaml-006",
        "wrong type",
        "The value is not of the kind the field holds. Truth values are `true` and `false` only.",
    ),
    (
        "yaml-007",
        "bad duration",
        "Durations are whole numbers with units: `200ms`, `5s`, `1m30s`, `2h`. A bare number is refused, because nobody knows whether it meant seconds.",
    ),
    (
        "yaml-008",
        "out of range",
        "The value is outside what makes sense or what the server can hold; the message names the limits.",
    ),
    (
        "yaml-009",
        "too large",
        "The file is larger or deeper than any real one. It was not read further, so that a mistake cannot stall the server.",
    ),
    ("yaml-010", "fields that exclude each other", "Exactly one of the fields named must be given."),
    (
        "yaml-011",
        "unreadable file",
        "The file or folder could not be read: the message has the operating system's reason.",
    ),
    (
        "yaml-012",
        "unknown snippet",
        "`use: NAME` puts the fields of a snippet in its place. Snippets stand under `snippets` in the flow itself, or in a file beside it that has nothing else.",
    ),
    ("yaml-013", "snippets in a circle", "A snippet may use others, but not, by whatever way round, itself."),
    (
        "yaml-014",
        "bad snippet",
        "A snippet has fields, such as `retries: 1`, and a name that no other snippet has which the flow can see.",
    ),
    (
        "yaml-015",
        "a file name that is no text",
        "Names of files are UTF-8 without control characters: they are shown, compared, and kept with a release. Rename the file.",
    ),
    (
        "yaml-016",
        "a link out of the folder",
        "A link in the folder of flows may lead, by a relative way, to another file below that folder. Any other is refused: who may write into the folder need not be allowed to read what the server may, and a release shows its files.",
    ),
    (
        "flow-001",
        "unknown node kind",
        "A node is written `name: { kind: { fields } }`. `hotline schema --reference` tells of all kinds.",
    ),
    (
        "flow-002",
        "the flow's name is not the file's",
        "`flow: main` must stand in `main.yaml`: numbers name flows, and people look for the file of that name.",
    ),
    ("flow-003", "unknown target", "The node that should come next does not exist in this flow."),
    ("flow-004", "no start", "`start` must name the node where a call begins."),
    ("flow-005", "unknown queue", "The configuration has no queue of that name."),
    ("flow-006", "unknown agent", "The configuration has no agent of that name."),
    (
        "flow-007",
        "unknown number",
        "Calls are transferred only to the bank's own numbers, those under `numbers` in the configuration.",
    ),
    (
        "flow-008",
        "missing prompt",
        "The prompt does not exist in one of the flow's languages. A caller would hear silence.",
    ),
    (
        "flow-009",
        "unknown variable",
        "Variables are declared under `vars`; `caller`, `dialled` and `language` are always there.",
    ),
    (
        "flow-010",
        "type mismatch",
        "A value of one kind was used where another belongs, such as a text for a number. In conditions, texts stand in quotes, `$kind == '2'`, and everything else does not.",
    ),
    (
        "flow-011",
        "not a telephone key",
        "Keys are 0 to 9, * and # (and A to D, which few phones have). A star and a hash must be quoted.",
    ),
    (
        "flow-012",
        "unreachable node",
        "No path from the start leads to this node. Remove it, or lead a key to it.",
    ),
    (
        "flow-013",
        "dead end",
        "From this node no caller ever comes to a person, a number or a goodbye, whatever they press.",
    ),
    (
        "flow-014",
        "loop without input",
        "The call would go round here without the caller pressing anything. Lead a step out of the loop to a person or a goodbye.",
    ),
    (
        "flow-015",
        "menu without a person",
        "From every menu a person must be reachable: a path to a queue or a transfer. Only hanging up is not an answer.",
    ),
    (
        "flow-016",
        "case that never applies",
        "An earlier case already catches everything this one would, so its target is never used. Put the narrower case first.",
    ),
    ("flow-017", "unknown time zone", "Time zones are named after the IANA database: `Asia/Shanghai`."),
    (
        "flow-018",
        "bad opening hours",
        "Hours are written `08:00-21:00`, to the minute, the end later than the start, at most `24:00`, without overlap. Hours past midnight are two ranges on two days.",
    ),
    (
        "flow-019",
        "secret misused",
        "A secret (PIN, code) can be collected, and sent in the body of a request to a host with `secrets: true`: it cannot be said, compared, copied or dialled, nor be part of a path, so that it appears nowhere.",
    ),
    (
        "flow-020",
        "shortest longer than longest",
        "`min` must not be above `max`: no entry would ever be right.",
    ),
    (
        "flow-021",
        "too many retries",
        "After a few tries a caller needs a person, not the same question again.",
    ),
    (
        "flow-022",
        "bad condition",
        "A condition compares: `$caller starts_with '138' and not $tries >= 3`. Operators: == != < <= > >= starts_with ends_with, and, or, not, parentheses.",
    ),
    (
        "flow-023",
        "unknown language",
        "The languages are `zh-CN` and `en`; a flow lists those it speaks under `languages`, the first one is used for callers who speak none of them.",
    ),
    ("flow-024", "unused variable", "The variable is declared and never used."),
    (
        "flow-025",
        "bad date",
        "Dates are written `2026-10-01`, spans of days `2026-10-01..2026-10-07`. A day cannot be a holiday and a working day.",
    ),
    (
        "flow-026",
        "bad name",
        "Names of nodes and variables consist of letters, digits, `_` and `-`, and some words have a meaning of their own.",
    ),
    ("flow-027", "not exactly one kind", "A node does one thing: exactly one kind stands below its name."),
    ("flow-028", "two flows of one name", "Two files define the same flow."),
    (
        "flow-040",
        "bad value",
        "The value is not of its variable's kind. Numbers are whole; money is yuan with at most two decimals, `12345.67`; dates are `2026-10-01`, times `08:30`, durations `1h30m` or `90s`.",
    ),
    (
        "flow-041",
        "cannot be typed",
        "`collect` takes texts, numbers, secrets, and money in whole yuan. A telephone has no keys for anything else, and a date or time typed by guesswork is wrong too often.",
    ),
    (
        "flow-050",
        "unknown host",
        "Flows ask only hosts that the configuration names under `http.hosts`; a flow cannot give an address of its own.",
    ),
    (
        "flow-051",
        "bad path of a request",
        "A path begins with `/`, holds no spaces, and takes values of variables by `{$name}`: `/cards/{$card}/block`. What the values hold is encoded, so that none of them can lead elsewhere.",
    ),
    (
        "flow-052",
        "secret sent where it must not go",
        "A secret (PIN, code) goes only to a host with `secrets: true` in the configuration, and only in the body of a request, because paths stand in the logs of servers on the way.",
    ),
    ("flow-053", "unknown method", "The methods are: get, post, put, patch, delete."),
    (
        "flow-054",
        "bad status",
        "`on_status` names statuses of HTTP, 200 to 599, each with the node that comes next. Without an entry 2xx goes to `next` and everything else to `on_failed`.",
    ),
    (
        "flow-055",
        "waiting too long",
        "A caller hears nothing while a host is asked. One try may take as long as the configuration allows for the host, all tries together 15 s.",
    ),
    (
        "flow-056",
        "bad body of a request",
        "A body is a map of names with values: texts, numbers, true or false, variables (`$name`) and further maps. Requests with `get` have none.",
    ),
    (
        "flow-057",
        "bad field of an answer",
        "`answer` takes fields of the host's JSON into variables: `answer: { card.last4: $last4 }`, each variable once. A secret is only ever typed by the caller, so no answer goes into one.",
    ),
    (
        "flow-060",
        "bad sum",
        "A sum adds and subtracts whole numbers and variables of kind number: `$tries + 1`. Spaces stand around + and -, because names may have a `-` in them.",
    ),
    (
        "flow-061",
        "shares that do not make a hundred",
        "The shares of a `percent` are whole numbers and make 100 together, so that it is plain who goes where.",
    ),
    (
        "flow-062",
        "what a caller typed would be in the journal",
        "The journal is kept for years and read by many. An event takes fixed texts, numbers and `$language`, not texts that a caller may have typed, and not their number.",
    ),
    (
        "flow-063",
        "bad constant",
        "A flow names the constants it reads, with their kinds, under `constants`; their values stand under `constants` in the configuration file. Nothing changes them.",
    ),
    ("flow-064", "unknown flow", "A call names another flow, by the name of its file without ending."),
    (
        "flow-065",
        "call and flow do not fit",
        "A call gives all the parameters that the flow declares, and no others; a return gives all its results, and no others. A call keeps the results it wants.",
    ),
    (
        "flow-066",
        "calls in a circle, or too deep",
        "A flow must not call itself, nor one that leads back to it by calls: each call waits for the flow it called to return, so such a call would never end.",
    ),
    (
        "flow-067",
        "nothing comes after this call",
        "The flow that is called has no way to a `return`: it ends with a person or a goodbye. What is under `next` would never be reached.",
    ),
    (
        "flow-068",
        "flows that speak different languages",
        "A flow and those it calls must speak the same languages: a caller who chose one would otherwise suddenly hear another. Their order may differ.",
    ),
    (
        "flow-069",
        "a number leads into a flow that is only called",
        "A flow with parameters needs somebody who gives them, and one that returns needs somewhere to return to.",
    ),
    (
        "flow-093",
        "no message can be long enough",
        "The shortest message (`min`) must be shorter than the longest (`max`).",
    ),
    (
        "flow-094",
        "no tone before messages",
        "Callers speak after a tone, which is the file `music/beep.wav` among the prompts, the same in every language.",
    ),
    (
        "flow-095",
        "bad end of a message",
        "A message ends by `#`, by `*`, or with `none` by its length or the caller's hanging up.",
    ),
    (
        "flow-096",
        "bad scores",
        "Scores are keys, the first and the last with a hyphen between them: `scores: 1-5`.",
    ),
    (
        "flow-097",
        "a score that parts nobody",
        "`on_low: { up_to: 2, then: why }` leads callers with low scores elsewhere: some scores must be as low, and some higher.",
    ),
    (
        "flow-070",
        "no person",
        "Whoever keeps silent, presses wrong keys or presses the key for a person must come to a person (a queue or a transfer), not to a goodbye: not everybody can press the right keys. After hours a goodbye will do.",
    ),
    (
        "flow-071",
        "a person is too many questions away",
        "Whoever keeps silent, presses wrong keys or presses the key for a person must come to a person after few questions: three, or what `humane: { questions: ... }` says.",
    ),
    (
        "flow-072",
        "a person is too far away",
        "Whoever keeps silent, presses wrong keys or presses the key for a person must come to a person after few seconds of prompts, repeats included: a minute, or what `humane: { prompts: 90s }` says. What is said of values is not counted.",
    ),
    ("flow-073", "menu too deep", "More than three menus one behind the other: people lose their way."),
    (
        "flow-074",
        "no key for complaints",
        "The first menu of a number must have a key that leads to complaints, without another menu before (PBoC Order 2020 No. 5). `humane: { complaints: NODE }` names where they are taken.",
    ),
    (
        "flow-131",
        "entries turned down without end",
        "Whoever types what could be right and is turned down (a wrong PIN, an account that does not exist) must come to a person after some tries, neither be asked for ever nor be sent away. Count the tries: `set: { tries: $tries + 1, next: how_often }`, and let a `switch` lead to a person: `{ when: \"$tries >= 3\", then: agent }`.",
    ),
    (
        "flow-100",
        "a loss that reaches no person",
        "While a broadcast plays, key 0 leads where `loss` of the `emergency` node says, at every level. A lost card cannot wait until all is well again: a person must be reached from there.",
    ),
    (
        "flow-110",
        "a number leads to an assisted flow",
        "A flow with `agent_return` is started by an agent during a talk, and gives the caller back to that agent. Who dials a number comes from no agent.",
    ),
    (
        "flow-111",
        "lost to the agent",
        "The agent who sent the caller into the flow waits for them. So a flow with `agent_return` has no queue, transfer or goodbye, nor calls a flow that has one: all ways end with `agent_return`.",
    ),
    (
        "flow-112",
        "bad result of an assisted flow",
        "`result` says whether the caller has proven who they are: ok or fail. That it was cancelled, took too long or was hung up on is the server's to say.",
    ),
    (
        "flow-113",
        "bad level",
        "`level` names what the caller has proven, such as `pin`: letters, digits, `_` and `-`. It belongs to `result: ok`.",
    ),
    (
        "flow-129",
        "secret that may not be there",
        "A secret is gone once it is sent to a host or handed to another flow, so that nobody has it longer than needed. Every path to its next use, and to its first, must collect it anew.",
    ),
    (
        "flow-130",
        "typed number in the journal",
        "The journal is kept for years and read by many. A number typed with more than two keys may be an account, whatever it is called; an event takes numbers that the flow counted, that a host answered, or that are a choice of one or two keys (`max: 2`). A `callback` is written down as well, with its number: it takes the caller's own, and typed ones only where `collect` asks for a telephone number (`check: phone`).",
    ),
    (
        "flow-080",
        "a number leads nowhere",
        "The configuration says that a number leads to this flow, and the release has none of that name: its callers would hear that the number is unknown. Put the flow's file back, or change `numbers` first.",
    ),
    (
        "flow-120",
        "unknown bot",
        "Callers talk only with bots that the configuration names under `bots`; a flow cannot give an address of its own.",
    ),
    (
        "flow-121",
        "bad value for a bot",
        "`with` tells a bot values by names of ASCII letters, digits, `_` and `-`: `with: { account: $account }`. It gets them as texts, at most 16 of 200 bytes. A secret goes to no bot.",
    ),
    (
        "flow-122",
        "bad slot of a bot",
        "`into` takes slots of a bot's result into variables: `into: { intent: $intent }`, each variable once. A secret is only ever typed by the caller, so no slot goes into one.",
    ),
    (
        "flow-123",
        "unknown bot in a test",
        "The configuration names no bot of that name under `bots`, so no caller talks with it.",
    ),
    (
        "flow-124",
        "bad mock of a bot",
        "A mock stands for a bot: `{ bot: assistant, result: { intent: loss }, transfer: true, after: 20s }`, or with `failure: timeout` instead of the result; with neither it closes.",
    ),
    (
        "flow-085",
        "a key with two meanings in a queue",
        "Whoever waits may press a key at any time: those that leave the queue (`keys`), those of the offer and the one that declines it (`stay`) must differ.",
    ),
    (
        "flow-086",
        "nothing is told",
        "`tell` says which of two things callers in the queue are told: `position`, how many are before them, and `estimate`, how long it will take. With neither, leave it out.",
    ),
    (
        "flow-087",
        "words of the queue are missing",
        "Places, waits and agents are spoken with prompts of fixed names: q_next, q_ahead_one, q_ahead_pre, q_ahead_post, q_wait, q_busier, agent_id_pre, agent_id_post. Each language of the flow needs those that the node may use.",
    ),
    (
        "flow-088",
        "an offer that is never made",
        "An offer to callers in a queue is made after a wait (`after`), or when the wait that is expected is long (`estimate`). Say one of them or both; the one that comes first counts.",
    ),
    (
        "flow-089",
        "comfort that is never heard, or never ends",
        "A comfort message comes so long after whatever was said last. If places are told as often (`tell: { every: ... }`) it never comes; if it takes longer than the pause before it, callers hear it without end.",
    ),
    (
        "flow-101",
        "a check that cannot be",
        "What a `collect` takes is checked by `check: luhn` (card numbers), `date` (YYYYMMDD), `day` (MMDD), `phone` (a number that can be called back), `{ luhn: 16 }` (entries of 16 digits and more), `{ one_of: [...] }`, or of numbers and amounts `{ from: 1, to: 50000 }`; with `prompts` it says what is wrong. Some entry must be able to pass it.",
    ),
    (
        "flow-102",
        "what cannot be remembered",
        "`profile` remembers numbers, fixed texts and `$language` of a caller's number, each by a name, and recalls them into numbers, texts and `$language`. What a caller typed or is called by is never among them.",
    ),
    (
        "config-001",
        "bad address",
        "Addresses are written `192.0.2.1:5060`, `[2001:db8::1]:5060`, networks `192.0.2.0/24`.",
    ),
    (
        "config-002",
        "bad password",
        "Passwords must have at least 8 characters, must not be the user's name, and demonstration passwords are refused wherever others could reach the server.",
    ),
    ("config-003", "unknown flow", "The number leads to a flow that has no file in the folder of flows."),
    (
        "config-004",
        "a skill nobody has",
        "The queue asks for a skill, or a level of it, that no agent has: its callers would wait for nobody.",
    ),
    ("config-005", "bad port range", "RTP needs two ports a stream, beginning with an even one."),
    (
        "config-006",
        "a number that is not the bank's",
        "A trunk may reach only what is listed under `numbers`.",
    ),
    (
        "config-007",
        "bad telephone number or name",
        "Numbers consist of digits, perhaps with a leading plus; user names of letters, digits, `.`, `_` and `-`; names of constants of letters, digits, `_` and `-`.",
    ),
    ("config-008", "name used twice", "An agent and another user have the same name; they share one log-in."),
    (
        "config-009",
        "bad list of codecs",
        "Codecs are pcma, pcmu, g722 and opus, each once, the one liked best first.",
    ),
    (
        "config-010",
        "bad host for flows",
        "A host is an address that begins with http:// or https://, without a question mark, user or password. With https `ca` names a file with the certificates (PEM) of those who may have signed the host's own, nobody else is trusted; for a host with a public certificate that is the system's bundle. Headers are names with values of printable characters, and none of those that follow from the request itself.",
    ),
    (
        "config-011",
        "secrets in the open",
        "The host may be sent secrets, and is asked over a network without encryption. Use https, or let a proxy on this machine speak it.",
    ),
    (
        "config-012",
        "nobody to approve",
        "With `publishing: { approval: true }` one admin publishes and another approves, so there must be two users with the role admin.",
    ),
    (
        "config-016",
        "bad bot",
        "A bot is an address that begins with ws:// or wss://, without a question mark, user or password. With wss `ca` names a file with the certificates (PEM) of those who may have signed the bot's own, nobody else is trusted. Headers are names with values of printable characters, and none of those that follow from the request itself.",
    ),
    (
        "config-017",
        "callers overheard",
        "The bot hears callers over a network without encryption. Use wss, or let a proxy on this machine speak it.",
    ),
    (
        "test-001",
        "unknown prompt",
        "None of the flow's languages has a prompt of that name, so no caller ever hears it.",
    ),
    ("test-002", "unknown queue", "The configuration has no queue of that name, so no flow leads there."),
    ("test-003", "unknown node", "The flow under test has no node of that name."),
    ("test-004", "unknown variable", "The flow under test declares no variable of that name under `vars`."),
    (
        "test-005",
        "unknown flow",
        "A test is of the flow its file is called after (`main.test.yaml` of `main`), or names another: `flow: main`.",
    ),
    (
        "test-006",
        "not a step",
        "A step is one thing that the caller does (presses, silence, hangs_up, queue_leaves, transfer_fails) or one that is expected (hears, queue, transfer, ends, at, remark, language, variables).",
    ),
    (
        "test-007",
        "bad time",
        "Tests begin at `2026-11-28 09:30`, told by the clock of the flow's opening hours, or with an offset: `2026-11-28 09:30+08:00`.",
    ),
    ("test-008", "not telephone keys", "Callers press 0 to 9, * and # (and A to D, which few phones have)."),
    (
        "test-009",
        "a secret's value",
        "What was typed into a secret stands nowhere, in no test either. How many keys it were can be expected: `pin: { typed: 6 keys }`.",
    ),
    (
        "test-011",
        "unknown language",
        "The flow does not speak this language; it lists those it speaks under `languages`.",
    ),
    ("test-012", "unknown agent", "The configuration has no agent of that name."),
    (
        "test-013",
        "unknown host",
        "The configuration names no host of that name under `http.hosts`, so no flow asks it.",
    ),
    (
        "test-014",
        "bad mock",
        "A mock stands for a host of the bank's: `{ host: bank, method: get, path: /customers/*, status: 200, body: { name: Li } }`, or with `failure: unreachable` instead of the status. A star stands for anything in a path.",
    ),
    (
        "test-015",
        "bad broadcast",
        "An emergency broadcast of a test is `{ level: info, prompts: emg_sys, time: \"14:30\" }`: what the server would refuse is refused here.",
    ),
    (
        "test-020",
        "expectation failed",
        "Something else happened than the test expects. Below it stands what happened to the caller from the beginning: either the flow or the test is wrong.",
    ),
    (
        "test-021",
        "step out of place",
        "The caller cannot do this where the call stands: nobody leaves a queue they are not in, and nothing happens in silence where nothing waits for a key.",
    ),
    (
        "test-022",
        "nobody answers",
        "The flow asks a host, and no mock of the test or its file stands for it. Tests ask nobody outside: write a mock, or look why the flow asks.",
    ),
    ("test-023", "unknown message", "No flow takes a message of this name (`record`)."),
    ("test-024", "bad rating", "A rating is a key, or `no_answer`: `survey: 5`."),
];

/// The long text for a code, or `None` if there is no such code.
pub fn explain(code: &str) -> Option<String> {
    let (code, title, text) = CODES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(code))?;
    Some(format!("{code}: {title}\n\n{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once_and_explained() {
        for (place, (code, ..)) in CODES.iter().enumerate() {
            assert!(CODES[..place].iter().all(|(other, ..)| other != code), "{code} twice");
            assert!(explain(code).is_some_and(|text| text.starts_with(code)));
        }
        assert_eq!(explain("flow-999"), None);
    }
}
