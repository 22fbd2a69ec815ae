// The live protocol of docs/live.md: one socket for all topics of this page.
//
//   const stop = subscribe("thread:abc", { snapshot(data, place) {}, events(items, place) {},
//     state(name, asOf) {}, revoked() {}, denied() {} });
//
// States: live, reconnecting, catching-up, simplified, polling, off.

const PATH = "/ws/v1/stream";
const WORD = "threadhub.v1";
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30000;
const POLL_PAUSE = 5000;
const FAILURES_BEFORE_POLLING = 3;
const ANSWER_PAUSE = 5000;
const ACK_PAUSE = 250;
const ACK_ITEMS = 100;
// The server's reasons after which asking again is of no use.
const SIGNED_OUT = 4401;
const FINAL = new Set([4400, SIGNED_OUT, 4404, 4410]);

export class Live {
  constructor({ page = globalThis, fetchJson = readJson } = {}) {
    this.page = page;
    this.fetchJson = fetchJson;
    this.topics = new Map();
    this.failures = 0;
    this.unanswered = 0;
    this.heartbeat = 20000;
    this.socket = null;
    this.ready = false;
    this.over = false;
    this.asOf = null;
    this.painting = [];
    page.addEventListener("online", () => this.hurry());
    page.addEventListener("pagehide", () => this.leave());
    page.addEventListener("pageshow", (event) => event.persisted && this.hurry());
    page.document.addEventListener("visibilitychange", () => this.turn());
  }

  subscribe(name, viewer) {
    let topic = this.topics.get(name);
    if (!topic) this.topics.set(name, (topic = { name, viewers: new Set(), state: "catching-up" }));
    topic.viewers.add(viewer);
    this.tell(topic, topic.state);
    if (topic.viewers.size === 1) this.ask(topic);
    // A second viewer needs the whole, which only the server has.
    else this.ask(topic, { anew: true });
    this.connect();
    return () => {
      topic.viewers.delete(viewer);
      if (topic.viewers.size || this.topics.get(name) !== topic) return;
      this.topics.delete(name);
      this.say({ type: "unsub", topic: name });
    };
  }

  connect() {
    if (this.socket || this.over || !this.topics.size || this.later) return;
    const { protocol, host } = this.page.location;
    const scheme = protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.socket = new this.page.WebSocket(`${scheme}//${host}${PATH}`, [WORD]));
    socket.onopen = () => this.say({ type: "hello", v: 1, tab: TAB }, socket);
    socket.onmessage = (event) => this.hear(JSON.parse(event.data));
    socket.onclose = (event) => this.lost(socket, event.code);
    this.watchBeat();
  }

  say(message, socket = this.ready ? this.socket : null) {
    if (socket?.readyState === 1) socket.send(JSON.stringify(message));
  }

  ask(topic, { anew = false } = {}) {
    if (anew) topic.seq = undefined;
    const place = topic.seq === undefined ? {} : { since: topic.seq, epoch: topic.epoch };
    this.say({ type: "sub", topic: topic.name, ...place, deltas: !this.page.document.hidden });
  }

  hear(message) {
    this.unanswered = 0;
    const topic = this.topics.get(message.topic);
    if (message.type === "welcome") this.welcome(message);
    else if (message.type === "bye") this.returnIn = message.retry_ms ?? undefined;
    else if (topic) this.hearOf(topic, message);
  }

  welcome(message) {
    this.ready = true;
    this.failures = 0;
    this.heartbeat = message.heartbeat_s * 1000;
    this.page.clearInterval(this.polling);
    this.polling = undefined;
    for (const topic of this.topics.values()) {
      topic.simplified = false;
      this.ask(topic);
    }
  }

  hearOf(topic, message) {
    const { type, epoch } = message;
    if (type === "snapshot") {
      Object.assign(topic, { seq: message.seq, epoch, asking: false });
      this.show(topic, () => this.call(topic, "snapshot", message.data, { seq: message.seq, epoch }));
    } else if (type === "events") {
      this.follow(topic, message);
    } else if (type === "resync") {
      topic.simplified = message.mode === "snapshots";
      this.tell(topic, "catching-up");
    } else if (type === "revoked" || type === "denied") {
      this.topics.delete(topic.name);
      this.tell(topic, "off");
      this.call(topic, type);
    } else if (type === "error") {
      this.tell(topic, "off");
    }
  }

  follow(topic, { from, to, items, epoch, dropped }) {
    // Nothing twice; what is missing is asked for, once, and never passed over.
    if (epoch !== topic.epoch || !(from <= topic.seq + 1)) {
      if (!topic.asking) this.ask(topic);
      topic.asking = true;
      return;
    }
    topic.asking = false;
    const fresh = items.filter((item) => item.seq > topic.seq);
    topic.seq = Math.max(topic.seq, to);
    this.show(topic, () => {
      if (fresh.length) this.call(topic, "events", fresh, { seq: to, dropped });
    });
  }

  // All of a frame is painted at once, and acknowledged when it was: a page that does not
  // come along is sent less.
  show(topic, paint) {
    this.asOf = new Date();
    this.painting.push({ topic, paint });
    // Frames and timers of a hidden tab may be a minute apart.
    if (this.page.document.hidden) this.paint();
    else if (this.painting.length === 1) this.page.requestAnimationFrame(() => this.paint());
  }

  paint() {
    const batch = this.painting.splice(0);
    const shown = new Set();
    for (const { topic, paint } of batch) {
      paint();
      shown.add(topic);
    }
    for (const topic of shown) {
      this.acknowledge(topic);
      const live = topic.simplified ? "simplified" : "live";
      if (this.topics.get(topic.name) === topic) this.tell(topic, this.ready ? live : "polling");
    }
  }

  acknowledge(topic) {
    const send = () => {
      this.page.clearTimeout(topic.acking);
      topic.acking = undefined;
      topic.acked = topic.seq;
      this.say({ type: "ack", topic: topic.name, seq: topic.seq });
    };
    const isDue = topic.seq - (topic.acked ?? 0) >= ACK_ITEMS;
    if (isDue || this.page.document.hidden) send();
    else topic.acking ??= this.page.setTimeout(send, ACK_PAUSE);
  }

  call(topic, method, ...parts) {
    for (const viewer of [...topic.viewers]) viewer[method]?.(...parts);
  }

  tell(topic, state) {
    topic.state = state;
    this.call(topic, "state", state, this.asOf);
  }

  tellAll(state) {
    for (const topic of this.topics.values()) this.tell(topic, state);
  }

  // Two heartbeats without an answer: what is shown may be old.
  watchBeat() {
    this.page.clearInterval(this.beat);
    this.unanswered = 0;
    this.beat = this.page.setInterval(() => {
      if (this.unanswered >= 2) return this.lost(this.socket, 0);
      this.ping();
    }, this.heartbeat);
  }

  ping() {
    this.unanswered += 1;
    this.say({ type: "ping" });
  }

  lost(socket, code) {
    if (socket !== this.socket) return;
    this.page.clearInterval(this.beat);
    this.socket = null;
    this.ready = false;
    socket.onclose = socket.onmessage = null;
    socket.close();
    if (FINAL.has(code)) return this.end(code);
    this.failures += 1;
    const pause = Math.min(FIRST_PAUSE * 2 ** (this.failures - 1), LONGEST_PAUSE);
    this.wait(this.returnIn ?? pause * (0.5 + Math.random()));
    this.returnIn = undefined;
    if (this.failures >= FAILURES_BEFORE_POLLING) this.poll();
    else this.tellAll("reconnecting");
  }

  wait(pause) {
    this.page.clearTimeout(this.later);
    this.later = this.page.setTimeout(() => {
      this.later = undefined;
      this.connect();
    }, pause);
  }

  hurry() {
    const socket = this.socket;
    if (socket) {
      this.ping();
      const check = () => socket === this.socket && this.unanswered && this.lost(socket, 0);
      this.page.setTimeout(check, ANSWER_PAUSE);
      return;
    }
    this.page.clearTimeout(this.later);
    this.later = undefined;
    this.connect();
  }

  // A tab nobody looks at needs no tokens.
  turn() {
    if (this.page.document.hidden) this.paint();
    else this.hurry();
    for (const topic of this.topics.values()) this.ask(topic);
  }

  poll() {
    if (this.polling !== undefined) return;
    this.tellAll("polling");
    this.polling = this.page.setInterval(() => this.pollOnce(), POLL_PAUSE);
    this.pollOnce();
  }

  async pollOnce() {
    for (const topic of [...this.topics.values()]) {
      const query = new URLSearchParams({ topic: topic.name });
      if (topic.epoch) {
        query.set("since", topic.seq);
        query.set("epoch", topic.epoch);
      }
      const messages = await this.fetchJson(`/api/live?${query}`);
      if (messages === SIGNED_OUT) return this.end(SIGNED_OUT);
      // A socket may be back by now, and further.
      if (!this.ready && messages) for (const message of messages) this.hearOf(topic, message);
    }
  }

  end(code) {
    this.over = true;
    this.page.clearInterval(this.polling);
    this.tellAll("off");
    for (const topic of this.topics.values()) this.call(topic, "ended", code);
  }

  // The browser keeps the page as it is; a socket would keep it from doing so.
  leave() {
    const socket = this.socket;
    if (!socket) return;
    this.page.clearInterval(this.beat);
    this.socket = null;
    this.ready = false;
    socket.onclose = socket.onmessage = null;
    socket.close();
  }
}

const TAB = Math.random().toString(36).slice(2, 10);
let live;

export function subscribe(name, viewer) {
  live ??= new Live();
  return live.subscribe(name, viewer);
}

async function readJson(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 403) return SIGNED_OUT;
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
