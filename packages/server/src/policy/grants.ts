import type { ScopeGrant } from './options.ts';

type Kind = 'default' | 'onRequest';

export interface HeldScopes {
  readonly default: readonly string[];
  readonly onRequest: readonly string[];
}

/** Scopes by server. One scope is held by default or on request, never both. */
export class Grants {
  readonly #scopes = new Map<string, Map<string, Kind>>();

  add(server: string, scopes: readonly string[], kind: Kind): void {
    const held = this.#scopes.get(server) ?? new Map<string, Kind>();
    for (const scope of scopes) held.set(scope, kind);
    this.#scopes.set(server, held);
  }

  /** Adds what options say. */
  addGrant(server: string, grant: ScopeGrant): void {
    const { default: byDefault = [], onRequest = [] } = isList(grant) ? { default: grant } : grant;
    this.add(server, onRequest, 'onRequest');
    this.add(server, byDefault, 'default');
  }

  remove(server: string, scopes: readonly string[]): void {
    for (const scope of scopes) this.#scopes.get(server)?.delete(scope);
  }

  at(server: string): HeldScopes {
    const held = [...(this.#scopes.get(server) ?? [])];
    const of = (kind: Kind) => held.filter(([, each]) => each === kind).map(([scope]) => scope);
    return { default: of('default'), onRequest: of('onRequest') };
  }

  snapshot(): Record<string, HeldScopes> {
    const named = [...this.#scopes.keys()].map((server) => [server, this.at(server)] as const);
    return Object.fromEntries(
      named.filter(([, { default: byDefault, onRequest }]) => byDefault.length + onRequest.length > 0),
    );
  }
}

/** What several sources hold at a server, taken together: what one of them holds by default comes by default. */
export function together(sources: readonly Grants[], server: string): HeldScopes {
  const held = sources.map((source) => source.at(server));
  const byDefault = new Set(held.flatMap((each) => each.default));
  const onRequest = new Set(held.flatMap((each) => each.onRequest).filter((scope) => !byDefault.has(scope)));
  return { default: [...byDefault], onRequest: [...onRequest] };
}

function isList(grant: ScopeGrant): grant is readonly string[] {
  return Array.isArray(grant);
}
