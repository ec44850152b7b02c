import { randomBytes, randomUUID } from 'node:crypto';
import { generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { answer } from '../processes/rpc.ts';
import { type Answer, type ReceivedRequest, serve } from './http.ts';
import { listOf, resultOf } from './tenant-tools.ts';

/** Servers for many tenants: each tenant is its own client at the IdP and at the authorization server, and its own subject. */
export interface TenantAddresses {
  readonly idp: string;
  readonly as: string;
  /** The MCP servers by name. */
  readonly servers: Readonly<Record<string, string>>;
}

/** What arrived. */
export interface TenantCounts {
  metadata: number;
  /** Requests to the token endpoints of the IdP and of the authorization server. */
  idpToken: number;
  asToken: number;
  mcp: number;
  /** Tool calls with a token of the tenant that the arguments name, and those with the token of another one or with none. */
  calls: number;
  crossed: number;
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
const SCOPE = 'tools:call';
const LIFETIME_SECONDS = 3_600;

/** The access tokens for the MCP servers, with the tenant and the server that each was issued for. */
const tokens = new Map<string, { readonly tenant: string; readonly resource: string }>();
let counts = noCounts();
/** Whether the MCP servers keep the stream of notifications open that a client asks for by GET. */
let streams = false;

function noCounts(): TenantCounts {
  return { metadata: 0, idpToken: 0, asToken: 0, mcp: 0, calls: 0, crossed: 0 };
}

function issue(tenant: string, resource: string): string {
  const token = randomBytes(32).toString('base64url');
  tokens.set(token, { tenant, resource });
  return token;
}

/** The tenant whose client sends this form. Each client has the name of the tenant and a secret with this name. */
function tenantOf(form: URLSearchParams): string | undefined {
  const id = form.get('client_id') ?? '';
  return form.get('client_secret') === `secret of ${id}` ? id : undefined;
}

const refused = (error: string): Answer => ({ status: 400, json: { error } });
const metadata = (json: object): Answer => {
  counts.metadata += 1;
  return { status: 200, json };
};

async function open(): Promise<TenantAddresses> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const sign = (tenant: string, typ: string, claims: Record<string, unknown>) =>
    new SignJWT({ ...claims, sub: tenant, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', typ })
      .setIssuedAt()
      .setExpirationTime(`${LIFETIME_SECONDS}s`)
      .sign(privateKey);

  const idpToken = async (issuer: string, form: URLSearchParams): Promise<Answer> => {
    counts.idpToken += 1;
    const tenant = tenantOf(form);
    if (tenant === undefined) return refused('invalid_client');
    const lifetime = { expires_in: LIFETIME_SECONDS };
    if (form.get('grant_type') === 'client_credentials') {
      const token = await sign(tenant, 'at+jwt', { iss: issuer, aud: issuer });
      return { status: 200, json: { ...lifetime, token_type: 'Bearer', access_token: token } };
    }
    if (form.get('grant_type') !== EXCHANGE) return refused('unsupported_grant_type');
    const { payload } = await jwtVerify(form.get('subject_token') ?? '', publicKey, { issuer });
    if (payload.sub !== tenant) return refused('invalid_grant');
    const aud = form.get('audience');
    const claims = { iss: issuer, aud, client_id: tenant, resource: form.get('resource'), scope: SCOPE };
    const token = await sign(tenant, 'oauth-id-jag+jwt', claims);
    return {
      status: 200,
      json: { ...lifetime, issued_token_type: ID_JAG, token_type: 'N_A', access_token: token, scope: SCOPE },
    };
  };

  const asToken = async (issuer: string, form: URLSearchParams): Promise<Answer> => {
    counts.asToken += 1;
    const tenant = tenantOf(form);
    if (tenant === undefined || form.get('grant_type') !== JWT_BEARER) return refused('invalid_client');
    const { payload } = await jwtVerify(form.get('assertion') ?? '', publicKey, { audience: issuer });
    if (payload['client_id'] !== tenant || payload.sub !== tenant) return refused('invalid_grant');
    const token = issue(tenant, String(payload['resource']));
    const json = { access_token: token, token_type: 'Bearer', expires_in: LIFETIME_SECONDS, scope: SCOPE };
    return { status: 200, json };
  };

  const issuerOf = async (
    token: typeof idpToken,
    more: (origin: string) => Readonly<Record<string, unknown>>,
  ): Promise<string> =>
    serve(
      () => 0,
      (origin, { path, body }) => {
        if (path === '/token') return token(origin, new URLSearchParams(body));
        return metadata({
          issuer: origin,
          token_endpoint: `${origin}/token`,
          jwks_uri: `${origin}/jwks`,
          response_types_supported: ['code'],
          token_endpoint_auth_methods_supported: ['client_secret_post'],
          ...more(origin),
        });
      },
    );
  const idp = await issuerOf(idpToken, () => ({
    grant_types_supported: ['client_credentials', EXCHANGE],
    identity_chaining_requested_token_types_supported: [ID_JAG],
  }));
  const as = await issuerOf(asToken, () => ({
    grant_types_supported: [JWT_BEARER],
    authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
  }));
  const names = ['issues', 'documents', 'database'];
  const servers = await Promise.all(names.map(async (name) => [name, await startMcpServer(name, as)] as const));
  return { idp, as, servers: Object.fromEntries(servers) };
}

/** An MCP server that knows by the access token which tenant calls. */
async function startMcpServer(name: string, issuer: string): Promise<string> {
  const origin = await serve(
    () => 0,
    (own, request) => {
      const url = `${own}/mcp`;
      if (request.path.startsWith('/.well-known/')) return metadata({ resource: url, authorization_servers: [issuer] });
      counts.mcp += 1;
      const token = tokens.get(request.authorization?.replace(/^Bearer /u, '') ?? '');
      if (token?.resource !== url) return { status: 401, headers: { 'www-authenticate': 'Bearer' } };
      if (request.method === 'POST') return answerOf(name, request, token.tenant);
      return streams && request.method === 'GET' ? { status: 200, isStream: true } : { status: 405 };
    },
  );
  return `${origin}/mcp`;
}

function answerOf(server: string, request: ReceivedRequest, tenant: string): Answer {
  const { id, method, params } = JSON.parse(request.body) as {
    readonly id?: number;
    readonly method: string;
    readonly params?: { readonly name?: string; readonly arguments?: { readonly query?: string } };
  };
  if (id === undefined) return { status: 202 };
  if (method === 'tools/call') {
    if (params?.arguments?.query === tenant) counts.calls += 1;
    else counts.crossed += 1;
  }
  const result = method === 'tools/list' ? listOf(server) : resultOf(method, tenant);
  return { status: 200, json: { jsonrpc: '2.0', id, result } };
}

const methods = {
  open,
  /** An access token of each tenant for each server, without a request of the client. */
  issue: async (tenants: readonly string[], urls: readonly string[]): Promise<Record<string, string[]>> =>
    Object.fromEntries(tenants.map((tenant) => [tenant, urls.map((url) => issue(tenant, url))])),
  keepStreams: async (keeps: boolean) => {
    streams = keeps;
  },
  /** What arrived since the last time. */
  takeCounts: async (): Promise<TenantCounts> => {
    const taken = counts;
    counts = noCounts();
    return taken;
  },
};
export type TenantsMethods = typeof methods;

answer(methods);
