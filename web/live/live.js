// The live page. Everything shown is set as text, never as markup: names and numbers come from outside.
"use strict";

const SNAPSHOT_EVERY_MS = 15000;
const RETRY_MS = 2000;
const EVENTS_SHOWN = 200;
const PAST_SHOWN = 20;

const at = (id) => document.getElementById(id);
let me = null;
let socket = null;
let skew = 0; // server time minus ours, ms
let wanted = null; // the snapshot asked for shortly
let pastWanted = null;

async function ask(method, path, body) {
  const options = { method, credentials: "same-origin", headers: {} };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const response = await fetch(path, options);
  const text = await response.text();
  const answer = text === "" ? null : JSON.parse(text);
  if (!response.ok) {
    const error = new Error(answer?.message ?? `the server said ${response.status}`);
    error.status = response.status;
    throw error;
  }
  return answer;
}

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = String(text);
  if (className) made.className = className;
  return made;
}

function cell(name, content, className) {
  const made = element("td", undefined, className);
  made.dataset.name = name;
  if (content instanceof Node) made.append(content);
  else made.textContent = content ?? "";
  return made;
}

function row(...cells) {
  const made = element("tr");
  made.append(...cells);
  return made;
}

function button(text, spoken, action) {
  const made = element("button", text);
  made.type = "button";
  made.dataset.key = spoken;
  made.setAttribute("aria-label", spoken);
  made.addEventListener("click", async () => {
    made.disabled = true;
    try {
      at("trouble").textContent = "";
      await action();
    } catch (error) {
      failed(error);
    } finally {
      made.disabled = false;
    }
  });
  return made;
}

// Tables are built anew; who works with the keyboard keeps their place.
function fill(id, rows) {
  const focused = document.activeElement?.dataset?.key;
  at(id).replaceChildren(...rows);
  if (focused) {
    const again = [...at(id).querySelectorAll("button")].find((one) => one.dataset.key === focused);
    again?.focus();
  }
}

const now = () => (Date.now() + skew) * 1000;
const clock = (micros) => new Date(micros / 1000).toLocaleTimeString();

function span(micros) {
  const seconds = Math.max(0, Math.floor(micros / 1e6));
  const rest = String(seconds % 60).padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${rest}`;
}

function ticking(since) {
  const made = element("span", span(now() - since));
  made.dataset.since = since;
  return made;
}

setInterval(() => {
  for (const made of document.querySelectorAll("[data-since]")) {
    made.textContent = span(now() - Number(made.dataset.since));
  }
}, 1000);

const STATES = {
  logged_out: ["no phone", "soft"], ready: ["ready", "good"], offered: ["rings", "busy"],
  talking: ["talks", "busy"], wrap_up: ["wrap-up", "busy"], not_ready: ["not ready", "bad"],
};

const mayOrder = () => ["supervisor", "admin"].includes(me.role);
const mayListen = () => me.role !== "agent";

function order(agent, body) {
  return ask("POST", `/api/v1/agents/${encodeURIComponent(agent)}/state`, body).then(soon);
}

function orders(agent) {
  const made = document.createDocumentFragment();
  const add = (text, body) => made.append(button(text, `${text}: agent ${agent.agent}`, () => order(agent.agent, body)));
  if (agent.state === "logged_out") return made;
  if (agent.state === "not_ready") add("Ready", { state: "ready" });
  else add("Not ready", { state: "not_ready", reason: "break" });
  if (agent.state === "wrap_up") add("End wrap-up", { state: "wrap_up_done" });
  return made;
}

function showCalls(calls) {
  at("calls-count").textContent = calls.length || "";
  at("calls-none").hidden = calls.length > 0;
  fill("calls", calls.map((call) => {
    const end = ["supervisor", "admin"].includes(me.role)
      ? button("End", `End the call from ${call.from}`, () => ask("DELETE", `/api/v1/calls/live/${call.call}`).then(soon))
      : null;
    const stage = call.stage + (call.held ? ", held" : "") + (call.poor ? ", poor sound" : "");
    const mood = call.poor ? "bad" : call.stage === "talking" ? "good" : "busy";
    return row(cell("", call.from), cell("", stage, mood), cell("at", call.node),
      cell("queue", call.queue), cell("agent", call.agent), cell("", ticking(call.arrived)), cell("", end));
  }));
}

function showQueues(queues) {
  fill("queues", queues.map((queue) => {
    const first = Math.min(...queue.waiting.map((waiting) => waiting.since));
    return row(cell("", queue.queue), cell("waiting", queue.waiting.length),
      cell("longest", queue.waiting.length ? ticking(first) : ""),
      cell("", queue.staffed ? "there" : "nobody", queue.staffed ? "good" : "bad"));
  }));
}

function stateText(agent) {
  const [word] = STATES[agent.state] ?? [agent.state];
  return agent.reason ? `${word} (${agent.reason})` : word;
}

function showAgents(agents) {
  fill("agents", agents.map((agent) => {
    const [, className] = STATES[agent.state] ?? ["", ""];
    const skills = Object.entries(agent.skills).map(([skill, level]) => `${skill} ${level}`).join(", ");
    return row(cell("", `${agent.agent} ${agent.name}`), cell("", stateText(agent), className),
      cell("for", agent.since ? ticking(agent.since) : ""), cell("", skills, "soft"),
      cell("", mayOrder() ? orders(agent) : null));
  }));
  const own = agents.find((agent) => agent.agent === me.agent);
  at("own").hidden = !own;
  if (own) {
    at("own-state").textContent = `${own.agent} ${own.name}: ${stateText(own)}`;
    const focused = document.activeElement?.dataset?.key;
    at("own-buttons").replaceChildren(orders(own));
    const again = [...at("own-buttons").children].find((one) => one.dataset.key === focused);
    again?.focus();
  }
}

function show(snapshot) {
  skew = snapshot.at / 1000 - Date.now();
  showCalls(snapshot.calls);
  showQueues(snapshot.queues);
  showAgents(snapshot.agents);
}

async function refresh() {
  try {
    show(await ask("GET", "/api/v1/snapshot"));
  } catch (error) {
    failed(error);
  }
}

// Many events come at once; one look afterwards is enough.
function soon() {
  if (wanted !== null) return;
  wanted = setTimeout(() => { wanted = null; if (me) refresh(); }, 150);
}

function play(call) {
  at("player-line").hidden = false;
  at("playing").textContent = `${call.from}, ${new Date(call.arrived / 1000).toLocaleString()}`;
  at("player").src = `/api/v1/recordings/${call.call}/audio`;
  return at("player").play();
}

async function refreshPast() {
  try {
    const { calls } = await ask("GET", `/api/v1/calls?limit=${PAST_SHOWN}`);
    const ended = calls.filter((call) => call.ended !== null);
    at("past-none").hidden = ended.length > 0;
    fill("past", ended.map((call) => {
      const listen = call.recorded && mayListen()
        ? button("Play", `Play the call from ${call.from} at ${clock(call.arrived)}`, () => play(call))
        : null;
      return row(cell("", new Date(call.arrived / 1000).toLocaleString()), cell("", call.from), cell("agent", call.agent),
        cell("talk", call.talk_ms ? span(call.talk_ms * 1000) : ""), cell("", call.cause), cell("", listen));
    }));
  } catch (error) {
    failed(error);
  }
}

function pastSoon() {
  if (pastWanted !== null) return;
  pastWanted = setTimeout(() => { pastWanted = null; if (me) refreshPast(); }, 700);
}

function line(event) {
  const { kind, ...rest } = event.event;
  const flat = Object.entries(rest).map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return [clock(event.at), event.call ?? "", event.agent ?? "", kind, flat.join(", ")].filter((part) => part !== "").join("  ");
}

function tell(text, className) {
  const list = at("events");
  list.prepend(element("li", text, className));
  while (list.children.length > EVENTS_SHOWN) list.lastChild.remove();
}

function heard(message) {
  if (message.snapshot) show(message.snapshot);
  else if (message.missed) {
    tell(`… ${message.missed} events not shown`, "soft");
    soon();
  } else {
    tell(line(message));
    soon();
    if (message.event.kind === "call_ended") pastSoon();
  }
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const opened = new WebSocket(`${scheme}//${location.host}/api/v1/events`);
  socket = opened;
  opened.addEventListener("open", () => { at("link").textContent = "live"; at("link").className = "good"; });
  opened.addEventListener("message", (message) => heard(JSON.parse(message.data)));
  opened.addEventListener("close", () => {
    if (socket !== opened) return;
    at("link").textContent = "not connected";
    at("link").className = "bad";
    if (me) setTimeout(() => { if (me && socket === opened) retry(); }, RETRY_MS);
  });
}

async function retry() {
  try {
    await ask("GET", "/api/v1/me");
    connect();
  } catch (error) {
    if (error.status === 401) return leave();
    setTimeout(() => { if (me) retry(); }, RETRY_MS);
  }
}

function failed(error) {
  if (error.status === 401) leave();
  else at("trouble").textContent = error.message;
}

function enter(person) {
  me = person;
  at("login").hidden = true;
  at("desk").hidden = false;
  at("logout").hidden = false;
  at("person").hidden = false;
  at("person").textContent = `${me.user} (${me.role})`;
  at("trouble").textContent = "";
  connect();
  refreshPast();
}

function leave() {
  me = null;
  const open = socket;
  socket = null;
  open?.close();
  at("player").pause();
  at("player").removeAttribute("src");
  at("player-line").hidden = true;
  for (const id of ["calls", "queues", "agents", "past", "events"]) at(id).replaceChildren();
  for (const id of ["desk", "logout", "person", "own"]) at(id).hidden = true;
  at("link").textContent = "not connected";
  at("link").className = "";
  at("login").hidden = false;
  at("user").focus();
}

at("login").addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  at("refused").textContent = "";
  try {
    await ask("POST", "/api/v1/login", { user: at("user").value.trim(), password: at("password").value });
    at("password").value = "";
    enter(await ask("GET", "/api/v1/me"));
  } catch (error) {
    at("refused").textContent = error.message;
  }
});

at("logout").addEventListener("click", async () => {
  try {
    await ask("POST", "/api/v1/logout");
  } finally {
    leave();
  }
});

setInterval(() => { if (me && !document.hidden) refresh(); }, SNAPSHOT_EVERY_MS);

ask("GET", "/api/v1/me").then(enter, leave);
