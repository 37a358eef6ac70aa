'use strict';

// The command that the extension starts is a server, to the JSON-RPC of the extension's own client.
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const rpc = require('vscode-jsonrpc/node');
const { serverAt } = require('../server');

test('the server answers and ends', { timeout: 120000 }, async () => {
  const { command, args } = serverAt(process.env.DERIVLOAD ?? 'derivload');
  const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(server.stdout),
    new rpc.StreamMessageWriter(server.stdin),
  );
  connection.listen();
  const told = await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
  });
  assert.strictEqual(told.serverInfo.name, 'derivload');
  await connection.sendNotification('initialized', {});
  await connection.sendRequest('shutdown');
  await connection.sendNotification('exit');
  assert.deepStrictEqual(await ended, [0, null]);
});
