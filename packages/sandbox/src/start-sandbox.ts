import type { ChildSandbox } from './child/child-sandbox.ts';
import { startChild } from './child/start-child.ts';
import { type ResolvedOptions, resolveOptions, type SandboxOptions, type SandboxProcess } from './options.ts';
import type { PrincipalName } from './principals/seed.ts';
import type { Sandbox } from './sandbox.ts';
import type { DefaultAuthorizationServer, DefaultGroup, OnlyServer, SandboxMcpSource } from './world/options.ts';
import type { World } from './world/world.ts';

/** What `startSandbox` returns: a `ChildSandbox` with `process: 'child'`, else a `Sandbox`. */
export type StartedSandbox<
  Process extends SandboxProcess,
  Server extends string,
  Principal extends string,
  AuthorizationServer extends string,
> = Process extends 'child'
  ? ChildSandbox<Server, Principal, AuthorizationServer>
  : Sandbox<Server, Principal, AuthorizationServer>;

/**
 * Starts an identity provider, authorization servers and MCP servers on free ports of 127.0.0.1, with service principals, a policy and an
 * audit trail. Without options these are two authorization servers, three MCP servers and five principals, the built-in ones. The sandbox
 * sends nothing to other machines. With `process: 'child'` it runs in a child process, and the result is a `ChildSandbox`.
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
export async function startSandbox<
  Process extends SandboxProcess = 'this',
  Own extends SandboxMcpSource | undefined = undefined,
  Server extends string = OnlyServer<Own>,
  Principal extends string = PrincipalName,
  Group extends string = DefaultGroup<Principal>,
  AuthorizationServer extends string = DefaultAuthorizationServer<Server>,
>(
  options: SandboxOptions<Process, Own, Server, Principal, Group, AuthorizationServer> = {},
): Promise<StartedSandbox<Process, Server, Principal, AuthorizationServer>> {
  const { settings, world, process } = resolveOptions(options);
  const started = process === 'child' ? startChild(options, world) : startHere(settings, world);
  // the names in the sandbox are those of the options, which the functions above do not know
  return (await started) as StartedSandbox<Process, Server, Principal, AuthorizationServer>;
}

async function startHere(settings: ResolvedOptions, world: World): Promise<Sandbox<string, string, string>> {
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= Promise.all(closers.map((closer) => closer())).then(() => undefined);
    return closing;
  };
  const late: Promise<unknown>[] = [];
  const closeLater = (closer: () => Promise<unknown>) => {
    // a part that was still being opened when another one failed
    if (closing === undefined) closers.push(closer);
    else late.push(closer());
  };
  try {
    // loaded here, so that a process whose sandbox runs in a child does not load it
    const { assemble } = await import('./assemble.ts');
    const parts = await assemble(settings, world, closeLater);
    return { ...parts, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    await Promise.all(late);
    throw error;
  }
}
