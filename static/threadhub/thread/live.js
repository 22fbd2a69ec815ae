// Moves the tab Live with the events of its thread. The server has drawn all of it first, and
// each part says up to which event (data-seq): what came before that is never shown twice.

const SHOWN = 400;
// Events kept to be shown again on top of what the server drew before it knew of them.
const RECENT = 1000;
const TEXT = 200;

const say = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const path = (ns) => ns.split("|").map((part) => part.split(":")[0]).filter((part) => part && !/^\d+$/.test(part));
const nodeOf = (graph, key) => graph.querySelector(`[data-node="${CSS.escape(key)}"]`);

// ---- The graph ------------------------------------------------------------------------------

// A graph wider than its place shows the node that matters, else its middle, where it begins;
// drawn anew, it stays where the reader left it.
let leftAt;

function place() {
  const well = document.querySelector("#graph .graph__well");
  if (!well) return;
  const node = well.querySelector(".gn.is-waiting, .gn.is-error, .gn.is-running")?.getBoundingClientRect();
  const middle = node
    ? node.left + node.width / 2 - well.getBoundingClientRect().left - well.clientWidth / 2
    : (well.scrollWidth - well.clientWidth) / 2;
  well.scrollLeft = leftAt ?? middle;
}

addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "graph") leftAt = detail.target.querySelector(".graph__well")?.scrollLeft;
});
addEventListener("htmx:afterSwap", place);
place();

const began = new Map();
// The nodes that ended since others began: from them one came to what begins next.
let ended = new Set();
let hasBegun = false;

function show(graph, node, state, text) {
  node.setAttribute("class", `gn is-${state}`);
  node.querySelector("use").setAttribute("href", `${graph.dataset.sprite}#s-${state}`);
  node.querySelector(".gn__state").textContent = text;
  for (const edge of graph.querySelectorAll(`[data-edge-to="${CSS.escape(node.dataset.node)}"]`)) {
    if (!ended.has(edge.dataset.edgeFrom) && !edge.matches(".ge--active")) continue;
    const look = state === "running" ? "active" : "done";
    edge.setAttribute("class", `ge ge--${look}`);
    edge.setAttribute("marker-end", `url(#tip-${look})`);
  }
}

function took(graph, milliseconds) {
  if (milliseconds < 1000) return say(graph.dataset.sayMs, { number: Math.round(milliseconds) });
  return say(graph.dataset.sayS, { number: Number((milliseconds / 1000).toPrecision(3)) });
}

function started(graph, node, item) {
  began.set(item.payload.id, Date.parse(item.ts));
  hasBegun = true;
  const running = Number(node.dataset.running) + 1;
  const visits = Number(node.dataset.visits) + 1;
  node.dataset.running = running;
  node.dataset.visits = visits;
  const words = graph.dataset;
  const text = running > 1 ? say(words.sayRunningMany, { count: running })
    : visits > 1 ? say(words.sayRunningAgain, { count: visits }) : words.sayRunning;
  show(graph, node, "running", text);
}

function finished(graph, node, item) {
  if (hasBegun) ended = new Set();
  hasBegun = false;
  ended.add(node.dataset.node);
  const running = Math.max(0, Number(node.dataset.running) - 1);
  node.dataset.running = running;
  const { error, interrupts } = item.payload;
  const words = graph.dataset;
  if (error) return show(graph, node, "error", say(words.sayError, { error: String(error).slice(0, 24) }));
  if (interrupts?.length) return show(graph, node, "waiting", words.sayWaiting);
  if (running) return;
  const from = began.get(item.payload.id);
  began.delete(item.payload.id);
  if (from === undefined) return show(graph, node, "success", words.sayDone);
  const count = Number(node.dataset.visits);
  const time = took(graph, Date.parse(item.ts) - from);
  show(graph, node, "success", say(count > 1 ? words.saySuccessAgain : words.saySuccess, { time, count }));
}

function drawTasks(items) {
  const graph = document.querySelector("[data-graph]");
  if (!graph) return;
  for (const item of items) {
    if (item.seq <= Number(graph.dataset.seq)) continue;
    graph.dataset.seq = item.seq;
    const key = [...path(item.payload.ns ?? ""), item.payload.name].join(":");
    const node = nodeOf(graph, key);
    if (!node) continue;
    if (item.kind === "task.started") started(graph, node, item);
    if (item.kind === "task.finished") finished(graph, node, item);
  }
}

// ---- The output -----------------------------------------------------------------------------

function textOf(content) {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((block) => (typeof block === "string" ? block : block.text ?? "")).join("");
}

function compact(data) {
  for (const name of ["text", "message", "question", "title"]) {
    if (data && typeof data === "object" && typeof data[name] === "string") data = data[name];
  }
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return text.length > TEXT ? `${text.slice(0, TEXT)}…` : text;
}

// What was written without the messages that were shown as they came.
function unsaid(written) {
  if (!written || typeof written !== "object" || Array.isArray(written)) return written;
  const isSaid = (message) => message?.id && document.querySelector(`[data-message="${CSS.escape(message.id)}"]`);
  return Object.fromEntries(Object.entries(written).filter(([, value]) => {
    const messages = [value].flat().filter((each) => each && typeof each === "object");
    return !messages.length || !messages.every(isSaid);
  }));
}

function linesOf(item, words) {
  const { kind, payload } = item;
  if (kind === "custom") return [{ node: path(payload.ns ?? "").at(-1) ?? "", text: compact(payload.data) }];
  if (kind === "updates") {
    return Object.entries(payload.data ?? {})
      .map(([node, written]) => [node, unsaid(written)])
      .filter(([node, written]) => !node.startsWith("__") && written && Object.keys(written).length)
      .map(([node, written]) => ({ node, text: compact(written) }));
  }
  if (kind === "interrupt.opened") {
    return [{ node: payload.node ?? "", text: say(words.sayAsked, { text: compact(payload.value) }) }];
  }
  if (kind === "interrupt.answered") return [{ node: "", text: say(words.sayAnswered, { who: payload.by }) }];
  if (kind === "run.cancelled") return [{ node: "", text: words.sayCancelled }];
  if (kind === "run.error" || kind === "run.timeout") {
    const error = payload.error ?? {};
    return [{ node: "", text: [error.error, error.message].filter(Boolean).join(": "), isError: true }];
  }
  return [];
}

function append(log, item, { node, text, isError, message }) {
  if (!text) return;
  const line = document.createElement("div");
  line.className = "log__line";
  line.dataset.seq = item.seq;
  if (message) line.dataset.message = message;
  const part = (classes, words) => {
    const span = document.createElement("span");
    if (classes) span.className = classes;
    span.textContent = words;
    line.append(span, " ");
    return span;
  };
  part("log__t", new Date(item.ts).toISOString().slice(11, 19));
  if (node) part("log__node", node);
  part(isError ? "log__err" : "", text).dataset.text = "";
  log.append(line, "\n");
  while (log.children.length > SHOWN) log.firstElementChild.remove();
}

function token(log, item) {
  const { message, metadata, chunk } = item.payload;
  const text = textOf(message.content);
  const line = message.id && log.querySelector(`[data-message="${CSS.escape(message.id)}"] [data-text]`);
  if (!line) {
    append(log, item, { node: metadata?.langgraph_node, text, message: message.id });
  } else if (chunk) {
    line.append(text);
  } else {
    line.textContent = text;
  }
}

function follow(log) {
  if (document.querySelector("[data-follow]")?.checked) log.scrollTop = log.scrollHeight;
}

function putOut(items) {
  const log = document.querySelector("[data-output]");
  if (!log) return;
  for (const item of items) {
    if (item.seq <= Number(log.dataset.seq)) continue;
    log.dataset.seq = item.seq;
    if (item.kind === "messages") token(log, item);
    else for (const line of linesOf(item, log.dataset)) append(log, item, line);
  }
  if (log.children.length) document.querySelector("[data-no-output]")?.remove();
  follow(log);
}

// ---- What moves them --------------------------------------------------------------------------

// The kinds of one delivery come one after the other; together they are in order again.
let waiting = [];
let recent = [];

function gather(event) {
  if (!event.detail.topic.startsWith("thread:")) return;
  if (!waiting.length) requestAnimationFrame(flush);
  waiting.push(...event.detail.items);
}

function flush() {
  const items = waiting.sort((one, other) => one.seq - other.seq);
  waiting = [];
  recent = [...recent, ...items].slice(-RECENT);
  draw(items);
}

function draw(items) {
  drawTasks(items.filter((item) => item.kind.startsWith("task.")));
  putOut(items);
}

for (const kind of ["task", "messages", "custom", "updates", "interrupt", "run"]) {
  document.body.addEventListener(`live:${kind}`, gather);
}

// After a gap the log was not told everything: what the server knows is drawn anew.
document.body.addEventListener("live:snapshot", ({ detail }) => {
  const log = document.querySelector("[data-output]") ?? document.querySelector("[data-graph]");
  if (!detail.topic.startsWith("thread:") || !log || detail.seq <= Number(log.dataset.seq)) return;
  document.body.dispatchEvent(new CustomEvent("live:stale"));
});

document.body.addEventListener("htmx:afterSwap", () => {
  draw(recent);
  const log = document.querySelector("[data-output]");
  if (log) follow(log);
});

const log = document.querySelector("[data-output]");
if (log) follow(log);
