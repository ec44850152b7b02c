import type { IdJagRequest } from '../issue/policy.ts';
import type { HeldScopes } from './held-scopes.ts';

/** What the table knows about a request that it denies, for `explainDenials`. */
export interface DenialFacts {
  /** The request that is denied. */
  readonly request: IdJagRequest;
  /** The principal of the calling client; undefined where it belongs to none. */
  readonly principal: string | undefined;
  /** The server asked for; undefined where the table has none. */
  readonly server: string | undefined;
  /** The scopes that are enabled at that server. */
  readonly enabledScopes: readonly string[];
  /** What the subject of the request holds there, enabled or not. */
  readonly held: HeldScopes;
}
