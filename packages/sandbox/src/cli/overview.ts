import type { ServerGrant } from '../policy/policy.ts';
import type { PrincipalName } from '../principals/seed.ts';
import type { Sandbox } from '../sandbox.ts';

/** What runs where and who may reach what, without any key or secret: as plain data. */
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

/** The same for a person. */
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
    'To run something as one of them:',
    `  npm run --silent sandbox -- --env ${only ?? 'reporting-bot'} > sandbox.env &`,
    '  . ./sandbox.env',
    '',
  ];
  return `${lines.join('\n')}\n`;
}

function grantText({ default: byDefault, onRequest }: ServerGrant): string {
  const asked = onRequest.length === 0 ? '' : `(when asked for: ${onRequest.join(' ')})`;
  return [...byDefault, asked].filter(Boolean).join(' ');
}

function mapValues<Name extends string, In, Out>(record: Readonly<Record<Name, In>>, map: (value: In) => Out) {
  return Object.fromEntries(Object.entries<In>(record).map(([name, value]) => [name, map(value)])) as Record<Name, Out>;
}
