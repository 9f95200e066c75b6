'use strict';

// A BullMQ worker with the client of the task definition. A job that was cut is not run again: jobs like these must not run twice.

const { Worker } = require('bullmq');
const { follow, held } = require('./ecs_supervisor_hold.js');
const { connection, sample } = require('./record.js');

const options = { connection, concurrency: 2, maxStalledCount: 0 };
follow(new Worker('jobs', held(({ data }) => sample(data)), options).on('error', (error) => console.error(error.message)));
