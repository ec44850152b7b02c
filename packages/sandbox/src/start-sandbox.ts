import { assemble } from './assemble.ts';
import { resolveOptions, type SandboxOptions } from './options.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Starts an identity provider, two authorization servers and three MCP servers on free ports of 127.0.0.1, with service
 * principals, a policy and an audit trail. The sandbox sends nothing to other machines.
 *
 * @throws CredenceError `invalid_configuration` for options that do not exist or have invalid values.
 *
 * @example
 * <!-- from examples/sandbox.ts#sandbox -->
 * ```ts
 * const sandbox = await startSandbox({ singleUseIdJags: true }); // so that each new access token needs a request to the IdP
 * const me = sandbox.principals['reporting-bot']; // its key, client ids and secrets; me.env has the CREDENCE_* variables
 * const bot = ServicePrincipal.fromEnv(me.env);
 *
 * const first = await bot.token('documents');
 * sandbox.policy.pauseServer('documents'); // the IdP refuses new ID-JAGs for this server ...
 * sandbox.authorizationServers.main.revokeTokens({ principal: me.name }); // ... and issued access tokens stop working
 * await sandbox.idp.rotateSigningKey();
 *
 * bot.invalidate(first); // a 401 of the MCP server has the same effect
 * const refused = await bot.token('documents').catch((error: unknown) => error);
 * console.log(sandbox.audit.records.map(({ server, reason }) => `${server ?? '-'}: ${reason}`));
 * console.log(sandbox.idp.requests.token, sandbox.authorizationServers.main.requests.token);
 * ```
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const settings = resolveOptions(options);
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= Promise.all(closers.map((closer) => closer())).then(() => undefined);
    return closing;
  };
  try {
    const parts = await assemble(settings, (closer) => void closers.push(closer));
    return { ...parts, close };
  } catch (error) {
    await close();
    throw error;
  }
}
