'use strict';

/** How the server is started. Without a transport the client speaks on stdin and stdout, and adds no argument. */
exports.serverAt = (path) => ({ command: path, args: ['lsp'] });
