import type { ServerGrant } from '../policy/policy.ts';
import type { Sandbox } from '../sandbox.ts';
import { quoted } from './exports.ts';

export type AnySandbox = Sandbox<string, string, string>;

/** How to run a program as a principal of this sandbox. */
export interface Commands {
  /** The shell command that starts this program again, with the options for the same world. */
  readonly invocation: string;
  /** A file with the `export` lines of each principal, by principal. */
  readonly envFiles: ReadonlyMap<string, string>;
}

/** Returns all URLs and the grants of each principal as plain data, without keys and secrets. */
export function describeSandbox(sandbox: AnySandbox, only?: string) {
  const snapshot = sandbox.policy.snapshot();
  const { issuer, tokenEndpoint, jwksUri } = sandbox.idp;
  return {
    idp: { issuer, tokenEndpoint, jwksUri },
    authorizationServers: mapValues(sandbox.authorizationServers, (server) => ({
      issuer: server.issuer,
      tokenEndpoint: server.tokenEndpoint,
    })),
    servers: mapValues(sandbox.servers, ({ url, issuer: serverIssuer, scopes, tools }) => ({
      url,
      issuer: serverIssuer,
      scopes,
      tools,
    })),
    principals: Object.values(sandbox.principals)
      .filter(({ name }) => only === undefined || name === only)
      .map(({ name, clientId, groups }) => ({
        name,
        clientId,
        groups,
        enabled: snapshot.principals[name]?.enabled ?? false,
        grants: snapshot.principals[name]?.effective ?? {},
      })),
  };
}

/** Returns the data of `describeSandbox` as text for a terminal. */
export function overview(sandbox: AnySandbox, only?: string): string {
  const { idp, authorizationServers, servers, principals } = describeSandbox(sandbox, only);
  const serverWidth = width([...Object.keys(servers), ...Object.keys(authorizationServers)], 10);
  const toolWidth = width(
    Object.values(servers).flatMap(({ tools }) => Object.keys(tools)),
    18,
  );
  const nameWidth = width(
    principals.map(({ name }) => name),
    16,
  );
  const lines = [
    'Identity provider',
    `  ${idp.issuer}`,
    '',
    'Authorization servers',
    ...Object.entries(authorizationServers).map(([name, { issuer }]) => `  ${name.padEnd(serverWidth)} ${issuer}`),
    '',
    'MCP servers',
    ...Object.entries(servers).flatMap(([name, { url, tools }]) => [
      `  ${name.padEnd(serverWidth)} ${url}`,
      ...Object.entries(tools).map(
        ([tool, scope]) => `  ${''.padEnd(serverWidth)}   ${tool.padEnd(toolWidth)} ${scope}`,
      ),
    ]),
    '',
    'Service principals',
    ...principals.flatMap(({ name, enabled, groups, grants }) => [
      `  ${name.padEnd(nameWidth)} ${[...(enabled ? [] : ['disabled']), ...groups.map((group) => `in ${group}`)].join(', ')}`.trimEnd(),
      ...Object.entries(grants).map(
        ([server, grant]) => `  ${''.padEnd(nameWidth)}   ${server.padEnd(serverWidth)} ${grantText(grant)}`,
      ),
    ]),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

/** Returns the commands that run a program as one of the principals. */
export function commandsText({ invocation, envFiles }: Commands): string {
  const [first] = envFiles;
  if (first === undefined) return '';
  const [name, file] = first;
  return [
    `To run a program as ${name} with these servers, in another terminal:`,
    `  . ${quoted(file)} && node your-program.js`,
    'To start servers for one program only:',
    `  ${invocation} --env ${quoted(name)} -- node your-program.js`,
    '',
    '',
  ].join('\n');
}

function width(words: readonly string[], atLeast: number): number {
  return Math.max(atLeast, ...words.map((word) => word.length));
}

function grantText({ default: byDefault, onRequest }: ServerGrant): string {
  const requestable = onRequest.length === 0 ? '' : `(on request: ${onRequest.join(' ')})`;
  return [...byDefault, requestable].filter(Boolean).join(' ');
}

function mapValues<Name extends string, In, Out>(record: Readonly<Record<Name, In>>, map: (value: In) => Out) {
  return Object.fromEntries(Object.entries<In>(record).map(([name, value]) => [name, map(value)])) as Record<Name, Out>;
}
