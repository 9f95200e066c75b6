'use strict';

// A processor in a process of its own.

const { sample } = require('./record.js');

module.exports = ({ data }) => sample(data);
