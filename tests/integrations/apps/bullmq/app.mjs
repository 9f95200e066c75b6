// The same worker in a module, as `import` loads BullMQ.

import { Worker } from 'bullmq';
import { connection, sample } from './record.js';

new Worker('jobs', ({ data }) => sample(data), { connection, concurrency: 2 });
