'use strict';

// Attaches ecs-supervisor to BullMQ: a gate before every job, and a hold around each.
//
//   NODE_OPTIONS="--require /.../ecs_supervisor_bullmq.js"      without an edit; `ecs-supervisor run --profile bullmq` sets it
//   require('./ecs_supervisor_bullmq').attach(Worker)           in code; needed where a bundler has put BullMQ into the app's own file
//
// Rules
//   1. BullMQ is not loaded from here. When the app has loaded it (`require`, or `import` of its CommonJS build, which is what
//      Node's `import` gives), the prototype of its Worker is patched: run, pause, resume, processJob. All or nothing: if one is
//      missing, one warning, and the worker runs as without this file.
//   2. A worker begins to fetch when the supervisor welcomes new work (at the start: after its first word, or half a second).
//   3. Shut means shut at once: workers are paused, and what a fetch that is under way still brings is moved back to the front of
//      its queue. The fetch itself is not stopped: it has taken the queue's wake-up from the other workers, and the move gives it back.
//   4. A hold lasts from before the processor until the job's result is in Redis; of a sandboxed processor too, in whose own process
//      or thread nothing is attached. A processor that blocks the event loop has been said before; what came meanwhile is read before
//      the next job begins, so that a stop that a long calculation has kept from us lets nothing more begin.
//   5. On SIGTERM, where the app has no listener of its own: close all workers, exit 0. Jobs that would outlive the time there is are
//      moved back to their queue first: after a kill BullMQ runs them only when their lock has expired (a minute), and fails a job that
//      this happened to twice.
//   6. What the process starts after its first worker has begun does not load this file.
//
// In a processor, to end early and go on elsewhere:
//
//   const { WaitingError } = require('bullmq');
//   async function processor(job, token) {
//     const ecsSupervisor = globalThis[Symbol.for('ecs-supervisor')];
//     for (let page = job.data.from || 0; page < job.data.pages; page++) {
//       if (ecsSupervisor && ecsSupervisor.stopping) {
//         await job.updateData({ ...job.data, from: page });
//         await job.moveToWait(token);
//         throw new WaitingError();
//       }
//       await render(page);
//     }
//   }
//
// Not possible: jobs that the app fetches itself with getNextJob are not seen.

const Module = require('node:module');
const os = require('node:os');
const path = require('node:path');
const { isMainThread } = require('node:worker_threads');

const TESTED = [6, 6]; // major versions, from and to
const METHODS = ['run', 'isRunning', 'pause', 'isPaused', 'resume', 'processJob', 'close'];
const REFUSED_MS = 1000; // whoever was refused would be so again

const client = require('./ecs_supervisor');
const stopSeconds = Number(process.env._ECS_SUPERVISOR_STOP_SECONDS) || 0;
const patched = new WeakSet();
const workers = new Set(); // those that run
const held = new Set(); // those that we have paused
const running = new Map(); // job -> its token
const warned = new Set();
let original; // BullMQ's own methods
let isOrphaned = false;

function attach(Worker, version = '') {
  if (!client.supervised || patched.has(Worker)) return;
  patched.add(Worker);
  const major = parseInt(version, 10);
  const missing = METHODS.filter((name) => typeof Worker.prototype[name] !== 'function');
  if (missing.length > 0) {
    warn(`BullMQ ${version} has no Worker.${missing.join(', ')}, so nothing is attached`);
    return;
  }
  if (!(major >= TESTED[0] && major <= TESTED[1])) warn(`BullMQ ${version} was not tested (${TESTED[0]} was); it is attached all the same`);
  const { run, pause, resume, processJob } = Worker.prototype;
  original = { pause, resume };
  Worker.prototype.run = async function () {
    adopt(this);
    await client.firstWord();
    while (client.isShut && !this.closing) await client.news();
    return run.call(this);
  };
  Worker.prototype.pause = function (...words) {
    held.delete(this); // the app's own pause outlasts ours
    return pause.apply(this, words);
  };
  Worker.prototype.resume = async function () {
    if (client.isShut && workers.has(this)) held.add(this);
    else await resume.call(this);
  };
  Worker.prototype.processJob = async function (job, token, ...words) {
    client.look();
    if (client.isShut) return handBack(job, token);
    const [number, answer] = client.ask(`${job.name} ${job.id}`);
    running.set(job, token);
    try {
      if (answer && (await answer) !== null) {
        await handBack(job, token);
        await client.news(REFUSED_MS);
        return undefined;
      }
      return await processJob.call(this, job, token, ...words);
    } finally {
      running.delete(job);
      client.end(number);
    }
  };
  if (isMainThread) introduce(version);
}

function introduce(version) {
  const about = `bullmq ${path.basename(process.argv[1] || 'node')}@${os.hostname()}`;
  client.introduce({ about, framework: 'bullmq', version, gate: true }, { changed, orphaned });
}

/** The first worker of this process: from here on it is the one that is supervised. */
function adopt(worker) {
  if (workers.size === 0) {
    leaveEnvironment();
    process.on('SIGTERM', terminate);
  }
  workers.add(worker);
  worker.once('closed', () => { workers.delete(worker); held.delete(worker); });
}

function leaveEnvironment() {
  const required = /\s*--require (?:"(?:[^"\\]|\\.)*"|\S+)/g;
  const words = (process.env.NODE_OPTIONS || '')
    .replace(required, (option) => (option.includes(path.basename(__filename)) ? '' : option))
    .trim();
  if (words) process.env.NODE_OPTIONS = words;
  else delete process.env.NODE_OPTIONS;
  delete process.env.ECS_SUPERVISOR_ATTACH;
  delete process.env._ECS_SUPERVISOR_STOP_SECONDS;
}

function changed() {
  const wanted = isOrphaned || !client.accepting;
  if (wanted && !client.isShut) {
    client.shut();
    for (const worker of workers) {
      if (worker.isPaused() || !worker.isRunning()) continue; // by the app; or it waits in `run`
      held.add(worker);
      carefully(() => original.pause.call(worker, true));
    }
  } else if (!wanted && client.isShut) {
    client.opened();
    for (const worker of held) carefully(() => original.resume.call(worker));
    held.clear();
  }
}

/** Before BullMQ 6 not all of these give a promise, and nothing of ours may end the app. */
async function carefully(act) {
  try {
    await act();
  } catch (error) {
    broken(error);
  }
}

/** The supervisor has died: nobody would protect the jobs or stop this process in time. */
function orphaned() {
  if (isOrphaned) return;
  isOrphaned = true;
  warn('the supervisor has died; this worker takes no new work and ends when its jobs have');
  changed();
  process.kill(process.pid, 'SIGTERM');
}

/** Move a job back to the front of its queue, as if it had not been fetched. */
async function handBack(job, token) {
  try {
    if (typeof job.moveToWait === 'function') await job.moveToWait(token);
    else await job.moveToDelayed(Date.now() + 1, token);
  } catch (error) {
    broken(error); // it is not lost: it runs again when its lock has expired
  }
}

let isTerminating = false;

async function terminate() {
  if (process.listenerCount('SIGTERM') > 1 || isTerminating) return;
  isTerminating = true;
  const ended = Promise.all([...workers].map((worker) => worker.close().catch(broken)));
  let timer;
  const late = new Promise((resolve) => {
    // Where the supervisor has died, before or since, nobody kills this process.
    if (stopSeconds > 0) timer = setTimeout(() => isOrphaned || resolve('late'), stopSeconds * 1000);
  });
  if ((await Promise.race([ended, late])) === 'late') {
    warn(`${running.size} jobs did not end in time and went back to their queue`);
    await Promise.all([...running].map(([job, token]) => handBack(job, token)));
  }
  clearTimeout(timer);
  process.exit(0);
}

function broken(error) {
  warn(`the hook in BullMQ failed (${error && error.message}); the worker runs as without it`);
}

function warn(what) {
  if (warned.has(what)) return;
  warned.add(what);
  try {
    process.stderr.write(`ecs-supervisor: ${what}\n`);
  } catch (error) {
    // A closed stderr is no reason to fail.
  }
}

function versionNear(file) {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      const found = require(path.join(folder, 'package.json'));
      if (found.name === 'bullmq') return found.version;
    } catch (error) {
      // Not in this folder.
    }
  }
  return '';
}

/** Look at every CommonJS file of a package called bullmq right after it has run; `import` of one comes this way too. */
function watch() {
  const load = Module._extensions['.js'];
  Module._extensions['.js'] = function (module, filename) {
    const result = load.apply(this, arguments);
    if (filename.includes(`${path.sep}bullmq${path.sep}`) && path.basename(filename) === 'worker.js') {
      try {
        const { Worker } = module.exports;
        if (typeof Worker === 'function') attach(Worker, versionNear(filename));
      } catch (error) {
        broken(error);
      }
    }
    return result;
  };
}

if (client.supervised) watch();

module.exports = { attach };
