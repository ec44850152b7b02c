/** Which scopes somebody holds at each server, and whether they come by default or only when asked for. */
export interface ServerGrant {
  /** Granted when a request names no scope. */
  default: string[];
  /** Granted only when a request names them. */
  onRequest: string[];
}

/** Grants by server name. A scope is either default or on request, never both. */
export class Grants {
  readonly #scopes = new Map<string, Map<string, keyof ServerGrant>>();

  add(server: string, scopes: readonly string[], kind: keyof ServerGrant): void {
    const held = this.#scopes.get(server) ?? new Map<string, keyof ServerGrant>();
    for (const scope of scopes) held.set(scope, kind);
    this.#scopes.set(server, held);
  }

  remove(server: string, scope: string): void {
    this.#scopes.get(server)?.delete(scope);
  }

  at(server: string): ServerGrant {
    const held = [...(this.#scopes.get(server) ?? [])];
    const of = (kind: keyof ServerGrant) => held.filter(([, each]) => each === kind).map(([scope]) => scope);
    return { default: of('default'), onRequest: of('onRequest') };
  }

  snapshot(): Record<string, ServerGrant> {
    const named = [...this.#scopes.keys()].map((server) => [server, this.at(server)] as const);
    return Object.fromEntries(named.filter(([, grant]) => grant.default.length + grant.onRequest.length > 0));
  }
}
