import { ServicePrincipal } from '@credence/core';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterAll, expect, it } from '@jest/globals';

let sandbox: Sandbox | undefined;
afterAll(async () => sandbox?.close());

it('a token that is revoked when its bot closes is refused by the MCP server of an oidc-provider', async () => {
  sandbox = await startSandbox();
  const { env } = sandbox.principals['reporting-bot'];
  const bot = ServicePrincipal.fromEnv(env, { revokeOnClose: true });
  const [name = ''] = bot.serverNames;
  const { url } = bot.server(name);
  const { value } = await bot.token(name);
  const ping = () =>
    fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${value}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    });
  const before = await ping();
  await before.body?.cancel();
  await bot.close();
  const after = await ping();
  await after.body?.cancel();
  expect(before.status).not.toBe(401);
  expect(after.status).toBe(401);
});
