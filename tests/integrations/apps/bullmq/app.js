'use strict';

// A BullMQ app as people write them; it knows nothing of a supervisor, but for the one job that asks how long it has.

const { execSync } = require('node:child_process');
const path = require('node:path');
const { WaitingError, Worker } = require('bullmq');
const { connection, record, sample, sleep } = require('./record.js');

// How long a page of the long job takes.
const PAGE_SECONDS = 0.05;

const client = () => globalThis[Symbol.for('ecs-supervisor')];

const kinds = {
  sample,

  async fails({ name, seconds }) {
    record('start', name);
    await sleep(seconds);
    throw new Error('as asked');
  },

  async calculates({ name, seconds }) {
    record('start', name);
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end);
    record('end', name);
  },

  // Asks without ever letting go of the event loop.
  async asksHowLong({ name, seconds }) {
    record('start', name);
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end && !client().stopping);
    const left = client().secondsLeft;
    record(`told ${client().stopping} ${left === null ? '' : left.toFixed(1)}`, name);
    record('end', name);
  },

  // Saves how far it has come, and goes on in another worker.
  async pages({ name, seconds, from = 0 }, job, token) {
    record('start', name);
    for (let page = from; page < seconds / PAGE_SECONDS; page++) {
      if (client() && client().stopping) {
        await job.updateData({ ...job.data, from: page });
        await job.moveToWait(token);
        throw new WaitingError();
      }
      await sleep(PAGE_SECONDS);
    }
    record('end', name);
  },

  async commands({ name }) {
    record('start', name);
    const out = execSync(`"${process.execPath}" -p "[process.env.NODE_OPTIONS, Symbol.for('ecs-supervisor') in globalThis].join()"`);
    record(`command says ${out.toString().trim()}`, name);
    record('end', name);
  },
};

const options = { connection, concurrency: Number(process.argv[2] || 2) };
const processor = process.argv[3] === 'sandbox' ? path.join(__dirname, 'sandbox.js') : (job, token) => kinds[job.name](job.data, job, token);
new Worker('jobs', processor, options).on('error', (error) => console.error(error.message));

if (process.argv[3] === 'own-handler') {
  process.on('SIGTERM', () => { record('the handler of the app', ''); process.exit(3); });
}
