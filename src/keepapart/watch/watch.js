"use strict";
// Shows the last audit, or one of the history, and shows the next as soon as it is there.
const cluster = document.documentElement.dataset.cluster;
const base = `v1/clusters/${encodeURIComponent(cluster)}`;
const LARGE = 64; // members beyond which pairs aren't drawn
const LETTERS = { "co-resident": "C", separate: "·", unknown: "?" };
const MARKS = { good: "✓", bad: "!", open: "?" };
const byId = (id) => document.getElementById(id);
let watch = null; // how the watch goes
let chosen = null; // the time of the audit of the history that is shown; null: the last one
let shown = ""; // the time of the last audit that is drawn
let picked = []; // members chosen for their story

function make(tag, text = "", { kind = "", ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (kind) element.className = kind;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error.text);
  return found;
}

function age(at) {
  const seconds = Math.round((Date.now() - Date.parse(at)) / 1000);
  const [unit, size] = [["second", 1], ["minute", 60], ["hour", 3600], ["day", 86400]].findLast(
    ([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.trunc(seconds / size), unit);
}

function timeOf(at, write = (at) => new Date(at).toLocaleString()) {
  return make("time", write(at), { datetime: at, title: at });
}

// The answer, as `report.words` has it, in short.
function answer(audit) {
  const { risk, verdicts } = audit;
  const shared = audit.hosts.filter((host) => host.instances.length > 1);
  const runs = risk.running ?? audit.instances.length;
  const unknown = verdicts.unknown ? `; ${verdicts.unknown.toLocaleString("en")} pairs are unknown` : "";
  if (risk.quorate === false) return ["bad", `${runs} of ${audit.instances.length} members run, and the cluster needs ${risk.need}`];
  if (shared.length) {
    const together = shared.reduce((sum, host) => sum + host.instances.length, 0);
    return ["bad", `${together} of ${runs} members share ${shared.length > 1 ? `${shared.length} hosts` : "a host"}${unknown}`];
  }
  if (runs < audit.instances.length) return ["open", `${audit.instances.length - runs} of ${audit.instances.length} members don't run${unknown}`];
  if (verdicts.unknown) return ["open", `no two are known to share a host${unknown}`];
  if (risk.survives_any_host === false) return ["bad", "every member is on a host of its own, but they are too few to survive losing one"];
  return ["good", "every member is on a host of its own"];
}

function drawAnswer(audit) {
  const [tone, text] = answer(audit);
  const box = byId("answer");
  box.className = `answer ${tone}`;
  box.dataset.tone = tone;
  box.querySelector(".mark").textContent = MARKS[tone];
  const { survives_any_host: survives, worst_host: worst, lost } = audit.risk;
  const loss = survives === true ? "It survives the loss of any one host."
    : survives === false && worst ? `Losing ${worst} takes ${lost.join(", ")}, and the cluster doesn't survive that.`
    : survives === false ? "It doesn't survive the loss of any one host."
    : "Whether it survives the loss of any one host is not known.";
  box.querySelector("div").replaceChildren(make("h1", text), make("p", loss));
  box.hidden = false;
  document.title = `${cluster}: ${text}`;
}

function drawFigures(audit) {
  const counts = { members: audit.instances.length, "hosts known": audit.hosts.length, "racks known": audit.racks.length };
  for (const [verdict, count] of Object.entries(audit.verdicts)) counts[`${verdict} pairs`] = count;
  byId("figures").replaceChildren(...Object.entries(counts).map(([name, count]) =>
    make("div", "", {}, make("dt", name), make("dd", count.toLocaleString("en")))));
}

function chip(one) {
  const button = make("button", "", { type: "button", "aria-pressed": String(picked.includes(one.id)) }, make("span", one.id, { kind: "id" }));
  if (one.address) button.append(make("span", one.address, { kind: "address id" }));
  if (one.because) button.append(make("span", `? ${one.because}`, { kind: "why" }));
  button.addEventListener("click", () => pick(one.id, button));
  return make("li", "", { kind: "chip", "data-instance": one.id }, button);
}

function hostBox(host, instances) {
  const together = host.instances.length > 1;
  const head = make("header", "", {}, make("span", host.name));
  if (together) head.append(make("span", `▲ ${host.instances.length} together`));
  const chips = make("ul", "", { kind: "chips" }, ...host.instances.map((id) => chip(instances.get(id))));
  return make("article", "", { kind: together ? "host shared" : "host", "data-host": host.name }, head, chips);
}

function place(title, hosts, instances) {
  const box = make("section", "", { kind: "place" });
  if (title) box.append(make("h3", title));
  box.style.setProperty("--hosts", String(hosts.length));
  box.append(make("div", "", { kind: "hosts" }, ...hosts.map((host) => hostBox(host, instances))));
  return box;
}

function drawPlaces(audit) {
  const instances = new Map(audit.instances.map((one) => [one.id, one]));
  const left = new Map(audit.hosts.map((host) => [host.name, host]));
  const boxes = [];
  for (const rack of audit.racks) {
    const here = rack.hosts.map((name) => left.get(name)).filter(Boolean);
    for (const host of here) left.delete(host.name);
    if (here.length) boxes.push(place(rack.name, here, instances));
  }
  if (left.size) boxes.push(place(boxes.length ? "in no known rack" : "", [...left.values()], instances));
  const runs = (one) => (one.state ?? "running") === "running";
  const apart = [
    ["On no known host", (one) => runs(one) && !one.host && !one.because],
    ["Not reached", (one) => runs(one) && !one.host && one.because],
    ["Not running", (one) => !runs(one)],
  ];
  for (const [title, belongs] of apart) {
    const here = audit.instances.filter(belongs);
    const chips = make("ul", "", { kind: "chips" }, ...here.map(chip));
    if (here.length) boxes.push(make("section", "", { kind: "apart" }, make("h3", title), chips));
  }
  byId("places").replaceChildren(...boxes);
  byId("where").hidden = false;
}

function drawMatrix(audit) {
  const ids = [...audit.hosts.flatMap((host) => host.instances), ...audit.instances.filter((one) => !one.host).map((one) => one.id)];
  byId("pairs").hidden = ids.length > LARGE || ids.length < 2;
  if (byId("pairs").hidden) return;
  const pairs = new Map();
  for (const pair of audit.pairs) pairs.set(`${pair.a}\n${pair.b}`, pair).set(`${pair.b}\n${pair.a}`, pair);
  const cell = (a, b) => {
    const pair = pairs.get(`${a}\n${b}`);
    if (!pair) return make("td", "", { kind: "cell" });
    const title = `${a} and ${b}: ${pair.verdict}\n${pair.because}`;
    const button = make("button", LETTERS[pair.verdict], { type: "button", title, "aria-label": title });
    button.addEventListener("click", () => tell(a, b));
    return make("td", "", { kind: `cell ${pair.verdict}` }, button);
  };
  const head = make("thead", "", {}, make("tr", "", {}, make("td"), ...ids.map((id) => make("th", id, { kind: "id", scope: "col" }))));
  const rows = ids.map((a) => make("tr", "", {}, make("th", a, { kind: "id", scope: "row" }), ...ids.map((b) => cell(a, b))));
  byId("matrix").className = ids.length > 24 ? "matrix fine" : "matrix";
  byId("matrix").replaceChildren(head, make("tbody", "", {}, ...rows));
}

function drawFacts(audit) {
  const rows = audit.instances.flatMap((one) => (one.stated ?? []).map((said) => {
    // An API's word without a time is of the audit; of a label nobody knows when it was written.
    const read = said.at ?? (said.source === "label" ? null : audit.at);
    const facts = Object.entries(said.facts).map(([name, value]) => `${name} = ${value}`).join(", ");
    const aged = make("td", read ? "" : "nobody knows when", { kind: "age" });
    if (read) aged.append(timeOf(read, age));
    return make("tr", "", {}, make("td", one.id, { kind: "id" }), make("td", `${said.by} (${said.source})`), aged, make("td", "", {}, make("code", facts)));
  }));
  const differ = (audit.facts_differ ?? []).map((one) => make("li", one.because, { kind: "open" }));
  byId("stated").replaceChildren(...rows);
  byId("differ").replaceChildren(...differ);
  byId("facts").hidden = !rows.length && !differ.length;
}

function drawSteps(audit) {
  const steps = audit.next ?? [];
  byId("next").replaceChildren(...steps.map((step) => {
    const line = make("li");
    if (step.command) line.append(make("code", step.command));
    line.append(make("span", step.purpose, { kind: "soft" }));
    return line;
  }));
  byId("steps").hidden = !steps.length;
}

async function drawAudit() {
  const wanted = chosen;
  const audit = await ask(wanted ? `${base}/audit?at=${encodeURIComponent(wanted)}` : `${base}/audit`);
  if (wanted !== chosen) return;
  for (const draw of [drawAnswer, drawFigures, drawPlaces, drawMatrix, drawFacts, drawSteps]) draw(audit);
  byId("then").hidden = !chosen;
  if (chosen) byId("then-at").replaceChildren(timeOf(chosen));
}

async function drawHistory() {
  const list = byId("audits");
  const atEnd = list.scrollLeft + list.clientWidth >= list.scrollWidth - 4;
  const { audits } = await ask(`${base}/history?limit=200`);
  list.replaceChildren(...audits.reverse().map((one, number) => {
    const { "co-resident": shared, unknown } = one.verdicts;
    const tone = shared ? "bad" : unknown ? "open" : "good";
    const newest = number === audits.length - 1;
    const told = [[one.moved, "moved"], [one.facts_differ, "differ"]]
      .filter(([some]) => some.length).map(([some, what]) => `${some.length} ${what}`).join(", ");
    const button = make("button", "", { type: "button", kind: tone }, timeOf(one.at),
      make("span", `${one.hosts} hosts, ${one.members} members`), make("span", told || " "));
    if (chosen ? one.at === chosen : newest) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => choose(newest ? null : one.at));
    return make("li", "", {}, button);
  }));
  byId("history").hidden = !audits.length;
  if (atEnd && !chosen) list.scrollLeft = list.scrollWidth;
}

function choose(at) {
  chosen = at;
  draw();
}

function pick(id, button) {
  picked = picked.includes(id) ? picked.filter((other) => other !== id) : [...picked, id];
  button.setAttribute("aria-pressed", String(picked.includes(id)));
  if (picked.length === 2) tell(...picked);
}

async function tell(a, b) {
  const path = `${base}/pairs/${encodeURIComponent(a)}/${encodeURIComponent(b)}`;
  let lines;
  try {
    const { said } = await ask(path);
    lines = said.map((one) => make("li", "", {}, timeOf(one.at), " ", make("span", one.verdict, { kind: `verdict ${one.verdict}` }),
      make("p", one.because), make("ul", "", {}, ...one.evidence.map((each) =>
        make("li", `${each.signal} says ${each.says}, ${each.strength}: ${each.because}`)))));
  } catch (error) {
    lines = [make("li", error.message)];
  }
  byId("story-of").textContent = `${a} and ${b}`;
  byId("said").replaceChildren(...lines);
  if (!byId("story").open) byId("story").showModal();
}

function drawNews(number, news) {
  if (byId(`news-${number}`)) return;
  const line = make("li", "", { kind: news.kind, id: `news-${number}` }, timeOf(news.at), " ", make("span", news.text));
  byId("news").prepend(line);
  byId("changed").hidden = false;
}

function drawGoing() {
  const going = byId("going");
  if (!watch) return;
  const parts = [watch.at ? `audited ${age(watch.at)}` : "not audited yet"];
  if (watch.auditing) parts.push("auditing now");
  else if (watch.next) parts.push(`next ${age(watch.next)}`);
  going.textContent = parts.join(" · ");
  const trouble = byId("trouble");
  const failed = watch.failures ? `The last audit failed: ${watch.because}` : "";
  const old = watch.at && watch.survives === null ? "Whether the cluster survives is not known now. " : "";
  if (trouble.textContent !== old + failed) trouble.textContent = old + failed;
  trouble.hidden = !(old + failed);
}

async function draw() {
  try {
    await Promise.all([drawAudit(), drawHistory()]);
  } catch (error) {
    byId("going").textContent = error.message;
  }
}

function listen() {
  const events = new EventSource(`v1/events?after=${document.documentElement.dataset.after}`);
  events.addEventListener("news", (event) => drawNews(event.lastEventId, JSON.parse(event.data)));
  events.addEventListener("watch", (event) => {
    watch = JSON.parse(event.data);
    drawGoing();
    if (watch.at && watch.at !== shown) {
      shown = watch.at;
      draw();
    }
  });
  events.addEventListener("error", () => {
    byId("going").textContent = "not connected; what is shown may be old";
  });
}

byId("now").addEventListener("click", () => choose(null));
byId("story").addEventListener("close", () => {
  picked = [];
  for (const button of document.querySelectorAll(".chip button")) button.setAttribute("aria-pressed", "false");
});
setInterval(drawGoing, 10_000);
draw();
listen();
