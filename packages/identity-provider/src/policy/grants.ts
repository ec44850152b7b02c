import type { HeldScopes } from './held-scopes.ts';
import type { ScopeGrant } from './options.ts';

type Kind = 'default' | 'onRequest' | 'withheld';

/** Scopes by server. One scope is held by default, held on request or withheld, never two of these. */
export class Grants {
  readonly #scopes = new Map<string, Map<string, Kind>>();

  set(server: string, scopes: readonly string[], kind: Kind): void {
    const kinds = this.#scopes.get(server) ?? new Map<string, Kind>();
    for (const scope of scopes) kinds.set(scope, kind);
    this.#scopes.set(server, kinds);
  }

  /** Sets what options say. */
  setGrant(server: string, grant: ScopeGrant): void {
    const { default: byDefault = [], onRequest = [] } = isList(grant) ? { default: grant } : grant;
    this.set(server, onRequest, 'onRequest');
    this.set(server, byDefault, 'default');
  }

  /** What is withheld stays so. */
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
 * What several sources hold at a server, taken together: what one of them holds by default comes by default, and what is
 * withheld in one of them comes from none.
 */
export function together(sources: readonly Grants[], server: string): HeldScopes {
  const held = sources.map((source) => source.heldAt(server));
  const withheld = new Set(sources.flatMap((source) => source.withheldAt(server)));
  const left = (scopes: readonly string[]) => new Set(scopes.filter((scope) => !withheld.has(scope)));
  const byDefault = left(held.flatMap((each) => each.default));
  const onRequest = left(held.flatMap((each) => each.onRequest).filter((scope) => !byDefault.has(scope)));
  return { default: [...byDefault], onRequest: [...onRequest] };
}

/** Without the servers where nothing is held. */
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
