import { randomBytes } from 'node:crypto';
import type { Clock } from '@credence/core';
import type { FakeCaller } from '../settings/options.ts';

/** An access token that an authorization server of the fake has issued. */
export interface IssuedToken extends FakeCaller {
  readonly server: string;
  readonly clientId: string;
  /** The thumbprint of the DPoP key that the token is bound to. */
  readonly thumbprint: string | undefined;
  readonly expiresAtMs: number;
  isRevoked: boolean;
  /** The number of tool calls with this token. */
  toolCalls: number;
}

/** The access tokens of all authorization servers. */
export class AccessTokens {
  readonly #tokens = new Map<string, IssuedToken>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  issue(token: Omit<IssuedToken, 'isRevoked' | 'toolCalls' | 'expiresAtMs'>, lifetimeSeconds: number): string {
    const value = randomBytes(24).toString('base64url');
    const expiresAtMs = this.#clock.wallMs() + lifetimeSeconds * 1000;
    this.#tokens.set(value, { ...token, expiresAtMs, isRevoked: false, toolCalls: 0 });
    return value;
  }

  /** The token, also if it is revoked or expired. */
  find(value: string): IssuedToken | undefined {
    return this.#tokens.get(value);
  }

  isLive(token: IssuedToken): boolean {
    return !token.isRevoked && token.expiresAtMs > this.#clock.wallMs();
  }

  /** Revokes the live tokens of a server or a principal. Returns how many there were. */
  revoke(filter: { server?: string | undefined; principal?: string | undefined }): number {
    const live = [...this.#tokens.values()].filter(
      (token) =>
        this.isLive(token) &&
        (filter.server === undefined || filter.server === token.server) &&
        (filter.principal === undefined || filter.principal === token.principal),
    );
    for (const token of live) token.isRevoked = true;
    return live.length;
  }

  /** The time at which the last live token expires, in milliseconds since the epoch. */
  lastExpiryMs(): number {
    return Math.max(0, ...[...this.#tokens.values()].filter((token) => this.isLive(token)).map((t) => t.expiresAtMs));
  }
}
