'use strict';

// What the apps here share: where Redis is, how a job is written down, and how it takes its time.

const fs = require('node:fs');

const url = new URL(process.env.REDIS_URL);

exports.connection = {
  host: url.hostname,
  port: Number(url.port),
  db: Number(url.pathname.slice(1)),
  maxRetriesPerRequest: null,
};

exports.record = (what, job) => {
  const t = Number(process.hrtime.bigint()) / 1e9;
  const line = { t, job, what, task: process.env.EMULATOR_TASK || '0', pid: process.pid, attempt: 1 };
  fs.appendFileSync(process.env.RECORDS, `${JSON.stringify(line)}\n`);
};

exports.sleep = (seconds) => new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });

exports.sample = async ({ name, seconds }) => {
  exports.record('start', name);
  await exports.sleep(seconds);
  exports.record('end', name);
};
