import type { HeldScopes } from './held-scopes.ts';
import type { ScopeGrant } from './options.ts';

type Kind = 'default' | 'onRequest' | 'withheld';

/** Scopes by server. Each scope has one of three kinds: held by default, held on request, or withheld. */
export class Grants {
  readonly #scopes = new Map<string, Map<string, Kind>>();

  set(server: string, scopes: readonly string[], kind: Kind): void {
    const kinds = this.#scopes.get(server) ?? new Map<string, Kind>();
    for (const scope of scopes) kinds.set(scope, kind);
    this.#scopes.set(server, kinds);
  }

  /** Sets the scopes of a grant from the options. */
  setGrant(server: string, grant: ScopeGrant): void {
    const { default: byDefault = [], onRequest = [] } = isList(grant) ? { default: grant } : grant;
    this.set(server, onRequest, 'onRequest');
    this.set(server, byDefault, 'default');
  }

  /** Removes held scopes. Withheld scopes stay withheld. */
  remove(server: string, scopes: readonly string[]): void {
    const kinds = this.#scopes.get(server);
    for (const scope of scopes) if (kinds?.get(scope) !== 'withheld') kinds?.delete(scope);
  }

  heldAt(server: string): HeldScopes {
    return { default: this.#of(server, 'default'), onRequest: this.#of(server, 'onRequest') };
  }

  withheldAt(server: string): string[] {
    return this.#of(server, 'withheld');
  }

  held(): Record<string, HeldScopes> {
    return heldByServer([...this.#scopes.keys()], (server) => this.heldAt(server));
  }

  withheld(): Record<string, string[]> {
    const named = [...this.#scopes.keys()].map((server) => [server, this.withheldAt(server)] as const);
    return Object.fromEntries(named.filter(([, scopes]) => scopes.length > 0));
  }

  #of(server: string, kind: Kind): string[] {
    return [...(this.#scopes.get(server) ?? [])].filter(([, each]) => each === kind).map(([scope]) => scope);
  }
}

/**
 * Merges the scopes that a subject holds at a server by its own grants and those of its groups. A scope that one source holds by
 * default is held by default. A scope that one source withholds is not held.
 */
export function mergeHeldScopes(sources: readonly Grants[], server: string): HeldScopes {
  const held = sources.map((source) => source.heldAt(server));
  const withheld = new Set(sources.flatMap((source) => source.withheldAt(server)));
  const withoutWithheld = (scopes: readonly string[]) => new Set(scopes.filter((scope) => !withheld.has(scope)));
  const byDefault = withoutWithheld(held.flatMap((each) => each.default));
  const onRequest = withoutWithheld(held.flatMap((each) => each.onRequest).filter((scope) => !byDefault.has(scope)));
  return { default: [...byDefault], onRequest: [...onRequest] };
}

/** Returns the held scopes by server, without servers at which no scope is held. */
export function heldByServer(
  servers: readonly string[],
  heldAt: (server: string) => HeldScopes,
): Record<string, HeldScopes> {
  const named = servers.map((server) => [server, heldAt(server)] as const);
  return Object.fromEntries(
    named.filter(([, { default: byDefault, onRequest }]) => byDefault.length + onRequest.length > 0),
  );
}

function isList(grant: ScopeGrant): grant is readonly string[] {
  return Array.isArray(grant);
}
