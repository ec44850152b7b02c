/** The code of tests with the sandbox and Redis, and of an authorization server on oidc-provider. */
import { ServicePrincipal } from '@credence/core';
import { redisReplayStore, redisStore } from '@credence/redis';
import { startSandbox } from '@credence/sandbox';
import { policyTable } from '@credence/identity-provider';
import { addIdJagGrant } from '@credence/authorization-server/oidc-provider';
import type Provider from 'oidc-provider';
import { createClient } from 'redis';

export async function tokenType(): Promise<string> {
  const sandbox = await startSandbox({ accessTokenLifetimeSeconds: 60 });
  const client = createClient();
  const store = redisStore({ client, encryptionKey: new Uint8Array(32) });
  const bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env, { store });
  const { type } = await bot.token('issues');
  await bot.close();
  await sandbox.close();
  return type;
}

export function serve(provider: Provider): void {
  addIdJagGrant(provider, {
    issuers: { 'https://idp.example': {} },
    resources: { 'https://mcp.example/mcp': { scopes: ['issues:read'] } },
    replay: { singleUse: redisReplayStore({ client: createClient() }) },
  });
}

export const table = policyTable;
