'use strict';

// Tells ecs-supervisor what this process works on and says whether a stop has begun. Node's own modules only.
//
//   const ecsSupervisor = require('./ecs_supervisor');
//   await ecsSupervisor.job('send_mail 3f2a', async () => {     // the task is protected while the function runs
//     for (const page of pages) {
//       if (ecsSupervisor.stopping) return save(page);          // ecsSupervisor.secondsLeft says how long there is
//       await render(page);
//     }
//   });
//
// Rules
//   1. Nothing here fails a job or keeps it waiting, and without a supervisor (no ECS_SUPERVISOR_SOCKET) nothing happens.
//      The one wait is asked for: under `protect before-start` `ask` waits ECS_SUPERVISOR_HOLD_WAIT seconds at most.
//   2. A hold has left the process before the job's first line runs, also where that line never lets go of the event loop: a
//      write to a socket with room is made at once. What does not fit is said when there is room, as things stand by then.
//   3. For the same reason `stopping` and `secondsLeft` look into the socket themselves, at most every LOOK_MS.
//   4. After a lost connection it connects again and says anew which holds are open. It keeps no process alive.
//   5. Each process and each worker thread is a holder of its own; children inherit nothing.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { performance } = require('node:perf_hooks');

const RETRY_MS = [100, 200, 400, 800, 1600, 3200, 5000]; // the last one for ever, where the supervisor is gone
const FORGET_MS = 10000; // a supervisor gone for so long says nothing any more
const FIRST_WORD_MS = 500; // for its first word: a gate is not open because nobody has answered yet
const DEAD_MS = 1000; // one that hung up, and whose socket nobody listens on any more for so long, has died
const LOOK_MS = 50;
const UNKNOWN = Object.freeze({ accepting: true, stopping: false, deadline: null });

class Client {
  constructor(socketPath, holdWait) {
    this.supervised = Boolean(socketPath) && socketPath !== 'none';
    this.holdWait = Number(holdWait) > 0 ? Number(holdWait) : 0;
    this.path = socketPath;
    this.state = UNKNOWN;
    this.isShut = false;
    this.introduction = { about: path.basename(process.argv[1] || 'node') };
    this.advices = [];
    this.open = new Map(); // number -> what people read
    this.said = new Set(); // numbers that this connection has heard of
    this.answers = new Map(); // number -> how to answer who waits
    this.waiting = new Set(); // who waits for news
    this.number = 0;
    this.rest = Buffer.alloc(0);
    this.buffer = Buffer.alloc(65536);
    this.tries = 0;
    this.lookedAt = 0;
  }

  /** Hold the task while the function runs; it may be asynchronous. */
  job(about, work) {
    const number = this.begin(about);
    let result;
    try {
      result = work();
    } catch (error) {
      this.end(number);
      throw error;
    }
    if (!result || typeof result.then !== 'function') {
      this.end(number);
      return result;
    }
    return Promise.resolve(result).finally(() => this.end(number));
  }

  /** Whether the task is on its way out: finish soon, or save and hand back. */
  get stopping() {
    this.look();
    return this.state.stopping;
  }

  /** Seconds until work in flight will be interrupted; null while nothing is planned. */
  get secondsLeft() {
    this.look();
    return this.state.deadline === null ? null : Math.max(0, (this.state.deadline - performance.now()) / 1000);
  }

  /** Whether new work is welcome. */
  get accepting() {
    return this.state.accepting && !this.state.stopping;
  }

  /** Name this process. gate: it says `shut` and `opened`. listener: { changed(), orphaned() }, called at news. */
  introduce(introduction, listener) {
    this.introduction = introduction;
    this.listener = listener || this.listener;
    this.start();
    this.tell(this.hello());
  }

  /** Begin a hold; its number, 0 without a supervisor. */
  begin(about, asks = false) {
    if (!this.start()) return 0;
    const number = ++this.number;
    this.open.set(number, String(about).slice(0, 200));
    if (asks) this.answers.set(number, () => {});
    this.say(number);
    return number;
  }

  /** Begin a hold under `before-start`: [its number, a promise of why it may not begin or null, null where nothing is asked]. */
  ask(about) {
    const asks = this.holdWait > 0 && !this.unanswered;
    const number = this.begin(about, asks);
    if (!asks || !number) return [number, null];
    const answer = new Promise((resolve) => {
      const give = (why) => {
        clearTimeout(timer);
        this.answers.delete(number);
        if (why !== null) this.say(number); // a refusal has ended it over there; until it is handed back it goes on
        resolve(why);
      };
      const timer = setTimeout(() => { this.unanswered = true; give(null); }, this.holdWait * 1000);
      this.answers.set(number, give);
    });
    return [number, answer];
  }

  /** End a hold. */
  end(number) {
    if (this.open.delete(number)) this.say(number);
    this.answers.delete(number);
  }

  /** Shut: nothing new will begin in this process. */
  shut() {
    if (!this.isShut) this.tell({ op: 'shut' });
    this.isShut = true;
  }

  opened() {
    if (this.isShut) this.tell({ op: 'opened' });
    this.isShut = false;
    this.wake();
  }

  advise(setting, why, fix) {
    this.advices.push({ op: 'advice', setting, why, fix });
    this.tell(this.advices[this.advices.length - 1]);
  }

  /** Wait for the supervisor's first word, no longer than is reasonable. */
  async firstWord() {
    const deadline = performance.now() + Math.max(FIRST_WORD_MS, this.holdWait * 1000);
    while (this.start() && this.state === UNKNOWN && performance.now() < deadline) {
      await this.news(deadline - performance.now());
    }
  }

  /** Wait until something has changed, or so many milliseconds. */
  news(timeout) {
    return new Promise((resolve) => {
      const done = () => { clearTimeout(timer); this.waiting.delete(done); resolve(); };
      const timer = timeout === undefined ? undefined : setTimeout(done, timeout);
      this.waiting.add(done);
    });
  }

  /** Read what has come meanwhile, for code that does not let go of the event loop. */
  look() {
    const now = performance.now();
    const fd = this.socket && this.socket._handle && this.socket._handle.fd;
    if (!(fd >= 0) || now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    try {
      const length = fs.readSync(fd, this.buffer, 0, this.buffer.length, null);
      if (length > 0) this.hear(this.buffer.subarray(0, length));
    } catch (error) {
      // EAGAIN: nothing has come. Anything else is seen by the event loop too.
    }
  }

  start() {
    if (this.supervised && !this.socket && !this.timer) this.connect();
    return this.supervised;
  }

  connect() {
    this.timer = undefined;
    const socket = net.createConnection({ path: this.path });
    this.socket = socket;
    socket.unref();
    let code;
    socket.on('connect', () => {
      this.connected = true;
      this.rest = Buffer.alloc(0);
      this.said.clear();
      this.tell(this.hello());
      this.sayEverything();
      for (const advice of this.advices) this.tell(advice);
    });
    socket.on('data', (chunk) => this.hear(chunk));
    socket.on('error', (error) => { code = error.code; });
    socket.on('close', () => this.lost(code));
  }

  lost(code) {
    const now = performance.now();
    if (this.connected) this.lostAt = now;
    this.connected = false;
    const silence = this.lostAt === undefined ? 0 : now - this.lostAt;
    if (silence > DEAD_MS && code === 'ECONNREFUSED') this.notify('orphaned');
    if (silence > FORGET_MS && this.state !== UNKNOWN) this.change(UNKNOWN);
    // A bit more for each: the processes of a pool all lost their supervisor at the same instant.
    const delay = (RETRY_MS[this.tries++] || RETRY_MS[RETRY_MS.length - 1]) * (1 + Math.random() / 2);
    this.socket = undefined;
    this.timer = setTimeout(() => this.connect(), delay);
    this.timer.unref();
  }

  hello() {
    return { op: 'hello', v: 1, ...this.introduction };
  }

  sayEverything() {
    for (const number of this.said) if (!this.open.has(number)) this.say(number);
    for (const number of this.open.keys()) if (!this.said.has(number)) this.say(number);
    if (this.introduction.gate) this.tell({ op: this.isShut ? 'shut' : 'opened' });
  }

  /** Say what is true of a hold. */
  say(number) {
    const id = String(number);
    const about = this.open.get(number);
    if (about !== undefined) {
      const wait = this.answers.has(number) ? { wait: true } : {};
      if (this.tell({ op: 'hold', id, about, ...wait })) this.said.add(number);
    } else if (this.said.has(number) && this.tell({ op: 'release', id })) {
      this.said.delete(number);
    }
  }

  /** Write a line if there is room for it; whether that was so. */
  tell(line) {
    if (!this.connected || this.socket.destroyed) return false;
    this.isBehind = this.socket.writableLength > 0;
    if (this.isBehind) return false;
    this.socket.write(`${JSON.stringify(line)}\n`, () => { if (this.isBehind) this.sayEverything(); });
    return true;
  }

  hear(chunk) {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (let end = this.rest.indexOf(10); end >= 0; end = this.rest.indexOf(10)) {
      const line = this.rest.toString('utf8', 0, end);
      this.rest = this.rest.subarray(end + 1);
      let message;
      try {
        message = JSON.parse(line);
      } catch (error) {
        continue; // not ours
      }
      if (message !== null && typeof message === 'object') this.read(message);
    }
  }

  read(message) {
    this.tries = 0;
    this.unanswered = false;
    const number = Number(message.id);
    if (message.op === 'state') {
      const left = message.seconds_left;
      const deadline = typeof left === 'number' ? performance.now() + left * 1000 : null;
      this.change({ accepting: message.accepting !== false, stopping: message.stopping === true, deadline });
    } else if (message.op === 'granted' || message.op === 'refused') {
      const give = this.answers.get(number);
      if (give) give(message.op === 'granted' ? null : String(message.why));
      else if (message.op === 'refused' && this.open.has(number)) this.say(number); // nobody waited any more; the work runs
    }
  }

  change(state) {
    this.state = state;
    this.notify('changed');
    this.wake();
  }

  notify(what) {
    if (this.listener && this.listener[what]) this.listener[what]();
  }

  wake() {
    for (const done of [...this.waiting]) done();
  }
}

// An app's own copy of this file and the supervisor's are one client, so that the process is one holder.
const KEY = Symbol.for('ecs-supervisor');
if (!globalThis[KEY]) {
  globalThis[KEY] = new Client(process.env.ECS_SUPERVISOR_SOCKET, process.env.ECS_SUPERVISOR_HOLD_WAIT);
}
module.exports = globalThis[KEY];
