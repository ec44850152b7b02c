/** The code of a test that uses only the sandbox. */
import { type ChildSandbox, type Sandbox, sandboxTool, startSandbox } from '@credence/sandbox';
import * as z from 'zod';

export async function issuerOf(check: (sandbox: Sandbox) => Promise<void>): Promise<string> {
  const sandbox = await startSandbox({ accessTokenLifetimeSeconds: 60 });
  await check(sandbox);
  await sandbox.close();
  return sandbox.idp.issuer;
}

/** The names of the options are known in the result. */
export async function ownWorld(): Promise<string> {
  const forecast = sandboxTool({
    name: 'forecast',
    scope: 'weather:read',
    description: 'Tomorrow',
    input: { city: z.string() },
    run: ({ city }, { principal }) => `${city.toUpperCase()}, for ${principal}`,
  });
  const sandbox = await startSandbox({
    servers: { weather: { tools: [forecast] } },
    principals: { bot: {} },
    grants: { bot: { weather: ['weather:read'] } },
  });
  const { url } = sandbox.servers.weather;
  const { clientSecret } = sandbox.principals.bot.servers.weather;
  await sandbox.close();
  return url + clientSecret;
}

/** What is counted is a promise. */
export async function childTokens(): Promise<number> {
  const sandbox: ChildSandbox = await startSandbox({ process: 'child' });
  await sandbox.policy.pauseServer('issues');
  const { token } = await sandbox.idp.requests();
  await sandbox.close();
  return token;
}
