'use strict';

// node enqueue.js add     puts jobs into the queue, from standard input: [["sample", {"name": "a", "seconds": 1}], ...]
// node enqueue.js left    prints which jobs have not ended: {name: state}

const fs = require('node:fs');
const { Queue } = require('bullmq');
const { connection } = require('./record.js');

const queue = new Queue('jobs', { connection });

async function main(what) {
  if (what === 'add') {
    await queue.addBulk(JSON.parse(fs.readFileSync(0)).map(([name, data]) => ({ name, data })));
  } else {
    const states = ['active', 'wait', 'delayed', 'prioritized', 'failed'];
    const found = {};
    for (const state of states) for (const job of await queue.getJobs([state])) found[job.data.name] = state;
    console.log(JSON.stringify(found));
  }
  await queue.close();
}

main(process.argv[2]);
