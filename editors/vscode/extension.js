'use strict';

const { workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');
const { serverAt } = require('./server');

let client;

exports.activate = async () => {
  const settings = workspace.getConfiguration('derivload');
  const documentSelector = settings.get('files').map((pattern) => ({ scheme: 'file', pattern }));
  client = new LanguageClient('derivload', 'derivload', serverAt(settings.get('path')), {
    documentSelector,
  });
  await client.start();
};

exports.deactivate = () => client?.stop();
