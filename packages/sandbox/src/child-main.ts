// The file that the child process of `startSandbox({ process: 'child' })` runs.
import { serveParent } from './child/serve.ts';
import { startSandbox } from './start-sandbox.ts';

serveParent((options) =>
  startSandbox<'this', typeof options.mcpServer, string, string, string, string>({ ...options, process: 'this' }),
);
