import type { Sandbox } from '../sandbox.ts';
import {
  type Description,
  type Operations,
  type Sendable,
  sentError,
  type ToChild,
  type ToParent,
} from './messages.ts';

type AnySandbox = Sandbox<string, string, string>;

/**
 * The work of the child process: starts a sandbox with the options of the first message, then answers calls. The child ends when
 * the parent closes the sandbox or ends.
 */
export function serveParent(start: (options: Sendable) => Promise<AnySandbox>): void {
  const send = (message: ToParent) => void process.send?.(message);
  let operations: Operations | undefined;

  const run = async (options: Sendable) => {
    try {
      const sandbox = await start(options);
      sandbox.audit.subscribe((record) => send({ record }));
      operations = operationsOf(sandbox);
      send({ ready: describe(sandbox) });
    } catch (error) {
      send({ failed: sentError(error) });
    }
  };
  const answer = async ({ id, operation, args }: Exclude<ToChild, { start: Sendable }>) => {
    try {
      if (operations === undefined) throw new Error('the sandbox has not started');
      // the parent sends the arguments of this operation
      const value = await (operations[operation] as (...values: readonly unknown[]) => unknown)(...args);
      send({ id, value });
    } catch (error) {
      send({ id, error: sentError(error) });
    }
    if (operation === 'close') process.disconnect();
  };

  process.on('message', (message: ToChild) => void ('start' in message ? run(message.start) : answer(message)));
  // the parent has closed the sandbox, has ended or was killed
  process.once('disconnect', () => process.exit(0));
  if (!process.connected) process.exit(0);
  // Ctrl-C reaches the child, too, and the parent may need the sandbox until it has ended its work
  process.on('SIGINT', () => undefined);
}

function operationsOf(sandbox: AnySandbox): Operations {
  const issuer = (name: string) => known(sandbox.authorizationServers, name);
  const server = (name: string) => known(sandbox.servers, name);
  return {
    rotateSigningKey: () => sandbox.idp.rotateSigningKey(),
    issuerRequests: (name) => (name === undefined ? sandbox.idp : issuer(name)).requests,
    revokeTokens: (name, filter) => issuer(name).revokeTokens(filter),
    mcpRequests: (name) => server(name).requests,
    dropSessions: (name) => server(name).dropSessions(),
    // the parent sends the arguments of this method
    policy: (method, ...args) => (sandbox.policy[method] as (...values: unknown[]) => unknown)(...args),
    records: () => sandbox.audit.records,
    calls: () => sandbox.audit.calls,
    userToken: (user, options) => sandbox.userToken(user, options),
    close: () => sandbox.close(),
  };
}

function withoutFunctions(server: AnySandbox['servers'][string]): Description['servers'][string] {
  const { url, resource, issuer, authorizationServer, scopes, tools, introspection } = server;
  return { url, resource, issuer, authorizationServer, scopes, tools, introspection };
}

function known<T>(record: Readonly<Record<string, T>>, name: string): T {
  const value = record[name];
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}

function describe({ idp, authorizationServers, servers, principals }: AnySandbox): Description {
  const endpoints = ({ issuer, tokenEndpoint, jwksUri }: Description['idp']) => ({ issuer, tokenEndpoint, jwksUri });
  return {
    idp: endpoints(idp),
    authorizationServers: Object.fromEntries(
      Object.entries(authorizationServers).map(([name, server]) => [name, endpoints(server)]),
    ),
    servers: Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, withoutFunctions(server)])),
    principals,
  };
}
