import { importPKCS8, SignJWT } from 'jose';
import type { Addresses } from '../world/state.ts';
import { connectV1, connectV2 } from './clients.ts';
import type { Contender } from './contender.ts';

/**
 * The hand-written baseline for these measurements. It runs one token request at a time, renews in the background from
 * `expires_in`, reuses the ID-JAG and the subject token, and sends independent requests in parallel. It checks nothing but
 * the HTTP status: no issuer, no token type, no limit on time or size. It follows redirects and ignores cancellation.
 */
export class MinimalTokens {
  readonly #world: Addresses;
  readonly #mayReuseIdJag: boolean;
  #metadata: Promise<Metadata> | undefined;
  #key: Promise<CryptoKey> | undefined;
  #subjectToken: string | undefined;
  #idJag: string | undefined;
  #token: string | undefined;
  #renewAtMs = 0;
  #pending: Promise<string> | undefined;

  constructor(world: Addresses, options: { mayReuseIdJag: boolean } = { mayReuseIdJag: true }) {
    this.#world = world;
    this.#mayReuseIdJag = options.mayReuseIdJag;
  }

  async token(): Promise<string> {
    if (this.#token === undefined) return this.#acquireOnce();
    if (performance.now() >= this.#renewAtMs) void this.#acquireOnce();
    return this.#token;
  }

  refused(token: string): void {
    if (token === this.#token) this.#token = undefined;
  }

  /** The `fetch` option for the transport of either SDK. */
  readonly fetch = async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const token = await this.token();
    const response = await send(input, init, token);
    if (response.status !== 401) return response;
    await response.body?.cancel();
    this.refused(token);
    return send(input, init, await this.token());
  };

  #acquireOnce(): Promise<string> {
    this.#pending ??= this.#acquire().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #acquire(): Promise<string> {
    this.#metadata ??= discover(this.#world);
    const idJag = this.#idJag ?? (await this.#exchange());
    this.#idJag = this.#mayReuseIdJag ? idJag : undefined;
    const { as } = await this.#metadata;
    const { clientId, secret } = this.#world.asClient;
    const answer = await post(
      as,
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: idJag },
      `Basic ${btoa(`${clientId}:${secret}`)}`,
    );
    this.#token = answer.access_token;
    this.#renewAtMs = performance.now() + answer.expires_in * 750;
    return answer.access_token;
  }

  async #exchange(): Promise<string> {
    // import the key while the metadata is being fetched
    this.#key ??= importPKCS8(this.#world.idpClient.privateKey, 'ES256');
    const { idp, resource } = await (this.#metadata ??= discover(this.#world));
    this.#subjectToken ??= (
      await post(idp, { grant_type: 'client_credentials', ...(await this.#assertion()) })
    ).access_token;
    const answer = await post(idp, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      audience: this.#world.as,
      resource,
      subject_token: this.#subjectToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...(await this.#assertion()),
    });
    return answer.access_token;
  }

  async #assertion(): Promise<Record<string, string>> {
    const { clientId, privateKey } = this.#world.idpClient;
    const key = await (this.#key ??= importPKCS8(privateKey, 'ES256'));
    const assertion = await new SignJWT({
      iss: clientId,
      sub: clientId,
      aud: this.#world.idp,
      jti: crypto.randomUUID(),
    })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(key);
    return {
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    };
  }
}

type CryptoKey = Awaited<ReturnType<typeof importPKCS8>>;

/** The two token endpoints and the resource identifier. */
interface Metadata {
  readonly idp: string;
  readonly as: string;
  readonly resource: string;
}

async function discover(world: Addresses): Promise<Metadata> {
  const mcp = new URL(world.mcp);
  const [idp, as, resource] = await Promise.all([
    get(`${world.idp}/.well-known/openid-configuration`),
    get(`${world.as}/.well-known/oauth-authorization-server`),
    get(`${mcp.origin}/.well-known/oauth-protected-resource${mcp.pathname}`),
  ]);
  return { idp: idp.token_endpoint ?? '', as: as.token_endpoint ?? '', resource: resource.resource ?? '' };
}

async function get(url: string): Promise<{ token_endpoint?: string; resource?: string }> {
  const response = await fetch(url);
  return (await response.json()) as { token_endpoint?: string; resource?: string };
}

async function post(
  url: string,
  parameters: Record<string, string>,
  authorization?: string,
): Promise<{ access_token: string; expires_in: number }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: authorization === undefined ? {} : { authorization },
    body: new URLSearchParams(parameters),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return (await response.json()) as { access_token: string; expires_in: number };
}

function send(input: string | URL, init: RequestInit, token: string): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  return fetch(input, { ...init, headers });
}

/** The baseline under the client of SDK v1. `mayReuseIdJag: false` is for an authorization server that accepts an ID-JAG once. */
export const minimumV1: Contender = {
  connect: (world) => connectV1(world.mcp, { fetch: new MinimalTokens(world).fetch }),
};
export const minimumV2: Contender = {
  connect: (world) => connectV2(world.mcp, { fetch: new MinimalTokens(world).fetch }),
};
export const minimumOnceV1: Contender = {
  connect: (world) => connectV1(world.mcp, { fetch: new MinimalTokens(world, { mayReuseIdJag: false }).fetch }),
};
export const minimumOnceV2: Contender = {
  connect: (world) => connectV2(world.mcp, { fetch: new MinimalTokens(world, { mayReuseIdJag: false }).fetch }),
};
