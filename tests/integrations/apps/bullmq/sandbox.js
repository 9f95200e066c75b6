'use strict';

// A processor in a process of its own.

const fs = require('node:fs');

function record(what, job) {
  const t = Number(process.hrtime.bigint()) / 1e9;
  const line = { t, job, what, task: process.env.EMULATOR_TASK || '0', pid: process.pid, attempt: 1 };
  fs.appendFileSync(process.env.RECORDS, `${JSON.stringify(line)}\n`);
}

module.exports = async ({ data: { name, seconds } }) => {
  record('start', name);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  record('end', name);
};
