import { type Awaitable, callback, checkNumber, checkShape, type FetchLike, flag, unchecked } from '@credence/protocol';
import { z } from 'zod';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import type { IssueAuditRecord } from './audit.ts';
import type { IdJagPolicy } from './policy.ts';
import { signingKeysSchema } from './signing-keys-schema.ts';
import { checkWorkloadPlatforms, type WorkloadPlatform } from './subject-tokens/workload-platform.ts';

/** By what an identity provider decides about ID-JAGs, and with what it signs them. */
export interface IdJagExchangeOptions {
  /** Decides every request whose subject token is verified. Where it throws, nothing is issued (`server_error`). */
  readonly policy: IdJagPolicy;
  /** What ID-JAGs are signed with; published at the provider's `jwks_uri` beside the provider's own keys. */
  readonly signingKeys: SigningKeys;
  /** How long an ID-JAG is good, where the policy does not say it, in seconds. Default: 300. */
  readonly lifetimeSeconds?: number | undefined;
  /** The subject identifier of a service principal; it must have one. Default: its client id. */
  readonly subject?: ((clientId: string) => Awaitable<string>) | undefined;
  /**
   * Platforms whose workload JWTs are accepted as subject tokens, by issuer identifier, compared as a string. Their keys
   * are discovered, cached and renewed as those of `verifyIdJag` are. Default: none.
   */
  readonly workloadPlatforms?: Readonly<Record<string, WorkloadPlatform>> | undefined;
  /** For fetching the metadata and key sets of workload platforms. Default: the global one. */
  readonly fetch?: FetchLike | undefined;
  /**
   * Accept clients that do not authenticate: their subject token is all there is then, as for a build that has nothing
   * but its platform's JWT. Default: false.
   */
  readonly allowPublicClients?: boolean | undefined;
  /**
   * Called once for every request of the grant, and awaited before it is answered, for ten seconds at most. Where it
   * throws, rejects or takes longer, nothing is issued (`server_error`, which is recorded in its turn); a refusal stays
   * what it is.
   */
  readonly audit?: ((record: IssueAuditRecord) => void) | ((record: IssueAuditRecord) => Promise<void>) | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const optionsSchema = z.strictObject({
  policy: callback,
  signingKeys: signingKeysSchema,
  lifetimeSeconds: unchecked,
  subject: callback.optional(),
  workloadPlatforms: z.record(z.string(), z.unknown()).optional(),
  fetch: callback.optional(),
  allowPublicClients: flag,
  audit: callback.optional(),
  now: callback.optional(),
});

/** Throws a TypeError for options that are not what they must be. */
export function checkExchangeOptions(options: IdJagExchangeOptions, ownIssuer: string): void {
  checkShape('addIdJagExchange', optionsSchema, options);
  checkNumber('addIdJagExchange', 'lifetimeSeconds', options.lifetimeSeconds, { min: 1, integer: true });
  checkWorkloadPlatforms(options.workloadPlatforms ?? {}, ownIssuer);
}
