// The same worker in a module, as `import` loads BullMQ.

import fs from 'node:fs';
import { Worker } from 'bullmq';

const url = new URL(process.env.REDIS_URL);

function record(what, job) {
  const t = Number(process.hrtime.bigint()) / 1e9;
  const line = { t, job, what, task: process.env.EMULATOR_TASK || '0', pid: process.pid, attempt: 1 };
  fs.appendFileSync(process.env.RECORDS, `${JSON.stringify(line)}\n`);
}

const work = async ({ data: { name, seconds } }) => {
  record('start', name);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  record('end', name);
};

new Worker('jobs', work, { connection: { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null }, concurrency: 2 });
