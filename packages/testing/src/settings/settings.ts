import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { normaliseScopes } from '@credence/protocol';
import { invalid } from './check.ts';
import { clientKeys } from './keys.ts';
import type { FakeClient, FakeIdpOptions, FakeServer, FakeTool, FakeToolHandler } from './options.ts';

/** A client of an issuer: what the issuer knows, and what `options()` needs to act as the client. */
export interface ClientSettings {
  readonly principal: string;
  readonly clientId: string;
  readonly secret: string | undefined;
  readonly publicKey: KeyObject | undefined;
  readonly privateKey: KeyObject | undefined;
}

/** An MCP server of the fake, with all defaults. */
export interface ServerSettings {
  readonly name: string;
  readonly url: string;
  readonly resource: string;
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly tools: ReadonlyMap<string, FakeTool> | undefined;
  readonly handler: FakeServer['handler'];
  readonly singleUse: boolean;
  readonly requireDpop: boolean;
  readonly revokeAfterCalls: number;
  /** The clients of its authorization server, by the name of the principal. */
  readonly clients: ReadonlyMap<string, ClientSettings>;
}

/** A principal of the fake, with all defaults. */
export interface PrincipalSettings {
  readonly name: string;
  /** Its client at the IdP. */
  readonly client: ClientSettings;
  /** The scopes that the IdP grants at a server; undefined without a grant for the server. */
  readonly grantedAt: (server: ServerSettings) => readonly string[] | undefined;
}

/** Everything that `fakeIdp` was configured with, with all defaults. */
export interface Settings {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly servers: ReadonlyMap<string, ServerSettings>;
  readonly principals: ReadonlyMap<string, PrincipalSettings>;
  readonly accessTokenSeconds: number;
  readonly idJagSeconds: number;
  readonly subjectTokenSeconds: number;
}

/** The settings for options that `checkOptions` has accepted. */
export function settingsFrom(options: FakeIdpOptions): Settings {
  const { issuer = 'https://idp.example', expire = {} } = options;
  const settings = {
    issuer,
    tokenEndpoint: options.tokenEndpoint ?? `${withoutSlash(issuer)}/token`,
    servers: serversFrom(options),
    principals: principalsFrom(options),
    accessTokenSeconds: expire.accessTokenSeconds ?? 300,
    idJagSeconds: expire.idJagSeconds ?? 300,
    subjectTokenSeconds: expire.subjectTokenSeconds ?? 3600,
  };
  checkIssuers(settings);
  checkGrantedScopes(settings, options);
  return settings;
}

function serversFrom({ servers, principals, revoke = {} }: FakeIdpOptions): ReadonlyMap<string, ServerSettings> {
  const secrets = new Map<string, string>();
  return new Map(
    Object.entries(servers).map(([name, server]) => {
      const { url = `https://${name.toLowerCase()}.mcp.example/mcp` } = server;
      const issuer = server.issuer ?? `https://${name.toLowerCase()}.as.example`;
      const tools = server.tools && new Map(Object.entries(server.tools).map(([tool, given]) => [tool, asTool(given)]));
      const toolScopes = normaliseScopes([...(tools?.values() ?? [])].flatMap(({ scopes = [] }) => scopes));
      const clients = Object.entries(principals).map(([principal, { clients = {} }]) => {
        const at = `${issuer} ${principal}`;
        const made = secrets.get(at) ?? randomBytes(24).toString('base64url');
        secrets.set(at, made);
        const client = clientFrom(
          principal,
          own(clients, name) ?? {},
          `principals.${principal}.clients.${name}`,
          () => ({
            secret: made,
          }),
        );
        return [principal, client] as const;
      });
      return [
        name,
        {
          name,
          url,
          resource: server.resource ?? url,
          issuer,
          tokenEndpoint: server.tokenEndpoint ?? `${withoutSlash(issuer)}/token`,
          audience: server.audience ?? issuer,
          scopes: server.scopes ?? (toolScopes.length > 0 ? toolScopes : [`${name}:use`]),
          tools,
          handler: server.handler,
          singleUse: server.singleUse ?? false,
          requireDpop: server.requireDpop ?? false,
          revokeAfterCalls: own(revoke, name)?.afterCalls ?? Infinity,
          clients: new Map(clients),
        },
      ];
    }),
  );
}

function principalsFrom({ principals }: FakeIdpOptions): ReadonlyMap<string, PrincipalSettings> {
  return new Map(
    Object.entries(principals).map(([name, principal]) => {
      const client = clientFrom(name, principal, `principals.${name}`, () => ({
        key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      }));
      const { grants } = principal;
      return [
        name,
        { name, client, grantedAt: (server) => (grants === undefined ? server.scopes : own(grants, server.name)) },
      ];
    }),
  );
}

function clientFrom(principal: string, given: FakeClient, option: string, made: () => FakeClient): ClientSettings {
  const { clientId = principal, isPublic = false } = given;
  const ways = [given.secret !== undefined, given.key !== undefined, isPublic].filter(Boolean).length;
  if (ways > 1) throw invalid(`${option} has more than one of secret, key and isPublic`);
  const { secret, key } = ways === 0 ? made() : given;
  const keys = key === undefined ? undefined : clientKeys(key, `${option}.key`);
  return { principal, clientId, secret, publicKey: keys?.publicKey, privateKey: keys?.privateKey };
}

function asTool(given: FakeTool | FakeToolHandler): FakeTool {
  return typeof given === 'function' ? { handler: given } : given;
}

/** An authorization server accepts no ID-JAG of itself, and one URL belongs to one server. */
function checkIssuers({ issuer, servers }: Settings): void {
  const urls = new Map<string, string>();
  for (const { name, url, issuer: asIssuer } of servers.values()) {
    if (asIssuer === issuer) throw invalid(`servers.${name}.issuer is the issuer of the IdP`);
    const other = urls.get(url);
    if (other !== undefined) throw invalid(`the servers ${other} and ${name} have the same url`);
    urls.set(url, name);
  }
}

/** A scope that no tool has is a mistake in a test: the bot would get a token without it. */
function checkGrantedScopes({ servers }: Settings, { principals }: FakeIdpOptions): void {
  for (const [principal, { grants = {} }] of Object.entries(principals)) {
    for (const [name, scopes] of Object.entries(grants)) {
      const { scopes: known = [] } = servers.get(name) ?? {};
      const unknown = scopes.find((scope) => !known.includes(scope));
      if (unknown === undefined) continue;
      throw invalid(
        `principals.${principal}.grants.${name} has the scope "${unknown}", which the server does not have`,
        `Its scopes are: ${known.join(' ')}. Correct the grant, or set scopes of the server.`,
      );
    }
  }
}

/** The own member of this name: a name can be that of an object property, such as `constructor`. */
function own<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/u, '');
}
