/** The code of a test that uses only the sandbox. */
import { type Sandbox, startSandbox } from '@credence/sandbox';

export async function issuerOf(check: (sandbox: Sandbox) => Promise<void>): Promise<string> {
  const sandbox = await startSandbox({ accessTokenLifetimeSeconds: 60 });
  await check(sandbox);
  await sandbox.close();
  return sandbox.idp.issuer;
}
