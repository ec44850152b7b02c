/** How the world behaves; it can be changed between two measurements. */
export interface Behaviour {
  /** Every party answers after so many milliseconds. */
  readonly latencyMs: number;
  /** Lifetime of an access token, exact to the millisecond. */
  readonly tokenLifetimeMs: number;
  /** The authorization server takes each ID-JAG once. */
  readonly idJagsOnce: boolean;
}

/** Requests that arrived, by endpoint; `unauthorized` are the 401s of the MCP server. */
export interface Counts {
  idpMetadata: number;
  idpToken: number;
  asMetadata: number;
  asToken: number;
  resourceMetadata: number;
  mcp: number;
  unauthorized: number;
}

/** Where everything is and how the clients that are registered there prove themselves. */
export interface Addresses {
  readonly idp: string;
  readonly as: string;
  readonly mcp: string;
  /** At the IdP; by its key (ES256, PKCS#8 PEM) or by its secret. */
  readonly idpClient: { readonly clientId: string; readonly privateKey: string; readonly secret: string };
  /** At the authorization server, likewise. */
  readonly asClient: { readonly clientId: string; readonly privateKey: string; readonly secret: string };
}

export const SCOPE = 'tools:call';
export const IDP_TOKEN_LIFETIME_SECONDS = 600;
export const ID_JAG_LIFETIME_SECONDS = 300;

export class State {
  behaviour: Behaviour = { latencyMs: 20, tokenLifetimeMs: 300_000, idJagsOnce: false };
  counts: Counts = noCounts();
  /** Access tokens of the MCP server, with when they end on the monotonic clock. */
  readonly tokens = new Map<string, number>();
  /** `jti` of every ID-JAG that was redeemed. */
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

/** Everything that was asked for the sake of a token. */
export function authRequests(counts: Counts): number {
  return metadataRequests(counts) + counts.idpToken + counts.asToken;
}
