/**
 * A separate program that starts a sandbox, uses it, leaves an event stream open and closes the sandbox. It never calls
 * process.exit, so it runs on if the sandbox leaves a timer or socket open.
 */
import { startSandbox } from '../start-sandbox.ts';
import { INITIALIZE, post } from './mcp-client.ts';
import { oauthBot } from './oauth-bot.ts';

async function main(): Promise<void> {
  const sandbox = await startSandbox();
  const { url } = sandbox.servers.database;
  const token = await oauthBot(sandbox, 'analytics-bot').accessToken('database');
  const opened = await post(url, token, INITIALIZE);
  await opened.text();
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
  const query = { name: 'query', arguments: { sql: 'SELECT count(*) AS orders FROM orders' } };
  const answered = await post(url, token, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: query }, session);
  const found = (await answered.text()).includes('"rows":[[7]]');
  const stream = await fetch(url, {
    headers: { ...session, authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  });
  const ended = stream.text().then(
    () => 'ended',
    () => 'cut',
  );
  const before = performance.now();
  await sandbox.close();
  await sandbox.close();
  const report = { found, stream: stream.status, streamThen: await ended, closedInMs: performance.now() - before };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
