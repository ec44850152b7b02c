import {
  type Awaitable,
  callback,
  checkedElsewhere,
  checkNumber,
  checkShape,
  type FetchLike,
  flag,
  isAbsoluteUri,
} from '@credence/protocol';
import { z } from 'zod';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { IssueAuditRecord } from './audit.ts';
import type { IdJagPolicy } from './policy.ts';
import { signingKeysSchema } from './signing-keys-schema.ts';
import { checkWorkloadPlatforms, type WorkloadPlatform } from './subject-tokens/workload-platform.ts';

/** Options of `addIdJagExchange`. */
export interface IdJagExchangeOptions {
  /**
   * Decides each request whose subject token was verified. May throw GrantRefusal. If it throws another error, the request is
   * refused with `server_error`.
   */
  readonly policy: IdJagPolicy;
  /**
   * The resources of each authorization server, by its issuer identifier: `{ 'https://as.example': ['https://mcp.example/mcp'] }`.
   * A grant for another audience, or for a resource of another authorization server, is refused with `invalid_target`, whatever
   * the policy decides. Set it with a policy of your own. `policyTable` makes the same check. Default: the policy alone decides.
   */
  readonly targets?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The keys that sign ID-JAGs. Their public keys are added to the provider's `jwks_uri`. */
  readonly signingKeys: SigningKeys;
  /** Lifetime of an ID-JAG in seconds, if the policy does not set it. Default: 300. */
  readonly lifetimeSeconds?: number | undefined;
  /**
   * True: if a request with a user's token has no `actor_token`, the client that sends it is the actor, and the ID-JAG has its `act` claim. The client
   * has authenticated itself, so its name is as certain as with an actor token. Default: false; the ID-JAG then has no actor.
   */
  readonly actorFromClient?: boolean | undefined;
  /** Returns the subject of a service principal; it must not be empty. Default: the client id. */
  readonly subject?: ((clientId: string) => Awaitable<string>) | undefined;
  /**
   * Platforms whose workload JWTs are accepted as subject tokens, by issuer identifier (compared as a string). Their keys are
   * discovered, cached and renewed like the keys of an issuer in `verifyIdJag`. Default: none.
   */
  readonly workloadPlatforms?: Readonly<Record<string, WorkloadPlatform>> | undefined;
  /** The fetch function for metadata and key sets of workload platforms. Default: the global `fetch`. */
  readonly fetch?: FetchLike | undefined;
  /**
   * True to accept clients that do not authenticate. Only their subject token then identifies them. A build job, for example, has
   * only the JWT of its platform. Default: false.
   */
  readonly allowPublicClients?: boolean | undefined;
  /**
   * Called once for each token exchange request, before the response is sent. The provider waits for it, for ten seconds at most.
   * If it throws, rejects or takes longer, a request that would be granted is refused with `server_error`, and `audit` is called
   * for this refusal. A refusal does not change.
   */
  readonly audit?: ((record: IssueAuditRecord) => void) | ((record: IssueAuditRecord) => Promise<void>) | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const optionsSchema = z.strictObject({
  policy: callback,
  targets: z.record(z.string(), z.array(z.string().refine(isAbsoluteUri, 'is not an absolute URI')).min(1)).optional(),
  signingKeys: signingKeysSchema,
  lifetimeSeconds: checkedElsewhere,
  subject: callback.optional(),
  workloadPlatforms: z.record(z.string(), z.unknown()).optional(),
  fetch: callback.optional(),
  actorFromClient: flag,
  allowPublicClients: flag,
  audit: callback.optional(),
  now: callback.optional(),
});

/** Throws a TypeError for invalid options. */
export function checkExchangeOptions(options: IdJagExchangeOptions, ownIssuer: string): void {
  checkShape('addIdJagExchange', optionsSchema, options);
  checkNumber('addIdJagExchange', 'lifetimeSeconds', options.lifetimeSeconds, { min: 1, integer: true });
  checkWorkloadPlatforms(options.workloadPlatforms ?? {}, ownIssuer);
}
