import type { ServerGrant } from '../policy/policy.ts';
import type { PrincipalName } from '../principals/seed.ts';
import type { Sandbox } from '../sandbox.ts';

/** Returns all URLs and the grants of each principal as plain data, without keys and secrets. */
export function describeSandbox(sandbox: Sandbox, only?: PrincipalName) {
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
export function overview(sandbox: Sandbox, only?: PrincipalName): string {
  const { idp, authorizationServers, servers, principals } = describeSandbox(sandbox, only);
  const lines = [
    'Identity provider',
    `  ${idp.issuer}`,
    '',
    'Authorization servers',
    ...Object.entries(authorizationServers).map(([name, { issuer }]) => `  ${name.padEnd(10)} ${issuer}`),
    '',
    'MCP servers',
    ...Object.entries(servers).flatMap(([name, { url, tools }]) => [
      `  ${name.padEnd(10)} ${url}`,
      ...Object.entries(tools).map(([tool, scope]) => `  ${''.padEnd(10)}   ${tool.padEnd(18)} ${scope}`),
    ]),
    '',
    'Service principals',
    ...principals.flatMap(({ name, enabled, groups, grants }) => [
      `  ${name.padEnd(16)} ${[...(enabled ? [] : ['disabled']), ...groups.map((group) => `in ${group}`)].join(', ')}`.trimEnd(),
      ...Object.entries(grants).map(
        ([server, grant]) => `  ${''.padEnd(16)}   ${server.padEnd(10)} ${grantText(grant)}`,
      ),
    ]),
    '',
    'To run a program as one of the service principals:',
    `  npm run --silent sandbox -- --env ${only ?? 'reporting-bot'} > sandbox.env &`,
    '  . ./sandbox.env',
    '',
  ];
  return `${lines.join('\n')}\n`;
}

function grantText({ default: byDefault, onRequest }: ServerGrant): string {
  const requestable = onRequest.length === 0 ? '' : `(on request: ${onRequest.join(' ')})`;
  return [...byDefault, requestable].filter(Boolean).join(' ');
}

function mapValues<Name extends string, In, Out>(record: Readonly<Record<Name, In>>, map: (value: In) => Out) {
  return Object.fromEntries(Object.entries<In>(record).map(([name, value]) => [name, map(value)])) as Record<Name, Out>;
}
