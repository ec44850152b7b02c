/** The behaviour of the IdP, the authorization server and the MCP server. `reset` changes it between two measurements. */
export interface Behaviour {
  /** Every server answers after this many milliseconds. */
  readonly latencyMs: number;
  /** Lifetime of an access token, exact to the millisecond. */
  readonly tokenLifetimeMs: number;
  /** The authorization server accepts each ID-JAG once. */
  readonly idJagsOnce: boolean;
}

/** The number of requests that arrived at each endpoint. `unauthorized` counts the 401s of the MCP server. */
export interface Counts {
  idpMetadata: number;
  idpToken: number;
  asMetadata: number;
  asToken: number;
  resourceMetadata: number;
  mcp: number;
  unauthorized: number;
}

/** The addresses of the servers, and the credentials of the clients that are registered there. */
export interface Addresses {
  readonly idp: string;
  readonly as: string;
  readonly mcp: string;
  /** The client at the IdP. It authenticates with its key (ES256, PKCS#8 PEM) or its secret. */
  readonly idpClient: { readonly clientId: string; readonly privateKey: string; readonly secret: string };
  /** The client at the authorization server. It authenticates with its key or its secret. */
  readonly asClient: { readonly clientId: string; readonly privateKey: string; readonly secret: string };
}

export const SCOPE = 'tools:call';
export const IDP_TOKEN_LIFETIME_SECONDS = 600;
export const ID_JAG_LIFETIME_SECONDS = 300;

export class State {
  behaviour: Behaviour = { latencyMs: 20, tokenLifetimeMs: 300_000, idJagsOnce: false };
  counts: Counts = noCounts();
  /** Access tokens for the MCP server, with their expiry in milliseconds of `performance.now()`. */
  readonly tokens = new Map<string, number>();
  /** The `jti` of every redeemed ID-JAG. */
  readonly redeemed = new Set<string>();

  readonly latencyMs = (): number => this.behaviour.latencyMs;

  reset(behaviour: Behaviour): void {
    this.behaviour = behaviour;
    this.counts = noCounts();
    this.tokens.clear();
    this.redeemed.clear();
  }
}

export function noCounts(): Counts {
  return { idpMetadata: 0, idpToken: 0, asMetadata: 0, asToken: 0, resourceMetadata: 0, mcp: 0, unauthorized: 0 };
}

export function metadataRequests({ idpMetadata, asMetadata, resourceMetadata }: Counts): number {
  return idpMetadata + asMetadata + resourceMetadata;
}

/** The number of requests that a client sent to get access tokens: metadata and both token endpoints. */
export function authRequests(counts: Counts): number {
  return metadataRequests(counts) + counts.idpToken + counts.asToken;
}
