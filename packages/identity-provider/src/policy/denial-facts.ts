import type { IdJagRequest } from '../issue/policy.ts';
import type { HeldScopes } from './held-scopes.ts';

/** The facts about a denied request that `explainDenials` gets from the policy table. */
export interface DenialFacts {
  /** The denied request. */
  readonly request: IdJagRequest;
  /** The principal of the requesting client. Undefined if the client belongs to no principal. */
  readonly principal: string | undefined;
  /** The requested server. Undefined if the table has no server for the requested target. */
  readonly server: string | undefined;
  /** The scopes that are enabled at that server. */
  readonly enabledScopes: readonly string[];
  /** The scopes that the subject of the request holds at that server, including scopes that are not enabled. */
  readonly held: HeldScopes;
}
