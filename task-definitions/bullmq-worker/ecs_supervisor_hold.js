'use strict';

// Holds for BullMQ, with nothing but Node:  follow(new Worker('mails', held(processor), { connection }));
// ECS_SUPERVISOR_API is http://127.0.0.1:8126 or unix:/path; without it nothing is asked, and only SIGTERM is heard.

const { randomUUID } = require('node:crypto');
const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');
const { WaitingError } = require('bullmq');

const TTL = 60, REFRESH = 15; // seconds: a hold ends by itself unless it is put again
const PATIENCE = 10; // so long a silent supervisor is waited for, at the start and after it was there; then we go on without
const API = process.env.ECS_SUPERVISOR_API;
let heardAt = performance.now();
let welcome = true;

// Resolves to the status of the answer, 0 for none. wait: how long the supervisor may take, in seconds.
const ask = (method, path, body, wait = 0) => new Promise((resolve) => {
  const [url, more] = API.startsWith('unix:') ? [`http://localhost${path}`, { socketPath: API.slice(5) }] : [API + path, {}];
  const options = { ...more, method, agent: false, headers: { 'Content-Type': 'application/json' }, signal: AbortSignal.timeout(1000 * (wait + 5)) };
  const answered = (answer) => { heardAt = performance.now(); answer.on('error', () => {}).resume(); resolve(answer.statusCode); };
  http.request(url, options, answered).on('error', () => resolve(0)).end(body && JSON.stringify(body));
});

const allowed = (status) => (status === 0 ? performance.now() - heardAt >= PATIENCE * 1000 : ![409, 503].includes(status));

// A processor that holds the task while a job runs. A job that must not begin goes back to the front of its queue.
exports.held = (processor) => async (job, token, ...more) => {
  if (!API) return processor(job, token, ...more);
  const path = `/v1/holds/${randomUUID()}`;
  const hold = { about: `${job.name} ${job.id}`, ttl: TTL };
  if (!welcome || !allowed(await ask('PUT', path, { ...hold, wait: 15 }, 15))) {
    await job.moveToWait(token);
    throw new WaitingError();
  }
  let refreshed;
  const timer = setInterval(() => { refreshed = ask('PUT', path, hold); }, REFRESH * 1000);
  try {
    return await processor(job, token, ...more);
  } finally {
    clearInterval(timer);
    await refreshed; // no refreshing after the end
    await ask('DELETE', path);
  }
};

// Fetch only while new work is welcome; finish what runs at SIGTERM. All workers of the process in one call.
exports.follow = async (...workers) => {
  let isOver = false;
  process.on('SIGTERM', () => {
    isOver = true;
    Promise.all(workers.map((worker) => worker.close())).finally(() => process.exit(0));
  });
  while (API && !isOver) {
    const status = await ask('GET', `/v1/accepting?wait=20&was=${welcome}`, null, 20);
    if (isOver) return;
    if (welcome !== allowed(status)) {
      welcome = !welcome;
      await Promise.all(workers.map((worker) => (welcome ? worker.resume() : worker.pause(true))));
    }
    if (![200, 503].includes(status)) await sleep(1000);
  }
};
